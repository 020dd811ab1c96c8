#!/usr/bin/env bash
# One would guess: a string input of ONNX Runtime takes texts as TensorFlow and NumPy hand them on, which
# is as `bytes` in an array of objects, or refuses them. A missing text (`None`) is refused. And an array
# of fixed-width strings (dtype U) arrives as it is.
#
# What happens: nothing is refused, and other texts arrive. What is no `str` is turned into one by Python's
# `str()`: the bytes b"good" become the seven characters b'good', None becomes the word None, 1.5 the
# word 1.5. An element of an array of dtype U ends at its first NUL character, while the same `str` in an
# array of objects is kept whole.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
#
# Why it matters: who moves the tokenizer of a text model from TensorFlow, whose string tensors are `bytes`
# in NumPy, to ONNX Runtime gets an answer for every text, of the right shape, and each is an answer for a
# text that begins with b'. A missing value of a table is classified as the word None.
#
# Seen on Linux x86-64, Python 3.11:
#   array of objects: [b'good', None, 1.5, 'a\x00b'] -> ["b'good'", 'None', '1.5', 'a\x00b']
#   array of dtype U: ['a\x00b', 'good'] -> ['a', 'good']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export ORT_DISABLE_TELEMETRY=1

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

cat >"$folder/strings.py" <<'PYTHON'
"""Sends strings through a graph that returns its input."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

text = helper.make_tensor_value_info("text", TensorProto.STRING, [None])
same = helper.make_tensor_value_info("same", TensorProto.STRING, [None])
graph = helper.make_graph([helper.make_node("Identity", ["text"], ["same"])], "echo", [text], [same])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
session = onnxruntime.InferenceSession(model.SerializeToString())


def told(name, array):
    """Prints what was sent and what came back; returns the latter."""
    answer = session.run(None, {"text": array})[0].tolist()
    print(f"array of {name}: {array.tolist()} -> {answer}")
    return answer


objects = np.empty(4, object)
objects[:] = [b"good", None, 1.5, "a\0b"]
assert told("objects", objects) == ["b'good'", "None", "1.5", "a\0b"]
assert told("dtype U", np.array(["a\0b", "good"])) == ["a", "good"]
PYTHON
"$folder/env/bin/python" "$folder/strings.py"
