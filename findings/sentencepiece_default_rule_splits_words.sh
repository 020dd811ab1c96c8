#!/usr/bin/env bash
# One would guess: SentencePiece's default normalization rule, `nmt_nfkc`, is NFKC with other kinds of white
# space turned into spaces. Its documentation describes it as NFKC with some more rules around spaces.
#
# What happens: it also replaces invisible characters that stand inside words by a space: the zero-width
# non-joiner (U+200C), the left-to-right and right-to-left marks (U+200E, U+200F) and the Arabic letter mark
# (U+061C). The zero-width joiner and the soft hyphen stay. And it leaves the full-width tilde (U+FF5E) as
# it is, which NFKC turns into an ASCII tilde. The rule `nfkc` does none of this.
#
# Versions: sentencepiece 0.2.3; Unicode of Python's unicodedata.
#
# Why it matters: Persian writes the zero-width non-joiner within words (between verb prefix and stem, before
# the plural ending), so each such word becomes two words, and no decoder can join them again. A mark of
# direction, which editors insert into Arabic and Hebrew texts, splits the word that it stands in. The rule
# is the default of SentencePiece's trainer, and models keep it.
#
# Seen on Linux x86-64, Python 3.11:
#   Persian, U+200C in a word: nmt_nfkc '\u0645\u06cc \u0631\u0648\u0645', nfkc unchanged
#   Hebrew, U+200F in a word: nmt_nfkc '\u05e9\u05dc \u05d5\u05dd', nfkc unchanged
#   Sinhala, U+200D in a word: nmt_nfkc unchanged, nfkc unchanged
#   pieces of the Persian word: nmt_nfkc 2 words, nfkc 1 word
#   full-width tilde: nmt_nfkc '\uff5e', nfkc '~', NFKC '~'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check sentencepiece==0.2.3

cat >"$folder/rules.py" <<'PYTHON'
"""Normalizes words with invisible characters by two of SentencePiece's rules."""
import io
import unicodedata

import sentencepiece

NAMES = ("nmt_nfkc", "nfkc")
RULES = {
    name: sentencepiece.SentencePieceNormalizer(
        rule_name=name, add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    for name in NAMES
}


def words(text, rule):
    """Returns how many words a model has in a text. It was trained by a rule, or by the default."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d"] * 10), model_writer=model, vocab_size=9, minloglevel=2,
        hard_vocab_limit=False, **({"normalization_rule_name": rule} if rule else {}),
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return "".join(processor.encode(text, out_type=str)).count("\u2581")


persian, hebrew, sinhala = "\u0645\u06cc\u200c\u0631\u0648\u0645", "\u05e9\u05dc\u200f\u05d5\u05dd", "\u0d9a\u0dca\u200d\u0dbb"
for name, text, split in (
    ("Persian, U+200C in a word", persian, True),
    ("Hebrew, U+200F in a word", hebrew, True),
    ("Sinhala, U+200D in a word", sinhala, False),
):
    found = [RULES[rule].normalize(text) for rule in NAMES]
    shown = ["unchanged" if other == text else ascii(other) for other in found]
    print(f"{name}: nmt_nfkc {shown[0]}, nfkc {shown[1]}")
    assert found == [text.replace("\u200c", " ").replace("\u200f", " ") if split else text, text]

counts = [words(persian, rule) for rule in (*NAMES, None)]
print(f"pieces of the Persian word: nmt_nfkc {counts[0]} words, nfkc {counts[1]} word")
assert counts == [2, 1, 2]  # None is the default

tilde = "\uff5e"
found = [*(RULES[rule].normalize(tilde) for rule in NAMES), unicodedata.normalize("NFKC", tilde)]
print("full-width tilde: nmt_nfkc {0!a}, nfkc {1!a}, NFKC {2!a}".format(*found))
assert found == [tilde, "~", "~"]
PYTHON
"$folder/env/bin/python" "$folder/rules.py"
