#!/usr/bin/env bash
# One would guess: string ops that run in one TensorFlow graph know one version of Unicode, so that
# a tokenizer rebuilt elsewhere needs one set of tables to agree with all of them.
#
# What happens: tensorflow-text's normalization knows Unicode 16, TensorFlow's regular expressions
# (RE2) know Unicode 15, and its lower-casing (another ICU) knows Unicode 13. So a symbol of Unicode
# 16 is normalized to a letter but is no symbol to \p{S}, and a capital letter of Unicode 14 is a
# letter to \p{L} but has no lower case.
#
# Versions: tensorflow 2.21.0, tensorflow-text 2.21.1 (ICU and RE2 are linked into them).
#
# Why it matters: whoever serves such a SavedModel's tokenizer without TensorFlow gets other ids for
# such texts, whichever Unicode version their language has: each step needs the tables of its op.
#
# Seen on Linux x86-64, Python 3.11:
#   NFKC of U+1CCD6 (Unicode 16): 'A'
#   U+1CCD6 matches \p{S} or \p{L}: False
#   U+11F04 (Unicode 15) matches \p{L}: True
#   U+2C2F (Unicode 14) matches \p{L}: True
#   lower case of U+2C2F (Unicode 14): 'unchanged'
#   lower case of U+A7C7 (Unicode 13): 'U+A7C8'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow==2.21.0 tensorflow-text==2.21.1
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys

import tensorflow as tf
import tensorflow_text

bad = False


def show(name: str, found: object, expected: object) -> None:
    global bad
    print(f"{name}: {found!r}" + ("" if found == expected else f", but once it was {expected!r}"))
    bad |= found != expected


def matches(code: int, pattern: str) -> bool:
    return bool(tf.strings.regex_full_match(chr(code), pattern))


def lower(code: int) -> str:
    found = tf.strings.lower(chr(code), encoding="utf-8").numpy().decode()
    return "unchanged" if found == chr(code) else f"U+{ord(found):X}"


normalized = tensorflow_text.normalize_utf8([chr(0x1CCD6)], "NFKC").numpy()[0].decode()
show("NFKC of U+1CCD6 (Unicode 16)", normalized, "A")
show(r"U+1CCD6 matches \p{S} or \p{L}", matches(0x1CCD6, r"[\p{S}\p{L}]"), False)
show(r"U+11F04 (Unicode 15) matches \p{L}", matches(0x11F04, r"\p{L}"), True)
show(r"U+2C2F (Unicode 14) matches \p{L}", matches(0x2C2F, r"\p{L}"), True)
show("lower case of U+2C2F (Unicode 14)", lower(0x2C2F), "unchanged")
show("lower case of U+A7C7 (Unicode 13)", lower(0xA7C7), "U+A7C8")
sys.exit(bad)
PYTHON
