#!/usr/bin/env bash
# One would guess: `StringSplit` of ONNX without a delimiter splits a text at white space, as the standard says and as
# Python's `str.split()` does. A tab or a line break ends a word, and so does the ideographic space of Chinese and
# Japanese texts.
#
# What happens: ONNX Runtime splits at the character U+0020 only. A tab, a line break, a no-break space and an
# ideographic space stay inside a word, also at the end of a text: `good\n` is not the word `good`. The reference
# evaluator of ONNX splits at all of them.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2.
#
# Why it matters: the operator is in ONNX since opset 20 so that a model can hold its own tokenizer. Reviews have line
# breaks, and Chinese ones ideographic spaces. The words beside them become one word, which no vocabulary holds. Tests
# on texts with spaces pass. The standard has no operator that replaces characters, so replace them in the program
# that calls the model.
#
# Seen on Linux x86-64, Python 3.11:
#   ' good  hotel ': ONNX Runtime ['good', 'hotel'], reference ['good', 'hotel']
#   'good\thotel': ONNX Runtime ['good\thotel'], reference ['good', 'hotel']
#   'good\nbad\n': ONNX Runtime ['good\nbad\n'], reference ['good', 'bad']
#   'good\xa0hotel': ONNX Runtime ['good\xa0hotel'], reference ['good', 'hotel']
#   '\u5f88\u597d\u3000\u5e72\u51c0': ONNX Runtime ['\u5f88\u597d\u3000\u5e72\u51c0'], reference ['\u5f88\u597d', '\u5e72\u51c0']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2

cat >"$folder/split.py" <<'PYTHON'
"""Splits texts by a model of one node, in ONNX Runtime and in ONNX's reference evaluator."""
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def model():
    """Returns a model that is one `StringSplit`, without a delimiter."""
    node = helper.make_node("StringSplit", ["text"], ["words", "count"])
    graph = helper.make_graph(
        [node], "split",
        [helper.make_tensor_value_info("text", TensorProto.STRING, [None])],
        [
            helper.make_tensor_value_info("words", TensorProto.STRING, [None, None]),
            helper.make_tensor_value_info("count", TensorProto.INT64, [None]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return made


one = model()
session = onnxruntime.InferenceSession(one.SerializeToString(), providers=["CPUExecutionProvider"])
for text, in_runtime, in_reference in (
    (" good  hotel ", ["good", "hotel"], ["good", "hotel"]),
    ("good\thotel", ["good\thotel"], ["good", "hotel"]),
    ("good\nbad\n", ["good\nbad\n"], ["good", "bad"]),
    ("good\xa0hotel", ["good\xa0hotel"], ["good", "hotel"]),
    ("很好\u3000干净", ["很好\u3000干净"], ["很好", "干净"]),
):
    feed = {"text": np.array([text], object)}
    runtime = session.run(None, feed)[0][0].tolist()
    reference = [str(word) for word in ReferenceEvaluator(one).run(None, feed)[0][0]]
    print(f"{ascii(text)}: ONNX Runtime {ascii(runtime)}, reference {ascii(reference)}")
    assert (runtime, reference) == (in_runtime, in_reference)
PYTHON
ORT_DISABLE_TELEMETRY=1 "$folder/env/bin/python" "$folder/split.py" 2>"$folder/log" || { cat "$folder/log"; exit 1; }
