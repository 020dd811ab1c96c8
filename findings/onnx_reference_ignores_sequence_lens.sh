#!/usr/bin/env bash
# One would guess: ONNX's reference evaluator, which the onnx package offers as the definition of each
# operator in Python, computes every input and attribute of `LSTM` or refuses what it does not support.
#
# What happens: it takes the input `sequence_lens` and the attributes `clip`, `input_forget` and `activations`
# and ignores them without a warning. The end state of a short row is computed over its padding as well,
# and a backward LSTM begins in the padding. On full rows with standard attributes, in all directions, it
# agrees with ONNX Runtime to seven digits, so that a first comparison succeeds.
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
#
# Why it matters: the reference evaluator is what one compares an exported model or a new runtime with. For
# texts of unequal length it is the reference that is wrong, by far more than rounding, and a correct export
# is taken for a broken one.
#
# Seen on Linux x86-64, Python 3.11, largest difference between reference evaluator and ONNX Runtime:
#   forward, rows of 4 and 4 steps: below 1e-6; rows of 4 and 2 steps: 0.4
#   reverse, rows of 4 and 4 steps: below 1e-6; rows of 4 and 2 steps: 0.3
#   bidirectional, rows of 4 and 4 steps: below 1e-6; rows of 4 and 2 steps: 0.3
#   forward, clip=0.1: 0.3
#   forward, input_forget=1: 0.3
#   forward, activations Relu, Tanh, Tanh: 8.7
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export ORT_DISABLE_TELEMETRY=1

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

cat >"$folder/compare.py" <<'PYTHON'
"""Computes LSTMs in ONNX's reference evaluator and in ONNX Runtime."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

STEPS, ROWS, INPUTS, UNITS = 4, 2, 3, 4


def difference(lengths, direction="forward", **attributes):
    """Returns how far the two are apart in the last hidden states of the rows."""
    random = np.random.default_rng(0)
    directions = 2 if direction == "bidirectional" else 1
    shapes = {"W": (4 * UNITS, INPUTS), "R": (4 * UNITS, UNITS), "B": (8 * UNITS,)}
    weights = {name: random.normal(size=(directions, *shape)).astype(np.float32) for name, shape in shapes.items()}
    node = helper.make_node(
        "LSTM", ["x", *weights, "lengths"], ["", "last"], hidden_size=UNITS, direction=direction, **attributes
    )
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [STEPS, ROWS, INPUTS]),
        helper.make_tensor_value_info("lengths", TensorProto.INT32, [ROWS]),
    ]
    graph = helper.make_graph(
        [node], "lstm", inputs, [helper.make_tensor_value_info("last", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    x = random.normal(size=(STEPS, ROWS, INPUTS)).astype(np.float32)
    feeds = {"x": x, "lengths": np.array(lengths, np.int32)}
    reference = ReferenceEvaluator(model).run(None, feeds)[0]
    runtime = onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds)[0]
    return float(np.abs(reference - runtime).max())


for direction in ("forward", "reverse", "bidirectional"):
    full, short = difference([4, 4], direction), difference([4, 2], direction)
    shown = "below 1e-6" if full < 1e-6 else full
    print(f"{direction}, rows of 4 and 4 steps: {shown}; rows of 4 and 2 steps: {short:.1f}")
    assert full < 1e-6
    assert short > 0.05
for name, attributes in (
    ("clip=0.1", {"clip": 0.1}),
    ("input_forget=1", {"input_forget": 1}),
    ("activations Relu, Tanh, Tanh", {"activations": ["Relu", "Tanh", "Tanh"]}),
):
    found = difference([4, 4], **attributes)
    print(f"forward, {name}: {found:.1f}")
    assert found > 0.05
PYTHON
"$folder/env/bin/python" "$folder/compare.py"
