#!/usr/bin/env bash
# One would guess: ONNX's operator StringNormalizer, asked for lower case, returns the text in lower case, and a
# model that holds it can be loaded wherever ONNX Runtime runs.
#
# What happens: ONNX Runtime on Linux converts by a locale of the C library. The operator's default is `en_US`,
# which container images such as Debian's and Python's `slim` do not have; there the model cannot be loaded
# at all, and that is every text vectorizer of scikit-learn that was converted by skl2onnx. With the locale
# `C` it loads, and only ASCII letters change. With `C.UTF-8` all letters change. ONNX's reference
# evaluator needs no locale, and removes the accents, also where no other case was asked for.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, skl2onnx 1.20.0, scikit-learn 1.9.1. The script sets LOCPATH to an
# empty folder, so that the C library has the locales of a slim image.
#
# Why it matters: a classifier that was converted and tested on a desktop does not start in its container. The
# obvious repair, locale `C`, leaves capital letters of all languages but English, whose words are then
# unknown. A comparison with the reference evaluator fails for texts with accents, whatever the locale is.
#
# Seen on Linux x86-64, Python 3.11:
#   CountVectorizer of scikit-learn: onnxruntime does not load it: name not valid
#   lower case, locale en_US: onnxruntime does not load it: name not valid; reference evaluator arger good
#   lower case, locale C: onnxruntime \xc4rger good; reference evaluator arger good
#   lower case, locale C.UTF-8: onnxruntime \xe4rger good; reference evaluator arger good
#   case unchanged: onnxruntime \xc4RGER Good; reference evaluator ARGER Good
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export ORT_DISABLE_TELEMETRY=1

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  onnxruntime==1.32.0 onnx==1.23.2 skl2onnx==1.20.0 scikit-learn==1.9.1

cat >"$folder/lower.py" <<'PYTHON'
"""Loads and runs models that convert texts to lower case."""
import warnings

import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from skl2onnx import to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.feature_extraction.text import CountVectorizer

TEXTS = np.array(["\u00c4RGER", "Good"], object)
onnxruntime.set_default_logger_severity(4)
warnings.simplefilter("ignore")


def by_onnxruntime(model):
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
    except Exception as error:
        return "does not load it: name not valid" if "name not valid" in str(error) else str(error)
    return shown(session.run(None, {"x": TEXTS})[0])


def by_reference(model):
    return shown(ReferenceEvaluator(model).run(None, {"x": TEXTS})[0])


def shown(texts):
    return " ".join(texts).encode("ascii", "backslashreplace").decode()


vectorizer = CountVectorizer().fit(["good day", "bad day"])
converted = to_onnx(vectorizer, initial_types=[("x", StringTensorType([None, 1]))])
found = by_onnxruntime(converted)
print("CountVectorizer of scikit-learn: onnxruntime", found)
assert found == "does not load it: name not valid"

for name, attributes, expected in (
    ("lower case, locale en_US", {"case_change_action": "LOWER"}, ["does not load it: name not valid", "arger good"]),
    ("lower case, locale C", {"case_change_action": "LOWER", "locale": "C"}, [r"\xc4rger good", "arger good"]),
    ("lower case, locale C.UTF-8", {"case_change_action": "LOWER", "locale": "C.UTF-8"}, [r"\xe4rger good", "arger good"]),
    ("case unchanged", {}, [r"\xc4RGER Good", "ARGER Good"]),
):
    inputs, outputs = ([helper.make_tensor_value_info(i, TensorProto.STRING, [None])] for i in "xy")
    node = helper.make_node("StringNormalizer", ["x"], ["y"], **attributes)
    graph = helper.make_graph([node], "lower", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    found = [by_onnxruntime(model), by_reference(model)]
    print(f"{name}: onnxruntime {found[0]}; reference evaluator {found[1]}")
    assert found == expected
PYTHON
mkdir "$folder/no_locales"
LOCPATH="$folder/no_locales" "$folder/env/bin/python" "$folder/lower.py"
