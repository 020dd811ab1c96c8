#!/usr/bin/env bash
# One would guess: safetensors stores a NumPy array so that it comes back with the same values, or refuses an
# array of another memory layout, as its functions for PyTorch do.
#
# What happens: up to 0.7.0 it does. 0.8.0 writes the memory of the array as it lies, with the shape of the array
# beside it. A transposed array and one in Fortran order come back with the right shape and type, and with their
# values in other places. So does every second element of an array, which comes back as its first half.
# Nothing is reported. `np.ascontiguousarray` before saving prevents it.
#
# Versions: safetensors 0.7.0 and 0.8.0, numpy 2.4.6. See the project's issue 825, which was open in August 2026.
#
# Why it matters: whoever converts weights between frameworks transposes them, since Keras and PyTorch store
# a dense layer's kernel the other way round. Components from scikit-learn's PCA are in Fortran order. A square
# kernel that is stored so passes every check of names, shapes and types, and the model's answers mean nothing.
#
# Seen on Linux x86-64, Python 3.11:
#   safetensors 0.7.0: transposed equal, Fortran order equal, every second equal, in C order equal
#   safetensors 0.8.0: transposed other, Fortran order other, every second other, in C order equal
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/layouts.py" <<'PYTHON'
"""Stores arrays of several memory layouts, loads them and prints which are equal."""
import numpy as np
from safetensors.numpy import load, save

array = np.arange(6, dtype=np.float32).reshape(2, 3)
layouts = {
    "transposed": array.T,
    "Fortran order": np.asfortranarray(array),
    "every second": array.ravel()[::2],
    "in C order": np.ascontiguousarray(array.T),
}
loaded = {name: load(save({"x": stored}))["x"] for name, stored in layouts.items()}
assert all(loaded[name].shape == stored.shape for name, stored in layouts.items())
equal = {name: np.array_equal(loaded[name], stored) for name, stored in layouts.items()}
print(", ".join(f"{name} {'equal' if same else 'other'}" for name, same in equal.items()))
PYTHON

see() { # version, what is expected
  python3 -m venv "$folder/$1"
  "$folder/$1/bin/pip" install --quiet --disable-pip-version-check "safetensors==$1" numpy==2.4.6
  found=$("$folder/$1/bin/python" "$folder/layouts.py")
  echo "safetensors $1: $found"
  [ "$found" = "$2" ]
}

see 0.7.0 "transposed equal, Fortran order equal, every second equal, in C order equal"
see 0.8.0 "transposed other, Fortran order other, every second other, in C order equal"
