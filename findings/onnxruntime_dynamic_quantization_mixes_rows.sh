#!/usr/bin/env bash
# One would guess: the answer for a text does not depend on the other texts in its batch, also after a model was
# quantized. Quantization makes the answer less exact, but it is the same each time.
#
# What happens: dynamic quantization, as ONNX Runtime's `quantize_dynamic` writes it, computes one scale for
# all rows of a batch together, from the smallest and largest value among them. Each row is rounded by
# a scale that its neighbours set. In a small LSTM classifier the probability of one text changes with 200
# random neighbours by up to two hundredths; without quantization it does not change by a single bit.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
#
# Why it matters: a server that gathers requests into batches answers one text in several ways, according to
# the requests that arrive at the same moment. Near a threshold the label changes. A cache returns other answers than the model,
# and a comparison of the server with training, one text at a time, does not repeat. Static quantization, with
# scales from calibration, has no such effect.
#
# Seen on Linux x86-64, Python 3.11, one text beside 200 others, one at a time:
#   float32: different answers 1, largest difference 0.0000
#   dynamic int8: different answers over 100, largest difference 0.0195
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export ORT_DISABLE_TELEMETRY=1

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

cat >"$folder/rows.py" <<'PYTHON'
"""Classifies one text beside others, by an LSTM with random weights, before and after quantization."""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

WORDS, SIZE, UNITS, STEPS = 50, 16, 32, 8
random = np.random.default_rng(0)
weights = {
    "embedding": random.normal(size=(WORDS, SIZE)),
    "W": random.normal(size=(1, 4 * UNITS, SIZE)) / 4,
    "R": random.normal(size=(1, 4 * UNITS, UNITS)) / 6,
    "dense": random.normal(size=(UNITS, 2)),
}
graph = helper.make_graph(
    [
        helper.make_node("Gather", ["embedding", "ids"], ["vectors"]),
        helper.make_node("LSTM", ["vectors", "W", "R"], ["", "last"], hidden_size=UNITS),
        helper.make_node("Squeeze", ["last", "direction"], ["state"]),
        helper.make_node("MatMul", ["state", "dense"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ],
    "classifier",
    [helper.make_tensor_value_info("ids", TensorProto.INT64, [STEPS, "rows"])],
    [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", 2])],
    [
        *(numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()),
        numpy_helper.from_array(np.array([0]), "direction"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
exact, quantized = f"{sys.argv[1]}/float32.onnx", f"{sys.argv[1]}/int8.onnx"
onnx.save(model, exact)
quantize_dynamic(exact, quantized, op_types_to_quantize=["LSTM", "MatMul"])

text, *others = random.integers(0, WORDS, (201, STEPS))
for name, path in (("float32", exact), ("dynamic int8", quantized)):
    session = onnxruntime.InferenceSession(path)
    answers = [session.run(None, {"ids": np.stack([text, other], axis=1)})[0][0, 0] for other in others]
    count, difference = len(set(answers)), max(answers) - min(answers)
    shown = "over 100" if count > 100 else count
    print(f"{name}: different answers {shown}, largest difference {difference:.4f}")
    assert (count == 1) if name == "float32" else (count > 100 and difference > 0.002)
PYTHON
"$folder/env/bin/python" "$folder/rows.py" "$folder" 2>"$folder/log" || {
  cat "$folder/log" >&2
  exit 1
}
