#!/usr/bin/env bash
# One would guess: a layer or tokenizer that is made from a vocabulary file holds the words that are in the file
# when it is made.
#
# What happens: TensorFlow gives the lookup table of a file a name that is made from the file's path, and reads a
# path once in the life of a process. When the file is written anew and a second layer is made from it, the
# layer holds the old words, without a warning, also when the first layer was deleted. Keras' StringLookup
# and TextVectorization and tensorflow-text's BertTokenizer all do so. The same file under another path is read.
#
# Versions: tensorflow 2.21.0, keras 3.15.1, tensorflow-text 2.21.1.
#
# Why it matters: a notebook that builds a vocabulary, looks at it and builds a better one, a search over the
# size of the vocabulary, and a process that trains one model after another often write one path again. The
# next model is trained and saved with the words of the first, and `vocabulary_size` shows the old number.
# The SavedModel holds the new file, so in a fresh process the ids change again.
#
# Seen on Linux x86-64, Python 3.11: ids of "good bad new", first file: good, bad; second file: new, bad, good:
#   StringLookup: first file 1 2 0, second file 1 2 0, second file under another path 3 2 1
#   TextVectorization: first file 2 3 1, second file 2 3 1, second file under another path 4 3 2
#   BertTokenizer: first file 1 2 0, second file 1 2 0, second file under another path 3 2 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  tensorflow==2.21.0 keras==3.15.1 tensorflow-text==2.21.1

cat >"$folder/twice.py" <<'PYTHON'
"""Makes layers from one path, before and after other words are written to it."""
import gc
import sys
from pathlib import Path

import keras
import tensorflow_text

FIRST, SECOND = ["good", "bad"], ["new", "bad", "good"]


def by_lookup(path):
    return keras.layers.StringLookup(vocabulary=path)(["good", "bad", "new"]).numpy().tolist()


def by_vectorization(path):
    return keras.layers.TextVectorization(vocabulary=path)(["good bad new"]).numpy()[0].tolist()


def by_bert(path):
    return tensorflow_text.BertTokenizer(path).tokenize(["good bad new"]).merge_dims(-2, -1).to_list()[0]


for name, ids, before, expected in (
    ("StringLookup", by_lookup, [], ([1, 2, 0], [1, 2, 0], [3, 2, 1])),
    ("TextVectorization", by_vectorization, [], ([2, 3, 1], [2, 3, 1], [4, 3, 2])),
    ("BertTokenizer", by_bert, ["[UNK]"], ([1, 2, 0], [1, 2, 0], [3, 2, 1])),
):
    path, other = Path(sys.argv[1], f"{name}.txt"), Path(sys.argv[1], f"{name}-other.txt")
    found = []
    for file, words in ((path, FIRST), (path, SECOND), (other, SECOND)):
        file.write_text("".join(f"{word}\n" for word in [*before, *words]))
        found.append(ids(str(file)))
        gc.collect()
    shown = (" ".join(map(str, row)) for row in found)
    print("{}: first file {}, second file {}, second file under another path {}".format(name, *shown))
    assert tuple(found) == expected
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/twice.py" "$folder" 2>"$folder/log" || {
  cat "$folder/log" >&2
  exit 1
}
