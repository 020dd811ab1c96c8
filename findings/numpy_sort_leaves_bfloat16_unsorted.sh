#!/usr/bin/env bash
# One would guess: `np.sort` and `np.argsort` of bfloat16 or float8 put NaN at the end, as they do for float16, float32
# and float64. If they cannot, the NaN is in a wrong place, and the numbers are still in order.
#
# What happens: for these types of ml_dtypes a NaN counts as equal to every number, so values on its two sides need
# not be compared. The result of `np.sort` is not sorted: a number may stand before a smaller one. What is built on it
# is wrong as well: `np.argsort` does not find the best scores, `np.unique` returns numbers several times, and
# `np.median` and `np.percentile` mostly return a number where NaN is their answer, and not the median of the other
# numbers either. `np.max`, `np.argmax` and `np.nanmedian` are right. There is no warning.
#
# Versions: numpy 2.4.6, ml_dtypes 0.6.0; also ml_dtypes 0.5.4.
#
# Why it matters: models in bfloat16 return it (`predict` of Keras under `mixed_bfloat16`), and NaN marks a model that
# diverged or a score that is missing. A ranking, a threshold from sorted scores or a count of distinct values is then
# wrong for all rows, not only for that of the NaN, and a median that hides NaN reports a diverged model as sound.
# ml_dtypes' issue 346, about `nan_to_num`, says that NumPy does not support these types in general; it does not name
# sorting. Convert by `.astype(np.float32)` before you sort.
#
# Seen on Linux x86-64, Python 3.11:
#   float16: sorted 0.125, 0.25, 0.25, 0.5, 0.625, 0.75, nan
#     the two best have the indices [0, 6]; the median is nan, without NaN 0.375
#     1,000 scores: 0 in the wrong order; 100 numbers from np.unique, 100 are distinct
#   float32: sorted 0.125, 0.25, 0.25, 0.5, 0.625, 0.75, nan
#     the two best have the indices [0, 6]; the median is nan, without NaN 0.375
#     1,000 scores: 0 in the wrong order; 100 numbers from np.unique, 100 are distinct
#   bfloat16: sorted 0.25, 0.75, nan, 0.125, 0.25, 0.5, 0.625
#     the two best have the indices [0, 1]; the median is 0.125, without NaN 0.375
#     1,000 scores: 29 in the wrong order; 301 numbers from np.unique, 100 are distinct
#   float8_e4m3fn: sorted 0.25, 0.75, nan, 0.125, 0.25, 0.5, 0.625
#     the two best have the indices [0, 1]; the median is 0.125, without NaN 0.375
#     1,000 scores: 21 in the wrong order; 170 numbers from np.unique, 37 are distinct
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 ml_dtypes==0.6.0

cat >"$folder/sort.py" <<'PYTHON'
"""Sorts scores with one NaN among them, and many scores with some, in four types."""
import ml_dtypes
import numpy as np

SCORES = [0.75, 0.25, float("nan"), 0.5, 0.125, 0.25, 0.625]
random = np.random.default_rng(0)
many = random.integers(0, 100, 1000) / 128
many[random.choice(1000, 100, replace=False)] = np.nan


def descents(values):
    """Returns how many neighbours are in the wrong order, not counting NaN."""
    numbers = values.astype(np.float64)
    return int((np.diff(numbers[~np.isnan(numbers)]) < 0).sum())


for kind in (np.float16, np.float32, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn):
    scores, name = np.array(SCORES, kind), np.dtype(kind).name
    ordered, best, median = np.sort(scores).tolist(), np.argsort(-scores)[:2].tolist(), float(np.median(scores))
    print(f"{name}: sorted {', '.join(f'{score:g}' for score in ordered)}")
    print(f"  the two best have the indices {best}; the median is {median:g}, without NaN {np.nanmedian(scores)}")
    long = many.astype(kind)
    distinct, found = (
        int((~np.isnan(np.unique(values))).sum()) for values in (long.astype(np.float64), long)
    )
    wrong = descents(np.sort(long))
    print(f"  1,000 scores: {wrong} in the wrong order; {found} numbers from np.unique, {distinct} are distinct")
    assert np.isnan(np.max(scores)) and np.argmax(scores) == 2 and np.nanmedian(scores) == 0.375
    assert descents(np.sort(long[~np.isnan(long)])) == 0
    if kind in (np.float16, np.float32):
        assert np.isnan(ordered[-1]) and ordered[:-1] == [0.125, 0.25, 0.25, 0.5, 0.625, 0.75]
        assert best == [0, 6] and np.isnan(median)
        assert (wrong, found) == (0, distinct)
    else:
        assert ordered[:2] == [0.25, 0.75] and np.isnan(ordered[2]) and ordered[3:] == [0.125, 0.25, 0.5, 0.625]
        assert best == [0, 1] and median == 0.125 and wrong > 0 and found > distinct
PYTHON
"$folder/env/bin/python" "$folder/sort.py" 2>"$folder/log" || { cat "$folder/log"; exit 1; }
