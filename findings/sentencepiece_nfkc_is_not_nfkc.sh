#!/usr/bin/env bash
# One would guess: SentencePiece's normalization rule `nfkc` is Unicode's NFKC, so that a text that was
# normalized by it is in NFKC, and texts that Unicode calls equivalent become one text.
#
# What happens: the rule is a list of replacements, each of a sequence that was known when the list was
# made. For single characters it gives NFKC (but for one). It never puts combining marks into their
# canonical order: a letter with two marks that were typed in the other order than Unicode's stays two
# characters, and its equivalent becomes one. The rule does not say so, and neither does the model.
#
# Versions: sentencepiece 0.2.3; Unicode of Python's unicodedata.
#
# Why it matters: a Vietnamese or pointed Hebrew word from one keyboard is another word, in other pieces,
# than the same word from another keyboard. Who compares normalizations to prove that training and
# serving agree, and tests each character by itself, finds no difference.
#
# Seen on Linux x86-64, Python 3.11:
#   letter, dot below, circumflex: 1ec7; as NFKC: True
#   letter, circumflex, dot below: 00ea 0323; as NFKC: False
#   Hebrew letter, dagesh, qamats: 05d1 05bc 05b8; as NFKC: False
#   single characters that differ: 0x344
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check sentencepiece==0.2.3

cat >"$folder/nfkc.py" <<'PYTHON'
"""Compares SentencePiece's rule nfkc with NFKC."""
import unicodedata

import sentencepiece

rule = sentencepiece.SentencePieceNormalizer(
    rule_name="nfkc", add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
)


def is_nfkc(text):
    """Returns whether the rule gives the NFKC of a text."""
    return rule.normalize(text) == unicodedata.normalize("NFKC", text)


texts = {
    "letter, dot below, circumflex": "e\u0323\u0302",
    "letter, circumflex, dot below": "e\u0302\u0323",
    "Hebrew letter, dagesh, qamats": "\u05d1\u05bc\u05b8",
}
for name, text in texts.items():
    normalized = " ".join(f"{ord(character):04x}" for character in rule.normalize(text))
    print(f"{name}: {normalized}; as NFKC: {is_nfkc(text)}")
assert [is_nfkc(text) for text in texts.values()] == [True, False, False]
assert len({unicodedata.normalize("NFKC", text) for text in list(texts.values())[:2]}) == 1

letters = [chr(code) for code in range(1, 0x30000) if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")]
others = [hex(ord(letter)) for letter in letters if not is_nfkc(f"a{letter}b")]
print("single characters that differ:", *others)
assert len(others) < 10
PYTHON
"$folder/env/bin/python" "$folder/nfkc.py"
