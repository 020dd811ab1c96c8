#!/usr/bin/env bash
# One would guess: tensorflow-text's BertTokenizer, which it describes as the tokenizer of BERT, splits a text
# as BERT's own does when both convert to lower case and strip accents: lower case, NFD, without marks.
#
# What happens: it converts to lower case by Unicode's NFKC_Casefold, which does more. The sharp s becomes two
# letters, full-width digits become ASCII digits, "x" with a superscript 2 becomes "x2", and a fraction
# becomes digits with a slash. BERT's rule, which Hugging Face's tokenizers follow, changes none of these.
# Of the 95,005 characters of Unicode 3.2 that are letters, marks, numbers, punctuation or symbols, 3,373
# differ, and each of these makes the word around it a different word.
#
# Versions: tensorflow 2.21.0, tensorflow-text 2.21.1, tokenizers 0.23.3.
#
# Why it matters: the published vocabularies were made by BERT's own rule. Whoever puts tensorflow-text's
# tokenizer in front of such a model, or takes it away to serve a model without TensorFlow, feeds other
# pieces for German words, for digits in Chinese and Japanese texts and for units. English tests pass.
#
# Seen on Linux x86-64, Python 3.11:
#   Caf\xe9: BERT cafe; tensorflow-text cafe
#   stra\xdfe: BERT stra\xdfe; tensorflow-text strasse
#   \uff11\uff12: BERT \uff11\uff12; tensorflow-text 12
#   m\xb2: BERT m\xb2; tensorflow-text m2
#   1\xbd: BERT 1\xbd; tensorflow-text 11\u20442
#   characters of Unicode 3.2 that differ between two letters: 3373 of 95005
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  tensorflow==2.21.0 tensorflow-text==2.21.1 tokenizers==0.23.3

cat >"$folder/compare.py" <<'PYTHON'
"""Splits texts by the two tokenizers, each with a vocabulary that holds every word that either makes."""
import sys
import unicodedata

import tensorflow as tf
import tensorflow_text
from tokenizers import normalizers, pre_tokenizers

normalizer = normalizers.BertNormalizer(
    clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True
)
splitter = pre_tokenizers.BertPreTokenizer()
WORDS = ["[UNK]", "cafe", "strasse", "stra\u00dfe", "\uff11\uff12", "12", "m\u00b2", "m2", "1\u00bd", "11\u20442"]


def by_bert(texts):
    return [[word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))] for text in texts]


def by_tensorflow(texts, words, file_name):
    """Returns the words of texts; what is not in the vocabulary `words` becomes [UNK]."""
    path = f"{sys.argv[1]}/{file_name}"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{word}\n" for word in words)
    tokenizer = tensorflow_text.BertTokenizer(path, lower_case=True, token_out_type=tf.string)
    return [[word.decode() for word in row] for row in tokenizer.tokenize(texts).merge_dims(-2, -1).to_list()]


for text, bert, tensorflow in (
    ("Caf\u00e9", "cafe", "cafe"),
    ("stra\u00dfe", "stra\u00dfe", "strasse"),
    ("\uff11\uff12", "\uff11\uff12", "12"),
    ("m\u00b2", "m\u00b2", "m2"),
    ("1\u00bd", "1\u00bd", "11\u20442"),
):
    found = by_bert([text]), by_tensorflow([text], WORDS, "words.txt")
    shown = [" ".join(words[0]).encode("ascii", "backslashreplace").decode() for words in ([[text]], *found)]
    print("{}: BERT {}; tensorflow-text {}".format(*shown))
    assert found == ([[bert]], [[tensorflow]])

# The vocabulary holds the words of BERT's rule only, so that every other word is unknown. Characters that
# came after Unicode 3.2 are left out: not all tables have the same of them.
category = unicodedata.ucd_3_2_0.category
letters = [chr(code) for code in range(0x21, 0x30000) if category(chr(code))[0] in "LMNPS"]
texts = [f"a{letter}b" for letter in letters]
words = by_bert(texts)
vocabulary = ["[UNK]", *sorted({word for row in words for word in row})]
different = sum(found != row for found, row in zip(by_tensorflow(texts, vocabulary, "all.txt"), words))
print(f"characters of Unicode 3.2 that differ between two letters: {different} of {len(letters)}")
assert (different, len(letters)) == (3373, 95005)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/compare.py" "$folder" 2>"$folder/log" || {
  cat "$folder/log" >&2
  exit 1
}
