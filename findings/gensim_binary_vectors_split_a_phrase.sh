#!/usr/bin/env bash
# One would guess: word vectors that gensim saved in word2vec's binary format are read back by gensim as they were.
# A key that the format cannot hold is an error when the vectors are saved.
#
# What happens: a key with a space (`new york`) is written as it is. The binary format ends a word at the first
# space, so the reader takes `new` for the word, the letters of `york` for the first numbers of its vector, and what
# is left of the vector for the beginning of the next word. The number of vectors and their length are right, most
# of the following words are found with their vectors, and two entries are garbage, one with a weight of 10 to
# the power of 26. In the text format the same key is written without an error too, and the
# reader raises ValueError.
#
# Versions: gensim 4.4.0, numpy 2.4.6.
#
# Why it matters: phrases as keys are common in vectors of names, products and places, and vectors are
# often shared in the binary format. An embedding layer that is filled from the file has rows with values that make the
# training diverge, and words that are unknown though they were in the file. Replace spaces in keys by
# underscores before saving.
#
# Seen on Linux x86-64, Python 3.11:
#   saved: new york [1.0, 2.0], good [3.0, 4.0], bad [5.0, 6.0]
#   read, binary: new [2.93e+26, -4.48e-44], '?\x00\x00\x00@good' [3.0, 4.0], bad [5.0, 6.0]
#   read, text: ValueError: could not convert string to float: 'york'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check gensim==4.4.0 numpy==2.4.6

cat >"$folder/phrase.py" <<'PYTHON'
"""Saves three vectors, one of them of a phrase, and reads them back."""
import numpy as np
from gensim.models import KeyedVectors


def shown(vectors):
    """Returns the words and their vectors as a text."""
    pairs = zip(vectors.index_to_key, vectors.vectors.tolist(), strict=True)
    return ", ".join(
        f"{word if word.isprintable() else repr(word)} [{', '.join(f'{v:.3g}' if abs(v) > 99 or abs(v) < 0.01 else str(v) for v in row)}]"
        for word, row in pairs
    )


saved = KeyedVectors(vector_size=2)
saved.add_vectors(["new york", "good", "bad"], np.array([[1, 2], [3, 4], [5, 6]], np.float32))
print("saved:", shown(saved))

saved.save_word2vec_format("vectors.bin", binary=True)
read = KeyedVectors.load_word2vec_format("vectors.bin", binary=True)
print("read, binary:", shown(read))
assert (len(read), read.vector_size) == (3, 2)
assert "new york" not in read and "good" not in read
assert read["bad"].tolist() == [5, 6]
assert read["new"].max() > 1e26

saved.save_word2vec_format("vectors.txt")
try:
    KeyedVectors.load_word2vec_format("vectors.txt")
except ValueError as error:
    print(f"read, text: ValueError: {error}")
    assert "york" in str(error)
else:
    raise AssertionError("the text format was read")
PYTHON
cd "$folder"
env/bin/python phrase.py
