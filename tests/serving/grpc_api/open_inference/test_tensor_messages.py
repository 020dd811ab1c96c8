"""The tensors of ModelInfer's messages, in typed contents and as raw bytes."""

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.open_inference_pb2 import ModelInferRequest, ModelInferResponse
from lstm_sentiment.serving.grpc_api.open_inference.tensor_messages import (
    read_inputs,
    write_outputs,
)

ARRAYS: dict[str, Any] = {
    "BOOL": np.array([[True, False]]),
    "INT8": np.array([[-128, 127]], np.int8),
    "INT16": np.array([[-(2**15), 5]], np.int16),
    "INT32": np.array([[-(2**31), 5]], np.int32),
    "INT64": np.array([[-(2**63), 5]], np.int64),
    "UINT8": np.array([[0, 255]], np.uint8),
    "UINT16": np.array([[0, 2**16 - 1]], np.uint16),
    "UINT32": np.array([[0, 2**32 - 1]], np.uint32),
    "UINT64": np.array([[0, 2**64 - 1]], np.uint64),
    "FP16": np.array([[0.5, np.inf]], np.float16),
    "BF16": np.array([[0.5, -3]], ml_dtypes.bfloat16),
    "FP32": np.array([[0.1, np.nan]], np.float32),
    "FP64": np.array([[0.1, 1e300]], np.float64),
    "BYTES": np.array([[b"", "好\0".encode()]], object),
}
WITHOUT_CONTENTS = {"FP16", "BF16"}


def as_request(response: ModelInferResponse) -> ModelInferRequest:
    request = ModelInferRequest(raw_input_contents=response.raw_output_contents)
    for output in response.outputs:
        request.inputs.add().ParseFromString(output.SerializeToString())
    return request


def arrays_of(request: ModelInferRequest) -> dict[str, Any]:
    return {name: unread.read() for name, unread in read_inputs(request).items()}


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("datatype", ARRAYS)
def test_what_is_written_is_read(datatype: str, raw: bool) -> None:
    array = ARRAYS[datatype]
    response = ModelInferResponse()
    write_outputs([("x", array), ("y", array)], response, raw=raw)
    assert [output.datatype for output in response.outputs] == [datatype] * 2
    assert len(response.raw_output_contents) == 2 * (raw or datatype in WITHOUT_CONTENTS)
    found = arrays_of(as_request(response))
    for name in ("x", "y"):
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@given(st.lists(st.binary(max_size=5), max_size=4))
def test_raw_strings_are_those_of_tritonclient(strings: list[bytes]) -> None:
    array = np.empty(len(strings), object)
    array[:] = strings
    raw = serialize_byte_tensor(array).item() if strings else b""
    request = ModelInferRequest(raw_input_contents=[raw])
    request.inputs.add(name="x", datatype="BYTES", shape=[len(strings)])
    assert arrays_of(request)["x"].tolist() == strings
    response = ModelInferResponse()
    write_outputs([("x", array)], response, raw=True)
    assert deserialize_bytes_tensor(response.raw_output_contents[0]).tolist() == strings


def request_of(
    shape: list[int],
    datatype: str,
    raw: Sequence[bytes] = (),
    **contents: Any,
) -> ModelInferRequest:
    request = ModelInferRequest(raw_input_contents=raw)
    tensor = request.inputs.add(name="x", datatype=datatype, shape=shape)
    for field, values in contents.items():
        getattr(tensor.contents, field).extend(values)
    return request


REFUSED: dict[str, tuple[ModelInferRequest, str]] = {
    "no input": (ModelInferRequest(), "`inputs` must hold at least one tensor."),
    "no datatype": (request_of([1], ""), "`datatype` of `x` must be one of BOOL"),
    "negative": (request_of([-1], "INT64"), "`shape` of `x` must hold integers from 0"),
    "nothing sent": (request_of([1], "INT64"), "`x` of shape [1] must have 1 values. Received: 0."),
    "too few": (request_of([2**62], "FP32", fp32_contents=[1]), "values. Received: 1."),
    "too many": (request_of([1], "FP32", fp32_contents=[1, 2]), "values. Received: 2."),
    "another field": (request_of([1], "INT64", int_contents=[1]), "Received: 0."),
    "beyond": (
        request_of([1], "INT8", int_contents=[300]),
        "`int_contents` of `x` must be in the range of INT8.",
    ),
    "no field": (request_of([1], "FP16", fp32_contents=[1]), "must stand in `raw_input_contents`"),
    "both": (request_of([1], "FP32", [b"\0" * 4], fp32_contents=[1]), "Received: both."),
    "empty rows": (request_of([2**40, 0], "INT64", [b""]), "must hold no size above"),
    "raw of too few": (request_of([2**61], "INT64", [b"\0" * 8]), "values. Received: 1."),
    "raw half": (request_of([1], "INT64", [b"\0" * 4]), "must have 8 bytes for each element."),
    "raw of two": (request_of([1], "INT64", [b"\0" * 8] * 2), "Received: 2 for 1 inputs."),
    "raw no bool": (request_of([1], "BOOL", [b"\2"]), "must be 0 or 1 in each byte."),
    "raw string cut": (request_of([1], "BYTES", [b"\5\0\0\0abcd"]), "end within a string"),
    "raw length cut": (request_of([1], "BYTES", [b"\5\0"]), "end within a string"),
    "raw string huge": (request_of([1], "BYTES", [b"\xff" * 4]), "end within a string"),
    "raw strings of two": (request_of([1], "BYTES", [b"\0" * 8]), "values. Received: 2."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request(case: str) -> None:
    request, message = REFUSED[case]
    with pytest.raises(InvalidInputError) as caught:
        arrays_of(request)
    assert message in str(caught.value)


def test_the_same_input_twice() -> None:
    request = request_of([1], "INT64", int64_contents=[1])
    request.inputs.append(request.inputs[0])
    with pytest.raises(InvalidInputError, match="each input must be sent once"):
        read_inputs(request)


def test_an_output_without_a_datatype() -> None:
    with pytest.raises(InvalidInputError, match="no datatype for output `z` of dtype complex64"):
        write_outputs([("z", np.array([1j], np.complex64))], ModelInferResponse(), raw=True)


@given(st.data())
def test_whatever_comes_is_read_or_refused(data: st.DataObject) -> None:
    message = request_of([2], "INT32", int_contents=[1, 2]).SerializeToString()
    message += request_of([1], "BYTES", [b"\1\0\0\0a"]).SerializeToString()
    at = data.draw(st.integers(0, len(message) - 1))
    broken = message[:at] + data.draw(st.binary(max_size=3)) + message[at + 1 :]
    try:
        arrays_of(ModelInferRequest.FromString(broken))
    except (InvalidInputError, DecodeError):
        return
