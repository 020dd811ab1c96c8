"""Named hypothesis strategies: requests that no good client sends, and those they were made of."""

import gzip
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from hypothesis import strategies as st
from tensorflow.core.example import example_pb2
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.models_config.config import check_models_config
from lstm_sentiment.protocol import open_inference_pb2

MODEL = "sentiment"
PREDICTION, MODELS = "/tensorflow.serving.PredictionService/", "/tensorflow.serving.ModelService/"
RELOAD = f"{MODELS}HandleReloadConfigRequest"
OPEN_INFERENCE = "/inference.GRPCInferenceService/"

_INPUTS: dict[str, dict[str, Any]] = {
    "": {"input_sentence": np.array([[1, 2], [3, 0]])},
    "text": {"text": np.array([b"a", b"bc"], dtype=object)},
    "explain": {"text": np.array([b"a", b"bc"], dtype=object)},
    "scale": {"x": np.array([[1, 2]], np.float32), "negate": np.array([True])},
    "bytes": {"data": np.array([b"\xff\x00"], dtype=object)},
}
"""What is right for each signature."""


def _tensor(array: Any) -> tensor_pb2.TensorProto:
    field, dtype = {
        "O": ("string_val", types_pb2.DT_STRING),
        "i": ("int64_val", types_pb2.DT_INT64),
        "f": ("float_val", types_pb2.DT_FLOAT),
        "b": ("bool_val", types_pb2.DT_BOOL),
    }[array.dtype.kind]
    proto = tensor_pb2.TensorProto(dtype=dtype)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto


def _good_messages() -> Iterator[tuple[str, Any]]:
    for key, inputs in _INPUTS.items():
        predict = predict_pb2.PredictRequest()
        predict.model_spec.name, predict.model_spec.signature_name = MODEL, key
        for name, array in inputs.items():
            predict.inputs[name].CopyFrom(_tensor(array))
        yield f"{PREDICTION}Predict", predict
    example = example_pb2.Example()
    example.features.feature["text"].bytes_list.value.append(b"fine")
    classify = classification_pb2.ClassificationRequest()
    regress, multi = regression_pb2.RegressionRequest(), inference_pb2.MultiInferenceRequest()
    for request in (classify, regress, multi):
        request.input.example_list.examples.append(example)
    for request, key in ((classify, "classify"), (regress, "regress")):
        request.model_spec.name, request.model_spec.signature_name = MODEL, key
    task = multi.tasks.add(method_name="tensorflow/serving/regress")
    task.model_spec.CopyFrom(regress.model_spec)
    yield f"{PREDICTION}Classify", classify
    yield f"{PREDICTION}Regress", regress
    yield f"{PREDICTION}MultiInference", multi
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    metadata.model_spec.name = MODEL
    yield f"{PREDICTION}GetModelMetadata", metadata
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = MODEL
    yield f"{MODELS}GetModelStatus", status
    yield from _good_open_messages()
    reload = model_management_pb2.ReloadConfigRequest()
    reload.config.model_config_list.config.add(name=MODEL, base_path="relative")
    yield RELOAD, reload


def _good_open_messages() -> Iterator[tuple[str, Any]]:
    typed = open_inference_pb2.ModelInferRequest(model_name=MODEL, model_version="1", id="7")
    ids = typed.inputs.add(name="input_sentence", datatype="INT64", shape=[2, 2])
    ids.contents.int64_contents.extend([1, 2, 3, 0])
    typed.parameters["priority"].uint64_param = 1
    typed.outputs.add(name="predict_scores")
    yield f"{OPEN_INFERENCE}ModelInfer", typed
    raw = open_inference_pb2.ModelInferRequest(model_name=MODEL)
    raw.inputs.add(name="text", datatype="BYTES", shape=[2])
    raw.raw_input_contents.append(b"\1\0\0\0a\2\0\0\0bc")
    yield f"{OPEN_INFERENCE}ModelInfer", raw
    yield (
        f"{OPEN_INFERENCE}ModelMetadata",
        open_inference_pb2.ModelMetadataRequest(name=MODEL, version="1"),
    )
    yield f"{OPEN_INFERENCE}ModelReady", open_inference_pb2.ModelReadyRequest(name=MODEL)


GOOD_MESSAGES = list(_good_messages())
"""Methods and what they answer, but for the reload, which is refused."""

_names = st.sampled_from(
    [MODEL, "text", "inputs", "input_sentence", "classify", "regress", "signature_def", "stable"]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_integers = st.sampled_from([0, 1, -1, 2**31 - 1, -(2**63), 2**62, 2**63 - 1]) | st.integers(
    -(2**63), 2**63 - 1
)
_floats = st.floats(width=32)
_bytes = st.binary(max_size=40) | st.sampled_from([b"a" * 2000, b"\xed\xa0\x80", b"\x00"])

_SCALARS = {
    FieldDescriptor.CPPTYPE_STRING: _names,
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_FLOAT: _floats,
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    FieldDescriptor.CPPTYPE_ENUM: st.integers(-2, 140),
    FieldDescriptor.CPPTYPE_INT32: _integers.map(lambda n: n % 2**32 - 2**31),
    FieldDescriptor.CPPTYPE_INT64: _integers,
    FieldDescriptor.CPPTYPE_UINT32: _integers.map(lambda n: n % 2**32),
    FieldDescriptor.CPPTYPE_UINT64: _integers.map(lambda n: n % 2**64),
}


def _draw_value(draw: st.DrawFn, field: FieldDescriptor) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return draw(_bytes)
    return draw(_SCALARS[field.cpp_type])


# 65 dimensions are more than NumPy has; 20 rows more than the server takes.
_counts = st.sampled_from([1, 1, 2, 3, 20, 65, 255])


def _disturb_field(draw: st.DrawFn, message: Any, field: FieldDescriptor) -> None:
    """Gives one field of a message another value, or goes on to disturb what is in it."""
    if draw(st.integers(0, 5)) == 0:
        message.ClearField(field.name)
        return
    kind = field.message_type
    held = getattr(message, field.name)
    if kind is not None and kind.GetOptions().map_entry:
        _disturb_map(draw, held, kind.fields_by_name["value"])
    elif kind is not None and not field.is_repeated:
        held.SetInParent()
        _disturb(draw, held)
    elif kind is not None and len(held) and draw(st.booleans()):
        _disturb(draw, held[draw(st.integers(0, len(held) - 1))])
    elif kind is not None:
        _disturb(draw, held.add())
        held.extend([held[-1]] * (draw(_counts) - 1))
    elif field.is_repeated:
        held.extend([_draw_value(draw, field)] * draw(_counts))
    else:
        setattr(message, field.name, _draw_value(draw, field))


def _disturb_map(draw: st.DrawFn, held: Any, value_field: FieldDescriptor) -> None:
    keys = [*held, draw(_names)]
    key = draw(st.sampled_from(keys))
    if value_field.message_type is None:
        held[key] = _draw_value(draw, value_field)
    else:
        _disturb(draw, held[key])


def _disturb(draw: st.DrawFn, message: Any) -> None:
    fields = [*message.DESCRIPTOR.fields]
    for _ in range(draw(st.sampled_from([1, 1, 2, 3])) if fields else 0):
        _disturb_field(draw, message, draw(st.sampled_from(fields)))


@st.composite
def disturbed_messages(draw: st.DrawFn) -> tuple[str, bytes]:
    """Well-formed messages with absurd content."""
    method, good = draw(st.sampled_from(GOOD_MESSAGES))
    message = type(good)()
    if draw(st.integers(0, 4)):
        message.CopyFrom(good)
    _disturb(draw, message)
    return method, message.SerializeToString()


@st.composite
def damaged_bytes(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Bytes that were right before some were flipped, cut off, doubled, or put elsewhere."""
    data = bytearray(draw(good))
    for _ in range(draw(st.integers(1, 3))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        match draw(st.sampled_from(["flip", "cut", "drop", "double", "splice", "insert"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at:]
            case "drop":
                del data[at:end]
            case "double":
                data[at:at] = data[at:end]
            case "splice":
                data[at:] = draw(good)[at:]
            case "insert":
                data[at:at] = draw(st.binary(max_size=8))
    return bytes(data)


_good_bytes = st.sampled_from([message.SerializeToString() for _, message in GOOD_MESSAGES])


def _damaged(good: tuple[str, Any]) -> st.SearchStrategy[tuple[str, bytes]]:
    method, message = good
    return st.tuples(
        st.just(method), damaged_bytes(st.just(message.SerializeToString()) | _good_bytes)
    )


_methods = st.sampled_from([method for method, _ in GOOD_MESSAGES])
_other_methods = st.sampled_from(
    [f"{PREDICTION}SessionRun", f"{MODELS}Predict", "/a/b", "/", "//", f"{PREDICTION}%2e%2e"]
)

_any_grpc_requests = st.one_of(
    disturbed_messages(),
    disturbed_messages(),
    disturbed_messages(),
    st.sampled_from(GOOD_MESSAGES).flatmap(_damaged),
    st.tuples(_methods | _other_methods, st.binary(max_size=200)),
)


def _would_change_what_is_served(request: tuple[str, bytes]) -> bool:
    if request[0] != RELOAD:
        return False
    try:
        config = model_management_pb2.ReloadConfigRequest.FromString(request[1]).config
        # A list without a model unloads them all.
        if config.model_config_list.config:
            check_models_config(config)
    except (DecodeError, ConfigError):
        return False
    return bool(config.WhichOneof("config") == "model_config_list")


grpc_requests = _any_grpc_requests.filter(lambda r: not _would_change_what_is_served(r))
"""Methods and bytes; no config that a server would take."""

_json_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**18, max_value=10**400),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=10),
    st.builds(lambda text: {"b64": text}, st.sampled_from(["YQ==", "YQ", "Y", "%%", "é", "Y Q"])),
)
_json_keys = st.sampled_from(
    [
        *("instances", "inputs", "examples", "context", "signature_name", "text", "b64", "x"),
        *("negate", "id", "parameters", "outputs", "name", "shape", "datatype", "data"),
    ]
)
_json_values = st.recursive(
    _json_scalars | st.sampled_from([*_INPUTS, "classify", "regress"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_json_keys, inner, max_size=4),
    max_leaves=8,
)


def _nested(value: Any, depth: int, opened: str) -> str:
    closed = {"[": "]", '{"a":': "}"}[opened]
    return opened * depth + json.dumps(value) + closed * depth


_deep_json = st.builds(
    lambda key, *nested: f'{{"{key}":{_nested(*nested)}}}',
    _json_keys,
    _json_scalars,
    st.sampled_from([2, 65, 254, 255, 900, 3000, 9000]),
    st.sampled_from(["[", '{"a":']),
)

_PREDICT, _INFER = f"/v1/models/{MODEL}:predict", f"/v2/models/{MODEL}/infer"

GOOD_BODIES = [
    (_PREDICT, b'{"instances": [[1, 2], [3, 0]]}'),
    (_PREDICT, b'{"signature_name": "text", "inputs": ["a", {"b64": "YQ=="}]}'),
    (_PREDICT, b'{"signature_name": "scale", "instances": [{"x": [1, NaN], "negate": true}]}'),
    (
        f"/v1/models/{MODEL}:classify",
        b'{"signature_name": "classify", "examples": [{"text": "a"}]}',
    ),
    (
        f"/v1/models/{MODEL}:regress",
        b'{"signature_name": "regress", "context": {"text": "a"}, "examples": [{}]}',
    ),
    (
        _INFER,
        b'{"id": "7", "inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], '
        b'"data": ["a", "b"]}], "outputs": [{"name": "label"}]}',
    ),
    (
        _INFER,
        b'{"inputs": [{"name": "input_sentence", "datatype": "INT64", "shape": [2, 2], '
        b'"data": [[1, 2], [3, 0]]}], "parameters": {"signature_name": "serving_default"}}',
    ),
    (
        _INFER,
        b'{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, NaN]}, '
        b'{"name": "negate", "datatype": "BOOL", "shape": [1], "data": [true]}], '
        b'"parameters": {"signature_name": "scale"}}',
    ),
]
"""Paths of REST and what they answer."""

_DATATYPES = {"BYTES": "a", "INT64": 1, "INT8": 1, "FP32": 0.5, "FP16": 2, "BOOL": True, "X": 1}
_sizes = st.lists(st.sampled_from([0, 1, 1, 2, 3, 20]), max_size=4) | st.lists(
    st.sampled_from([-1, 2**31, 2**62, 2**64, 1.0, True, None, "2"]), max_size=2
)


@st.composite
def _open_tensor(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """An input of the Open Inference Protocol, mostly with as many values as its shape."""
    datatype = draw(st.sampled_from([*_DATATYPES]))
    shape: list[Any] = draw(_sizes)
    is_usual = all(type(size) is int and 0 <= size <= 20 for size in shape)
    count = math.prod(shape) if is_usual else 2
    data: Any = [_DATATYPES[datatype]] * min(count, 5000)
    if draw(st.integers(0, 3)) == 0:
        data = draw(_json_values)
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


@st.composite
def _open_bodies(draw: st.DrawFn) -> bytes:
    """Requests of the Open Inference Protocol: a signature's inputs as absurd tensors."""
    key = draw(st.sampled_from([*_INPUTS, "classify", "regress"]))
    names = [*_INPUTS.get(key, ["inputs"]), *draw(st.lists(_json_keys, max_size=1))]
    document: dict[str, Any] = {"inputs": [draw(_open_tensor(name)) for name in names]}
    if key:
        document["parameters"] = {"signature_name": key}
    if draw(st.integers(0, 3)) == 0:
        document[draw(st.sampled_from(["id", "outputs", "parameters"]))] = draw(_json_values)
    return json.dumps(document).encode()


bodies = st.one_of(
    _open_bodies(),
    st.dictionaries(_json_keys, _json_values, min_size=1, max_size=3).map(
        lambda value: json.dumps(value).encode()
    ),
    _deep_json.map(str.encode),
    damaged_bytes(st.sampled_from([body for _, body in GOOD_BODIES])),
    st.binary(max_size=60),
    st.just(b'{"instances": [1' + b"0" * 5000 + b"]}"),
)
"""Bodies of REST requests."""

packed_bodies = st.one_of(
    bodies.map(gzip.compress),
    damaged_bytes(st.just(gzip.compress(GOOD_BODIES[0][1]))),
    st.just(gzip.compress(b" " * 10_000_000)),
)
"""Bodies that are sent as gzip."""
