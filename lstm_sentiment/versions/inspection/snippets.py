"""Writes example requests to a version: a `curl` command and Python for each signature."""

import json
import math
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY, IDS, ExampleAnswer
from lstm_sentiment.versions.inspection.graph import SignatureSummary, TensorSummary
from lstm_sentiment.versions.inspection.placeholders import (
    FEATURE,
    FEATURE_VALUE,
    placeholder_shape,
    placeholder_value,
    what_to_fill_in,
)

GRPC_ADDRESS = "localhost:8500"
REST_ADDRESS = "localhost:8501"

_LONGEST_TEXT = 60
_LONGEST_LITERAL = 64
# Of no use in JSON but in strings, where they can be escaped.
_OF_COMMAND_PROMPT = re.compile(r"[&<>|^%!]")
_STUBS = "from tensorflow_serving.apis import {messages}, prediction_service_pb2_grpc"


_INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
JSON_INPUTS = _INTEGERS | {"string", "bool", "float32", "float64"}
"""The dtypes that REST reads, as `AddValueToTensor` of TensorFlow Serving's `json_tensor.cc`."""
JSON_OUTPUTS = JSON_INPUTS | {"float16", "bfloat16"}
"""The dtypes that REST writes."""
_WITH_VALUES = JSON_OUTPUTS | {"complex64", "complex128"}
"""The dtypes that `tf` has under their own names and makes tensors of from Python's numbers."""


@dataclass(frozen=True)
class Snippets:
    """Example requests to one signature: a shell command over REST and a program over gRPC.

    REST, as of TensorFlow Serving, asks no signature without inputs, and none with tensors that
    JSON cannot hold: the command is empty then.

    Attributes:
        curl: The shell command.
        python: The program.
        fill_in: A line for each placeholder in the two, with what to send in its place; empty
            where both can be sent as they are.
    """

    curl: str
    python: str
    fill_in: tuple[str, ...] = ()


FALLBACK = ExampleAnswer("房间很干净", ("房间", "很", "干净"), (1,), "", ())
"""An example that any version can answer."""


def example_to_show(examples: Sequence[ExampleAnswer]) -> ExampleAnswer:
    """Returns a short example of a version's card, or `FALLBACK` if there is none."""
    filled = [example for example in examples if example.tokens]
    in_one_line = [
        example
        for example in filled
        if len(example.text) <= _LONGEST_TEXT and example.text.isprintable()
    ]
    shortest_first = sorted(filled, key=lambda example: len(example.text))
    return next(iter([*in_one_line, *shortest_first, FALLBACK]))


def request_snippets(
    signature: SignatureSummary, name: str, version: int | None, example: ExampleAnswer
) -> Snippets:
    """Writes example requests to a signature, for a server on this machine at the usual ports.

    Args:
        signature: A signature of the version. `PredictClient` calls those of this package with
            `example`; the stubs of tensorflow-serving-api ask any other with values of the right
            dtype and shape.
        name: The model's name on the server.
        version: The version to ask for; `None` to let the server choose.
        example: The text to ask about.
    """
    body, call = _contract_request(signature, example)
    url = _url(name, version, _verb(signature))
    if body is not None:
        return Snippets(_curl(body, url), _client_snippet(name, version, call))
    curl = _generic_curl(signature, url) if _is_for_rest(signature) else ""
    takes_examples = _verb(signature) != "predict"
    fill_in = what_to_fill_in(signature, takes_examples=takes_examples)
    return Snippets(curl, _generic_python(signature, name, version), fill_in)


def _is_for_rest(signature: SignatureSummary) -> bool:
    """Returns whether JSON can hold what the signature takes and gives."""
    return (
        bool(signature.inputs)
        and all(tensor.dtype in JSON_INPUTS for tensor in signature.inputs.values())
        and all(tensor.dtype in JSON_OUTPUTS for tensor in signature.outputs.values())
    )


def _contract_request(
    signature: SignatureSummary, example: ExampleAnswer
) -> tuple[dict[str, Any] | None, str]:
    """Returns body and client call for a signature of `ServableModule`; no body for any other."""
    text = _literal(example.text)
    tokens = " ".join(example.tokens)
    ids = list(example.token_ids)
    requests: dict[tuple[str, str, tuple[str, ...]], tuple[dict[str, Any], str]] = {
        (DEFAULT_SIGNATURE_KEY, "predict", ("input_sentence",)): (
            {"instances": [ids]},
            f"predict_ids(np.array([{ids}]))",
        ),
        (IDS, "predict", ("input_sentence",)): (
            {"instances": [ids]},
            f'predict_ids(np.array([{ids}]), signature="ids")',
        ),
        ("text", "predict", ("text",)): ({"instances": [example.text]}, f"predict([{text}])"),
        ("tokens", "predict", ("tokens",)): (
            {"instances": [tokens]},
            f'predict([{_literal(tokens)}], signature="tokens")',
        ),
        ("classify", "classify", ("inputs",)): (
            {"examples": [{"text": example.text}]},
            f"classify([{text}])",
        ),
        ("explain", "predict", ("text",)): ({"instances": [example.text]}, f"explain([{text}])"),
    }
    found = requests.get((signature.key, _verb(signature), tuple(signature.inputs)))
    if found is None:
        return None, ""
    return {"signature_name": signature.key, **found[0]}, found[1]


def _verb(signature: SignatureSummary) -> str:
    """Returns the API of a signature; TensorFlow itself writes `predict` for all of them."""
    if signature.method in ("classify", "regress"):
        return signature.method
    takes_examples = signature.inputs == {"inputs": TensorSummary("string", (None,))}
    if takes_examples and set(signature.outputs) <= {"classes", "scores"}:
        return "classify"
    return "regress" if takes_examples and set(signature.outputs) == {"outputs"} else "predict"


def _url(name: str, version: int | None, verb: str) -> str:
    of_version = "" if version is None else f"/versions/{version}"
    return f"http://{REST_ADDRESS}/v1/models/{quote(name, safe='')}{of_version}:{verb}"


def _curl(body: Mapping[str, Any], url: str) -> str:
    if sys.platform == "win32":
        return subprocess.list2cmdline(["curl", "-d", _json_for_windows(body), url])
    whole = json.dumps(body, ensure_ascii=False)
    # Characters that a terminal would not print are escaped, as JSON in ASCII does.
    shown = whole if whole.isprintable() else json.dumps(body)
    return f"curl -d {shlex.quote(shown)} \\\n  {url}"


def _json_for_windows(body: Mapping[str, Any]) -> str:
    """Returns JSON without what the command prompt and curl change between quotes.

    Its curl reads arguments in the charset of the system, where the server expects UTF-8.
    """
    return _OF_COMMAND_PROMPT.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(body))


def _client_snippet(name: str, version: int | None, call: str) -> str:
    of_version = "" if version is None else f", version={version}"
    lines = [
        *(["import numpy as np"] if "np." in call else []),
        "from lstm_sentiment import PredictClient",
        "",
        f'with PredictClient("{GRPC_ADDRESS}", model={_literal(name)}{of_version}) as client:',
        f"    print(client.{call})",
    ]
    return "\n".join(lines)


def _generic_curl(signature: SignatureSummary, url: str) -> str:
    head = {"signature_name": signature.key}
    if _verb(signature) != "predict":
        return _curl({**head, "examples": [{FEATURE: FEATURE_VALUE}]}, url)
    values = {
        name: (placeholder_value(tensor.dtype), placeholder_shape(tensor.shape))
        for name, tensor in signature.inputs.items()
    }
    if all(math.prod(shape) <= _LONGEST_LITERAL for _, shape in values.values()):
        inputs = {name: _nested(value, shape) for name, (value, shape) in values.items()}
        return _curl({**head, "inputs": inputs}, url)
    written = ", ".join(
        f"{_literal(name)}: {_expression(*value)}" for name, value in values.items()
    )
    code = (
        "import json; print(json.dumps("
        f'{{"signature_name": {_literal(signature.key)}, "inputs": {{{written}}}}}))'
    )
    if sys.platform == "win32":
        return f"{subprocess.list2cmdline(['python', '-c', code])} | curl -d @- {url}"
    return f"python3 -c {shlex.quote(code)} |\n  curl -d @- {url}"


def _generic_python(signature: SignatureSummary, name: str, version: int | None) -> str:
    verb = _verb(signature)
    is_predict = verb == "predict"
    kind = {"classify": "Classification", "regress": "Regression"}.get(verb, "Predict")
    messages = f"{kind.lower()}_pb2"
    lines = [
        "import grpc",
        *(["import tensorflow as tf"] if is_predict else []),
        _STUBS.format(messages=messages),
        "",
        f"request = {messages}.{kind}Request()",
        f"request.model_spec.name = {_literal(name)}",
        *([] if version is None else [f"request.model_spec.version.value = {version}"]),
        f"request.model_spec.signature_name = {_literal(signature.key)}",
        *(_tensor_lines(signature) if is_predict else _EXAMPLE_LINES),
        f'with grpc.insecure_channel("{GRPC_ADDRESS}") as channel:',
        "    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)",
        f"    print(stub.{verb.capitalize()}(request, timeout=10))",
    ]
    return "\n".join(lines)


_EXAMPLE_LINES = (
    "example = request.input.example_list.examples.add()",
    f'example.features.feature["{FEATURE}"].bytes_list.value.append(b"{FEATURE_VALUE}")',
)


def _tensor_lines(signature: SignatureSummary) -> list[str]:
    """Returns lines that fill each input tensor with one value."""
    return [
        line for name, tensor in signature.inputs.items() for line in _lines_of_one(name, tensor)
    ]


def _lines_of_one(name: str, tensor: TensorSummary) -> list[str]:
    dtype, shape, target = (
        tensor.dtype,
        list(placeholder_shape(tensor.shape)),
        f"request.inputs[{_literal(name)}]",
    )
    if dtype in _WITH_VALUES:
        value = f"value = tf.make_tensor_proto({placeholder_value(dtype)!r}, tf.{dtype}, {shape})"
        return [value, f"{target}.CopyFrom(value)"]
    # A message without values stands for zeros.
    return [
        f'{target}.dtype = tf.as_dtype("{dtype}").as_datatype_enum',
        f"{target}.tensor_shape.CopyFrom(tf.TensorShape({shape}).as_proto())",
    ]


def _literal(text: str) -> str:
    """Formats a string as a Python literal, in double quotes if possible."""
    return repr(text) if set(text) & {'"', "\\"} or not text.isprintable() else f'"{text}"'


def _nested(value: Any, shape: Sequence[int]) -> Any:
    if not shape:
        return value
    return [_nested(value, shape[1:]) for _ in range(shape[0])]


def _expression(value: Any, shape: Sequence[int]) -> str:
    written = _literal(value) if isinstance(value, str) else repr(value)
    for size in reversed(shape):
        written = f"[{written}]" if size == 1 else f"[{written}] * {size}"
    return written
