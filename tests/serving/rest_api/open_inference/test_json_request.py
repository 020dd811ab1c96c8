"""The JSON of inference requests: what is read, and what is refused."""

import json
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.rest_api.open_inference.json_data import write_data
from lstm_sentiment.serving.rest_api.open_inference.json_request import read_infer_request


def tensor(data: Any, shape: Any = (2,), datatype: Any = "INT64", **more: Any) -> dict[str, Any]:
    return {"name": "x", "shape": shape, "datatype": datatype, "data": data, **more}


def body_of(*inputs: Any, **more: Any) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode("utf-8")


def read(data: Any, shape: Any, datatype: str) -> Any:
    return read_infer_request(body_of(tensor(data, shape, datatype))).inputs["x"].read()


@pytest.mark.parametrize(
    ("datatype", "dtype", "values"),
    [
        ("BOOL", bool, [True, False]),
        ("INT8", np.int8, [-128, 127]),
        ("INT16", np.int16, [-(2**15), 2**15 - 1]),
        ("INT32", np.int32, [-(2**31), 2**31 - 1]),
        ("INT64", np.int64, [-(2**63), 2**63 - 1]),
        ("UINT8", np.uint8, [0, 255]),
        ("UINT16", np.uint16, [0, 2**16 - 1]),
        ("UINT32", np.uint32, [0, 2**32 - 1]),
        ("UINT64", np.uint64, [0, 2**64 - 1]),
        ("FP16", np.float16, [0.5, 65504]),
        ("BF16", ml_dtypes.bfloat16, [0.5, -3]),
        ("FP32", np.float32, [0.1, 16777217]),
        ("FP64", np.float64, [0.1, 1e300]),
    ],
)
def test_numbers_of_each_datatype(datatype: str, dtype: Any, values: list[Any]) -> None:
    array = read(values, [2], datatype)
    assert array.dtype == dtype
    np.testing.assert_array_equal(
        array,
        np.array(values, np.float64).astype(dtype)
        if np.dtype(dtype).kind in "fV"
        else np.array(values, dtype),
    )


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
def test_values_may_be_flat_or_nested_as_the_shape(data: list[Any]) -> None:
    assert read(data, [2, 3], "INT64").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_numbers_that_are_not_finite() -> None:
    array = read([float("nan"), float("inf"), -float("inf")], [3], "FP32")
    np.testing.assert_array_equal(array, np.array([np.nan, np.inf, -np.inf], np.float32))


@pytest.mark.parametrize(("data", "shape"), [([], [0]), ([], [2, 0]), ([[], []], [2, 0])])
def test_tensors_without_elements(data: list[Any], shape: list[int]) -> None:
    assert read(data, shape, "INT64").shape == tuple(shape)


def test_a_scalar_has_one_value() -> None:
    assert read([7], [], "INT64").shape == ()


def test_texts_are_utf8() -> None:
    array = read(["好", "", "a\0"], [3], "BYTES")
    assert array.tolist() == ["好".encode(), b"", b"a\0"]


def test_bytes_that_are_not_utf8_come_as_they_were_sent() -> None:
    body = body_of(tensor(["?"], [1], "BYTES")).replace(b"?", b"\xff")
    assert read_infer_request(body).inputs["x"].read().tolist() == [b"\xff"]


def test_the_id_the_outputs_and_the_signature() -> None:
    body = body_of(
        tensor([1, 2]),
        id="42",
        parameters={"signature_name": "text", "priority": 1, "binary_data_output": True},
        outputs=[{"name": "b", "parameters": {"binary_data": True}}, {"name": "a"}],
    )
    request = read_infer_request(body)
    assert (request.request_id, request.signature_key) == ("42", "text")
    assert list(request.outputs) == ["b", "a"]


REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ([1], "Is not object"),
    "no inputs": ({}, "`inputs` must be an array of objects. Received: nothing."),
    "inputs of none": ({"inputs": []}, "`inputs` must hold at least one tensor. Received: none."),
    "inputs no list": ({"inputs": {"x": 1}}, "`inputs` must be an array of objects."),
    "an input no object": ({"inputs": [1]}, "`inputs` must be an array of objects."),
    "no name": ({"inputs": [{}]}, "`name` of an input must be a string. Received: nothing."),
    "twice": ({"inputs": [tensor([1, 2])] * 2}, "each input must be sent once. Received: `x`"),
    "an id no text": ({"inputs": [tensor([1, 2])], "id": 5}, "`id` must be a string. Received: 5."),
    "parameters no object": (
        {"inputs": [tensor([1, 2])], "parameters": []},
        "`parameters` of the request must be an object.",
    ),
    # There TensorFlow Serving's API has it; ignored, another signature would answer in silence.
    "a signature beside the parameters": (
        {"inputs": [tensor([1, 2])], "signature_name": "explain"},
        "`signature_name` must stand in the `parameters` of the request.",
    ),
    "a signature no text": (
        {"inputs": [tensor([1, 2])], "parameters": {"signature_name": 5}},
        "the parameter `signature_name` must be a string. Received: 5.",
    ),
    "outputs no list": (
        {"inputs": [tensor([1, 2])], "outputs": "y"},
        "`outputs` must be an array of objects.",
    ),
    "classes": (
        {
            "inputs": [tensor([1, 2])],
            "outputs": [{"name": "y", "parameters": {"classification": 3}}],
        },
        "Received: the parameter `classification` of `y`, which is not supported.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_document(case: str) -> None:
    document, message = REFUSED[case]
    with pytest.raises(InvalidInputError) as caught:
        read_infer_request(json.dumps(document).encode())
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"datatype": "FLOAT"}, "`datatype` of `x` must be one of BOOL, INT8,"),
        ({"datatype": None}, "`datatype` of `x` must be one of"),
        ({"datatype": ["FP32"]}, "`datatype` of `x` must be one of"),
        ({"shape": None}, "`shape` of `x` must be an array of integers. Received: nothing."),
        ({"shape": "2"}, "`shape` of `x` must be an array of integers."),
        ({"shape": [2.0]}, "`shape` of `x` must hold integers from 0 to"),
        ({"shape": [True]}, "`shape` of `x` must hold integers"),
        ({"shape": [-1]}, "`shape` of `x` must hold integers"),
        ({"shape": [2**63]}, "`shape` of `x` must hold integers"),
        ({"shape": [1] * 65}, "`shape` of `x` must have at most 64 dimensions. Received: 65."),
        ({"shape": [2**62]}, f"`x` of shape [{2**62}] must have {2**62} values. Received: 2."),
        ({"shape": [2**62, 2**62]}, "values. Received: 2."),
        ({"shape": [2**40, 0], "data": []}, "which has no element, must hold no size above"),
        ({"shape": [3]}, "`x` of shape [3] must have 3 values. Received: 2."),
        ({"data": 5}, "`data` of `x` must be an array. Received: 5."),
        ({"data": None}, "`data` of `x` must be an array. Received: nothing."),
        ({"data": [1, "2"]}, '`data` of `x` must hold integers. Received: "2".'),
        ({"data": [1, True]}, "`data` of `x` must hold integers. Received: true."),
        ({"data": [1, 2.0]}, "`data` of `x` must hold integers. Received: 2.0."),
        ({"data": [1, None]}, "`data` of `x` must hold integers. Received: null."),
        ({"data": [1, [2]]}, "`data` of `x` must hold integers. Received: [2]."),
        ({"data": [[1], [2, 3]]}, "must hold integers. Received: [1]."),
        ({"data": [[1], [2, 3]], "shape": [2, 1]}, "or arrays nested as the shape [2, 1]."),
        ({"data": [[1], 2], "shape": [2, 1]}, "or arrays nested as the shape [2, 1]."),
        ({"data": [[1]], "shape": [1]}, "must hold integers. Received: [1]."),
        ({"data": [1, 2**63]}, "`data` of `x` must be in the range of int64."),
        ({"data": [1, 128], "datatype": "INT8"}, "`data` of `x` must be in the range of int8."),
        ({"data": [1, 1e39], "datatype": "FP32"}, "must be in the range of float32."),
        ({"data": [1, 70000], "datatype": "FP16"}, "must be in the range of float16."),
        ({"data": [1, True], "datatype": "FP32"}, "`data` of `x` must hold numbers."),
        ({"data": [1, 0], "datatype": "BOOL"}, "`data` of `x` must hold true or false."),
        ({"data": ["a", 0], "datatype": "BYTES"}, "`data` of `x` must hold strings. Received: 0."),
        ({"parameters": {"binary_data_size": 8}}, "set `binary_data=False`"),
        (
            {"parameters": {"shared_memory_region": "r"}},
            "Received: the parameter `shared_memory_region` of `x`, which is not supported.",
        ),
        ({"parameters": 1}, "`parameters` of input `x` must be an object."),
    ],
)
def test_a_refused_tensor(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_infer_request(body_of(tensor([1, 2]) | changes)).inputs["x"].read()
    assert message in str(caught.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "shape", "datatype", "data", "parameters", "id"]), inner
        )
    ),
    max_leaves=12,
)


@given(values, values, values, st.sampled_from(["BOOL", "INT8", "FP16", "BF16", "FP32", "BYTES"]))
def test_whatever_comes_is_read_or_refused(data: Any, shape: Any, more: Any, datatype: str) -> None:
    try:
        request = read_infer_request(body_of(tensor(data, shape, datatype, parameters=more)))
        array = request.inputs["x"].read()
    except InvalidInputError as error:
        assert str(error)
    else:
        assert list(array.shape) == shape


@given(st.lists(st.floats(width=32), max_size=5))
def test_a_float32_comes_back_to_the_bit(numbers: list[float]) -> None:
    array = np.array(numbers, np.float32)
    document = json.loads(json.dumps(write_data(array)))
    assert np.array(document, np.float32).tobytes() == array.tobytes() or np.isnan(array).any()


@pytest.mark.parametrize(
    ("array", "data"),
    [
        (np.array([[1, 2], [3, 4]], np.int8), [1, 2, 3, 4]),
        (np.array([True]), [True]),
        (np.array([0.5], np.float16), [0.5]),
        (np.array([0.5, 2], ml_dtypes.bfloat16), [0.5, 2.0]),
        (np.array([0.1], np.float32), [0.1]),
        (np.array([b"a", b"\xff"], object), ["a", "\ufffd"]),
        (np.array(7, np.int64), [7]),
    ],
)
def test_outputs_are_flat_json(array: Any, data: list[Any]) -> None:
    written = write_data(array)
    assert written == data
    assert json.dumps(written)
