#!/usr/bin/env bash
# One would guess: the normalizer `Precompiled` of Hugging Face's tokenizers changes texts as SentencePiece
# does, because it reads the table of replacements that SentencePiece wrote into its model. The tokenizers
# of XLM-RoBERTa, multilingual E5 and T5 are converted in this way.
#
# What happens: the two agree on every single character. SentencePiece replaces the longest sequence of
# the table wherever it begins. `Precompiled` looks at one grapheme (a letter with its marks) at a time,
# and takes a replacement of the grapheme's beginning for the whole. What follows in the grapheme is lost:
# Vietnamese letters with two marks that are stored one by one lose the second mark. Longer graphemes are
# replaced character by character, so that Korean letters stored as parts stay parts, and a half-width
# katakana syllable with its voicing mark stays two characters.
#
# Versions: tokenizers 0.23.3, sentencepiece 0.2.3, protobuf 7.36.2.
#
# Why it matters: such texts come from macOS file names, from some keyboards and from older Japanese
# systems. Whoever trains with SentencePiece and serves with tokenizers, or the other way round, feeds
# other pieces to the model, in Vietnamese other words. A comparison of all single characters, or one on
# composed text, finds no difference.
#
# Seen on Linux x86-64, Python 3.11:
#   single characters that differ: 0
#   Vietnamese, decomposed: SentencePiece 'r\u1ea5t t\u1ed1t', tokenizers 'r\xe2t t\xf4t'
#   Vietnamese, composed: SentencePiece 'r\u1ea5t t\u1ed1t', tokenizers 'r\u1ea5t t\u1ed1t'
#   Japanese, half width: SentencePiece '\u30ac\u30a4\u30c9', tokenizers '\u30ab\u3099\u30a4\u30c8\u3099'
#   Korean, decomposed: SentencePiece '\ud55c', tokenizers '\u1112\u1161\u11ab'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tokenizers==0.23.3 sentencepiece==0.2.3 \
  protobuf==7.36.2

cat >"$folder/compare.py" <<'PYTHON'
"""Normalizes texts by one table in two libraries."""
import io
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import normalizers

model = io.BytesIO()
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(["a b c d"] * 10), model_writer=model, vocab_size=9, minloglevel=2,
    hard_vocab_limit=False, normalization_rule_name="nfkc",
)
proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
precompiled = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
original = sentencepiece.SentencePieceNormalizer(
    rule_name="nfkc", add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
)

letters = [chr(code) for code in range(1, 0x30000) if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")]
others = [letter for letter in letters if original.normalize(letter) != precompiled.normalize_str(letter)]
print("single characters that differ:", len(others))
assert not others

vietnamese = "r\u1ea5t t\u1ed1t"
for name, text, as_sentencepiece, as_tokenizers in (
    ("Vietnamese, decomposed", unicodedata.normalize("NFD", vietnamese), vietnamese, "r\u00e2t t\u00f4t"),
    ("Vietnamese, composed", vietnamese, vietnamese, vietnamese),
    ("Japanese, half width", "\uff76\uff9e\uff72\uff84\uff9e", "\u30ac\u30a4\u30c9", "\u30ab\u3099\u30a4\u30c8\u3099"),
    ("Korean, decomposed", "\u1112\u1161\u11ab", "\ud55c", "\u1112\u1161\u11ab"),
):
    by_original, by_precompiled = original.normalize(text), precompiled.normalize_str(text)
    print(f"{name}: SentencePiece {ascii(by_original)}, tokenizers {ascii(by_precompiled)}")
    assert by_original == as_sentencepiece
    assert by_precompiled == as_tokenizers
PYTHON
"$folder/env/bin/python" "$folder/compare.py"
