#!/usr/bin/env bash
# One would guess: TensorFlow's TextLineDataset splits a file at "\n" and takes "\n" or "\r\n" from the end of
# each line, as its documentation describes. A "\r" inside a line either ends the line or stays.
#
# What happens: every "\r" of the file is removed, wherever it stands, and nothing takes its place. Two words
# with a carriage return between them become one word. A file with the old line ends of the Macintosh becomes
# one line without any separation. Vocabulary files (TextFileInitializer) are read by other code, which removes
# the "\r" at the end of a line only, so a word of a line may never be found in a vocabulary made of it.
#
# Versions: tensorflow 2.21.0.
#
# Why it matters: texts that people paste from spreadsheets, chat programs and forms hold single carriage
# returns. A model that is trained on such a file learns glued words, which do not occur in requests. No error
# appears, and Python shows the words apart.
#
# Seen on Linux x86-64, Python 3.11:
#   b'good\rday\nbad\r\n': TextLineDataset [b'goodday', b'bad']
#   b'one\rtwo\rthree\r': TextLineDataset [b'onetwothree']
#   b'good\rday\nbad\r\n': words of TextFileInitializer [b'bad', b'good\rday']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0

cat >"$folder/lines.py" <<'PYTHON'
"""Reads lines with carriage returns as lines and as a vocabulary."""
import sys
from pathlib import Path

import tensorflow as tf

for number, (content, expected) in enumerate((
    (b"good\rday\nbad\r\n", [b"goodday", b"bad"]),
    (b"one\rtwo\rthree\r", [b"onetwothree"]),
)):
    path = Path(sys.argv[1], f"{number}.txt")
    path.write_bytes(content)
    lines = list(tf.data.TextLineDataset(str(path)).as_numpy_iterator())
    print(f"{content}: TextLineDataset {lines}")
    assert lines == expected

index = tf.lookup.TextFileIndex
initializer = tf.lookup.TextFileInitializer(
    f"{sys.argv[1]}/0.txt", tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
)
words = sorted(tf.lookup.StaticHashTable(initializer, -1).export()[0].numpy())
print(f"{Path(sys.argv[1], '0.txt').read_bytes()}: words of TextFileInitializer {words}")
assert words == [b"bad", b"good\rday"]
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/lines.py" "$folder" 2>"$folder/log" || {
  cat "$folder/log" >&2
  exit 1
}
