#!/usr/bin/env bash
# One would guess: NumPy averages an array of bfloat16 as well as one of float16. Both types have 16 bits,
# and for float16 NumPy documents that `mean` uses float32 for what lies between.
#
# What happens: the sum of an array of ml_dtypes' bfloat16 is kept in bfloat16, which has eight bits of
# precision. Adding 1 to 256 gives 256 again, so a sum of ones stops there: the mean of 1,000 ones is
# 0.256, and the mean of 100,000 ones is 0.0026. No warning appears. `np.dot` of the same arrays is right,
# and so is a mean with `dtype=np.float32`.
#
# Versions: numpy 2.4.6, ml_dtypes 0.5.4.
#
# Why it matters: TensorFlow, JAX and ONNX use ml_dtypes for bfloat16, so an answer of a model in mixed
# precision is such an array. Whoever averages its word vectors, losses or probabilities in NumPy gets a
# number that is far too small as soon as there are a few hundred rows; small tests pass.
#
# Seen on Linux x86-64, Python 3.11:
#   ones: 100; mean of float16: 1; mean of bfloat16: 1
#   ones: 1000; mean of float16: 1; mean of bfloat16: 0.255859
#   ones: 100000; mean of float16: 1; mean of bfloat16: 0.00256348
#   1000 ones of bfloat16, np.dot with itself: 1000; mean with dtype=np.float32: 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 ml_dtypes==0.5.4

cat >"$folder/means.py" <<'PYTHON'
"""Averages ones in two types of 16 bits."""
import numpy as np
from ml_dtypes import bfloat16

means = {}
for count in (100, 1000, 100_000):
    means[count] = [float(np.ones(count, dtype).mean()) for dtype in (np.float16, bfloat16)]
    print(f"ones: {count}; mean of float16: {means[count][0]:g}; mean of bfloat16: {means[count][1]:g}")
ones = np.ones(1000, bfloat16)
dot, mean = float(np.dot(ones, ones)), float(ones.mean(dtype=np.float32))
print(f"1000 ones of bfloat16, np.dot with itself: {dot:g}; mean with dtype=np.float32: {mean:g}")
assert [mean_of_float16 for mean_of_float16, _ in means.values()] == [1, 1, 1]
assert means[100][1] == 1
assert 0.25 < means[1000][1] < 0.26
assert means[100_000][1] < 0.003
assert (dot, mean) == (1000, 1)
PYTHON
"$folder/env/bin/python" "$folder/means.py"
