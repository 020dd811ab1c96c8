#!/usr/bin/env bash
# One would guess: tensorflow-text's WhitespaceTokenizer splits a text at Unicode's white space, as its
# documentation describes, and the tokens hold no part of that white space.
#
# What happens: it finds the white space of Unicode, but a token that is followed by a white-space character
# of several bytes ends one byte before the end of that character. After a word and an ideographic space
# (U+3000) the token is the word and the first two bytes of the space; after a no-break space (U+00A0) it is
# the word and one byte. The offsets contain the same error, and the token is no longer valid UTF-8. The
# package's UnicodeScriptTokenizer splits the same texts without the error.
#
# Versions: tensorflow 2.21.0, tensorflow-text 2.21.1.
#
# Why it matters: Chinese and Japanese texts use the ideographic space, and texts from web pages use the
# no-break space. A word in front of one of these is looked up with foreign bytes at its end, so it becomes
# an unknown word, in training as in serving, and no error appears. Tests with ASCII spaces pass.
#
# Seen on Linux x86-64, Python 3.11:
#   good<U+0020>day: WhitespaceTokenizer b'good' b'day'; UnicodeScriptTokenizer b'good' b'day'
#   good<U+00A0>day: WhitespaceTokenizer b'good\xc2' b'day'; UnicodeScriptTokenizer b'good' b'day'
#   good<U+2003>day: WhitespaceTokenizer b'good\xe2\x80' b'day'; UnicodeScriptTokenizer b'good' b'day'
#   good<U+3000>day: WhitespaceTokenizer b'good\xe3\x80' b'day'; UnicodeScriptTokenizer b'good' b'day'
#   offsets of the tokens of good<U+3000>day: starts 0 7, limits 6 10
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 tensorflow-text==2.21.1

cat >"$folder/split.py" <<'PYTHON'
"""Splits two words at four kinds of white space."""
import tensorflow_text

whitespace, script = tensorflow_text.WhitespaceTokenizer(), tensorflow_text.UnicodeScriptTokenizer()
words = [b"good", b"day"]
for space, rest in ((" ", b""), ("\u00a0", b"\xc2"), ("\u2003", b"\xe2\x80"), ("\u3000", b"\xe3\x80")):
    text = f"good{space}day"
    by_space, by_script = whitespace.tokenize(text).numpy().tolist(), script.tokenize(text).numpy().tolist()
    print(f"good<U+{ord(space):04X}>day: WhitespaceTokenizer", *by_space, end="; ")
    print("UnicodeScriptTokenizer", *by_script)
    assert by_space == [b"good" + rest, b"day"]
    assert by_script == words

_, starts, limits = whitespace.tokenize_with_offsets("good\u3000day")
print("offsets of the tokens of good<U+3000>day: starts", *starts.numpy(), end=", limits ")
print(*limits.numpy())
assert starts.numpy().tolist() == [0, 7]
assert limits.numpy().tolist() == [6, 10]
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/split.py" 2>"$folder/log" || {
  cat "$folder/log" >&2
  exit 1
}
