#!/usr/bin/env bash
# One would guess: a SentencePiece unigram model cuts a text the same way in every release of
# SentencePiece, and in tensorflow-text, which links it: the model holds the scores, and the best
# path does not depend on who adds them up.
#
# What happens: up to 0.2.1 the score of a path is added up in double precision, and what is kept of
# it is a 32-bit float; from 0.2.2 on all of it is 32-bit. Where two paths are as probable as one
# another, or nearly so, another one wins. tensorflow-text 2.21.1 cuts as 0.2.1 does.
#
# Versions: sentencepiece 0.2.1, 0.2.2 and 0.2.3; tensorflow-text 2.21.1 with tensorflow 2.21.0.
#
# Why it matters: such ties are common where scores follow from ranks by Zipf's law (the product of
# two ranks is often the product of two others), or from small counts. A model that was trained on
# the ids of one release then gets other ids when it is served with another.
#
# Seen on Linux x86-64, Python 3.11, of 400 such texts cut by 0.2.1:
#   sentencepiece 0.2.2 cuts otherwise: 78
#   sentencepiece 0.2.3 cuts otherwise: 78
#   tensorflow-text 2.21.1 cuts otherwise: 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/models.py" <<'PYTHON'
"""Writes 400 models in which `abc` may be cut as `a bc` or `ab c`, both equally probable."""
import math
import random
import sys

from sentencepiece import sentencepiece_model_pb2 as pb

random.seed(0)
harmonic = math.log(sum(1 / rank for rank in range(1, 5001)))
for number in range(400):
    k, m, n = (random.randint(2, 60) for _ in range(3))
    ranks = {"a": k, "bc": m * n, "ab": k * m, "c": n, "b": 10**8}
    model = pb.ModelProto()
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.trainer_spec.bos_id = model.trainer_spec.eos_id = model.trainer_spec.pad_id = -1
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.escape_whitespaces = False
    model.pieces.add(piece="<unk>", score=0, type=2)
    for piece, rank in ranks.items():
        model.pieces.add(piece=piece, score=-math.log(rank) - harmonic, type=1)
    with open(f"{sys.argv[1]}/{number}.model", "wb") as file:
        file.write(model.SerializeToString())
PYTHON
cat >"$folder/cut.py" <<'PYTHON'
"""Prints how each model cuts `abc`."""
import sys

import sentencepiece

for number in range(400):
    processor = sentencepiece.SentencePieceProcessor(model_file=f"{sys.argv[1]}/{number}.model")
    print(*processor.encode("abc", out_type=str))
PYTHON
cat >"$folder/cut_in_tensorflow.py" <<'PYTHON'
"""Prints how each model cuts `abc` in tensorflow-text."""
import sys

import tensorflow_text

for number in range(400):
    with open(f"{sys.argv[1]}/{number}.model", "rb") as file:
        tokenizer = tensorflow_text.SentencepieceTokenizer(file.read(), out_type="string")
    print(*(piece.decode() for piece in tokenizer.tokenize("abc").numpy()))
PYTHON

install() { # folder of the environment, packages
  python3 -m venv "$folder/$1"
  "$folder/$1/bin/python" -m pip install --quiet "${@:2}"
}
for version in 0.2.1 0.2.2 0.2.3; do
  install "$version" sentencepiece==$version protobuf
done
install tensorflow tensorflow==2.21.0 tensorflow-text==2.21.1

"$folder/0.2.1/bin/python" "$folder/models.py" "$folder"
for version in 0.2.1 0.2.2 0.2.3; do
  "$folder/$version/bin/python" "$folder/cut.py" "$folder" >"$folder/$version.txt" 2>/dev/null
done
TF_CPP_MIN_LOG_LEVEL=3 "$folder/tensorflow/bin/python" "$folder/cut_in_tensorflow.py" "$folder" \
  >"$folder/tensorflow.txt" 2>/dev/null

changed=0
report() { # name, file, how many it was
  count=$(paste "$folder/0.2.1.txt" "$2" | awk -F'\t' '$1 != $2' | wc -l)
  echo "$1 cuts otherwise: $count"
  [ "$count" = "$3" ] || changed=1
}
report "sentencepiece 0.2.2" "$folder/0.2.2.txt" 78
report "sentencepiece 0.2.3" "$folder/0.2.3.txt" 78
report "tensorflow-text 2.21.1" "$folder/tensorflow.txt" 0
exit $changed
