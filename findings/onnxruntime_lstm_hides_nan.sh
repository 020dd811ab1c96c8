#!/usr/bin/env bash
# One would guess: a network whose weights are not numbers (NaN) gives NaN in every runtime, so that a model
# that diverged in training is noticed as soon as it answers.
#
# What happens: ONNX Runtime's LSTM and GRU on the CPU, when they have a bias, give numbers between -1 and 1
# although all their weights are NaN, and also when one input is NaN. Adding the bias is one step with the
# limit of `clip`, whose comparisons put a limit in the place of a NaN; the limit is the largest float32 if
# the model sets none. Without a bias, and in the operator RNN, NaN stays NaN. ReduceMax, which pools over
# steps, returns the largest of the other values. ONNX's reference evaluator gives NaN for each of these.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
#
# Why it matters: Keras and PyTorch export every LSTM with a bias. If its weights or the vector of a word are
# NaN and the layers after it are finite, TensorFlow and PyTorch answer NaN, and a check for finite outputs
# stops the model. Its ONNX twin passes the same check and returns a probability that means nothing.
# Check the weights themselves.
#
# Seen on Linux x86-64, Python 3.11:
#   LSTM with bias, all weights NaN: NaN in the output: onnxruntime 0 of 24, reference evaluator 24 of 24
#   LSTM without bias, all weights NaN: NaN in the output: onnxruntime 24 of 24, reference evaluator 24 of 24
#   GRU with bias, all weights NaN: NaN in the output: onnxruntime 0 of 24, reference evaluator 24 of 24
#   RNN with bias, all weights NaN: NaN in the output: onnxruntime 24 of 24, reference evaluator 24 of 24
#   LSTM with bias, one input NaN: NaN in the output: onnxruntime 0 of 24, reference evaluator 12 of 24
#   ReduceMax of 1, NaN, 0: onnxruntime 1.0, reference evaluator nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export ORT_DISABLE_TELEMETRY=1

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

cat >"$folder/nan.py" <<'PYTHON'
"""Computes recurrent operators whose weights are all NaN."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

STEPS, ROWS, INPUTS, UNITS = 3, 2, 5, 4
VALUES = np.random.default_rng(0).normal(size=(STEPS, ROWS, INPUTS)).astype(np.float32)


def model(nodes, shape, weights):
    """Returns a model with the input `x` and the output `y`."""
    graph = helper.make_graph(
        nodes, "nan", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def recurrent(kind, bias, weight=np.nan):
    """Returns a model of one recurrent operator, all of whose weights are one number."""
    rows = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind] * UNITS
    shapes = {"W": (1, rows, INPUTS), "R": (1, rows, UNITS)} | ({"B": (1, 2 * rows)} if bias else {})
    weights = {name: np.full(shape, weight, np.float32) for name, shape in shapes.items()}
    node = helper.make_node(kind, ["x", *weights], ["y"], hidden_size=UNITS)
    return model([node], [STEPS, ROWS, INPUTS], weights)


def by_onnxruntime(proto, x):
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"x": x})[0]


def by_reference(proto, x):
    return ReferenceEvaluator(proto).run(None, {"x": x})[0]


for kind, bias, runs, expected in (
    ("LSTM", True, (by_onnxruntime, by_reference), [0, 24]),
    ("LSTM", False, (by_onnxruntime, by_reference), [24, 24]),
    ("GRU", True, (by_onnxruntime, by_reference), [0, 24]),
    ("RNN", True, (by_onnxruntime, by_reference), [24, 24]),
):
    outputs = [run(recurrent(kind, bias), VALUES) for run in runs]
    counts = [int(np.isnan(output).sum()) for output in outputs]
    names = ("onnxruntime", "reference evaluator")
    told = ", ".join(f"{name} {count} of {STEPS * ROWS * UNITS}" for name, count in zip(names, counts))
    print(f"{kind} {'with' if bias else 'without'} bias, all weights NaN: NaN in the output: {told}")
    assert counts == expected
    if expected[0] == 0:  # numbers that do not depend on the input
        assert np.abs(outputs[0]).max() <= 1
        assert np.ptp(outputs[0], axis=2).max() == 0

broken = VALUES.copy()
broken[0, 0, 0] = np.nan
counts = [int(np.isnan(run(recurrent("LSTM", True, 0.5), broken)).sum()) for run in (by_onnxruntime, by_reference)]
print("LSTM with bias, one input NaN: NaN in the output: onnxruntime {} of 24, reference evaluator {} of 24".format(*counts))
assert counts == [0, 12]

largest = model([helper.make_node("ReduceMax", ["x"], ["y"], axes=[0], keepdims=0)], [3], {})
values = np.array([1, np.nan, 0], np.float32)
found = [float(run(largest, values)) for run in (by_onnxruntime, by_reference)]
print(f"ReduceMax of 1, NaN, 0: onnxruntime {found[0]}, reference evaluator {found[1]}")
assert found[0] == 1 and np.isnan(found[1])
PYTHON
"$folder/env/bin/python" "$folder/nan.py"
