"""The fields of a message are counted before it is parsed."""

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.protocol.open_inference_pb2 import ModelInferRequest
from lstm_sentiment.protocol.prediction_pb2 import ClassificationRequest, PredictRequest
from lstm_sentiment.protocol.tensor_pb2 import DataType
from lstm_sentiment.protocol.wire import has_more_fields

KINDS = (PredictRequest, ClassificationRequest, ModelInferRequest)


def fields_of(message: Any) -> int:
    """Counts the fields of a parsed message as they are serialized."""
    count = 0
    for field, value in message.ListFields():
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            for each in value.values():
                # An entry, its key and its value.
                count += 3 + (fields_of(each) if hasattr(each, "ListFields") else 0)
        elif field.message_type is not None:
            messages = value if field.is_repeated else [value]
            count += sum(1 + fields_of(each) for each in messages)
        elif field.is_repeated and not field.is_packed:
            count += len(value)
        else:
            count += 1
    return count


def count_of(serialized: bytes, kind: Any) -> int:
    """Finds the count as the largest number that is too small, and one more."""
    return next(n for n in range(10_000) if not has_more_fields(serialized, kind.DESCRIPTOR, n))


def predict_request() -> PredictRequest:
    request = PredictRequest(output_filter=["a", "b"])
    request.model_spec.name = "m" * 200
    request.model_spec.version.value = 1 << 40
    for name in ("x", ""):
        tensor = request.inputs[name]
        tensor.dtype = DataType.DT_STRING
        tensor.tensor_shape.dim.add(size=3)
        tensor.tensor_shape.dim.add()
        tensor.string_val.extend([b"", b"text" * 100, b"c"])
        tensor.float_val.extend([1.0, 2.0])
        tensor.double_val.append(1.0)
    return request


def infer_request() -> ModelInferRequest:
    request = ModelInferRequest(model_name="m", raw_input_contents=[b"", b"1"])
    request.parameters["signature_name"].string_param = "text"
    request.inputs.add(name="x", shape=[1, 2]).contents.bytes_contents.extend([b"a", b""])
    return request


def classification_request() -> ClassificationRequest:
    request = ClassificationRequest()
    for _ in range(3):
        example = request.input.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(b"a")
    return request


@pytest.mark.parametrize("message", [predict_request(), infer_request(), classification_request()])
def test_all_fields_are_counted_at_any_depth(message: Any) -> None:
    assert count_of(message.SerializeToString(), type(message)) == fields_of(message)


@given(st.sampled_from(KINDS), st.binary(max_size=60))
def test_whatever_can_be_parsed_has_no_more_fields_than_are_counted(
    kind: Any, serialized: bytes
) -> None:
    count = count_of(serialized, kind)
    try:
        message = kind.FromString(serialized)
    except DecodeError:
        return
    assert len(message.ListFields()) <= count <= len(serialized)


def test_counting_ends_once_there_are_too_many() -> None:
    many = b"\x1a\x00" * 1_000_000
    assert has_more_fields(many, PredictRequest.DESCRIPTOR, 5)
    assert not has_more_fields(many[:10], PredictRequest.DESCRIPTOR, 5)


def test_very_deep_messages_are_counted_without_an_error() -> None:
    group = b"\x13" * 5000 + b"\x14" * 5000
    assert has_more_fields(group, PredictRequest.DESCRIPTOR, 9_999)
    assert not has_more_fields(group, PredictRequest.DESCRIPTOR, 10_000)
