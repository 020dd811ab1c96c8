"""What a request claims is checked before anything of that size is made."""

import tracemalloc
from typing import Any, cast

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import INT64, STRING
from lstm_sentiment.protocol.prediction_pb2 import PredictRequest
from lstm_sentiment.protocol.tensor_pb2 import DataType
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.tensor_proto import tensors_from_protos
from lstm_sentiment.serving.servable import Signature, TensorInfo

TEXT = Signature("text", {"text": TensorInfo(STRING, (None,), "text_text:0")})
IDS = Signature("ids", {"ids": TensorInfo(INT64, (None, None))})
PAIR = Signature("pair", {name: TensorInfo(STRING, (None,)) for name in ("a", "b")})
WIDE = Signature("wide", {f"x{number}": TensorInfo(STRING, (None,)) for number in range(200)})
NO_LIMITS = RequestLimits()
LIMITS = RequestLimits(max_batch_size=1024, max_text_bytes=100_000)
# A claim of 2^20 strings takes 8 MiB once it is filled.
MOST_BYTES = 2 << 20


def claims(*shape: int, dtype: int = DataType.DT_STRING, names: list[str]) -> Any:
    request = PredictRequest()
    for name in names:
        tensor = request.inputs[name]
        tensor.dtype = cast(DataType, dtype)
        for size in shape:
            tensor.tensor_shape.dim.add(size=size)
    return request.inputs


def refused(inputs: Any, signature: Signature, limits: RequestLimits) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInputError) as caught:
            tensors_from_protos(inputs, signature, limits)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    return str(caught.value)


MANY = [f"x{number}" for number in range(200)]


@pytest.mark.parametrize(
    ("shape", "dtype", "names", "signature", "limits", "message"),
    [
        ((1 << 20,), "DT_STRING", MANY, TEXT, NO_LIMITS, "input size does not match signature: "),
        ((1 << 20,), "DT_STRING", ["x"], TEXT, NO_LIMITS, "Signature input alias: text(feed name:"),
        ((1 << 20,), "DT_STRING", ["text"], TEXT, LIMITS, "`text` must have at most 1024 rows."),
        ((4, 1 << 18), "DT_STRING", ["text"], TEXT, LIMITS, "`text` must have shape (None,)."),
        ((4, 1 << 17), "DT_INT64", ["ids"], IDS, LIMITS, "must have at most 100000 integers."),
        ((1 << 20,), "DT_INT64", ["text"], TEXT, NO_LIMITS, "`text` must have dtype string."),
        ((1 << 21,), "DT_STRING", ["text"], TEXT, NO_LIMITS, "at most 1048576 elements without a"),
        ((1 << 12,), "DT_INT64", MANY, WIDE, NO_LIMITS, "must have dtype string."),
    ],
)
def test_a_claim_is_refused_before_it_is_filled(
    shape: tuple[int, ...],
    dtype: str,
    names: list[str],
    signature: Signature,
    limits: RequestLimits,
    message: str,
) -> None:
    inputs = claims(*shape, dtype=DataType.Value(dtype), names=names)
    assert message in refused(inputs, signature, limits)


def test_what_the_inputs_of_a_request_claim_counts_together() -> None:
    inputs = claims((1 << 20) // 200 + 1, names=MANY)
    with pytest.raises(InvalidInputError, match="at most 1048576 elements without a value"):
        tensors_from_protos(inputs, WIDE, NO_LIMITS)
    fitting = claims((1 << 20) // 200, names=MANY)
    assert tensors_from_protos(fitting, WIDE, NO_LIMITS)["x7"].shape == ((1 << 20) // 200,)


def test_values_that_are_left_out_repeat_the_last_as_before() -> None:
    inputs = claims(3, names=["a", "b"])
    inputs["a"].string_val.append(b"x")
    arrays = tensors_from_protos(inputs, PAIR, LIMITS)
    assert (arrays["a"].tolist(), arrays["b"].tolist()) == ([b"x"] * 3, [b""] * 3)


def test_a_shape_that_is_held_is_left_to_the_model() -> None:
    inputs = claims(2, names=["ids"], dtype=DataType.DT_INT64)
    inputs["ids"].int64_val.extend([1, 2])
    assert tensors_from_protos(inputs, IDS, LIMITS)["ids"].tolist() == [1, 2]


def test_rows_that_are_held_are_counted_before_they_are_read() -> None:
    inputs = claims(40_000, names=["text"])
    inputs["text"].string_val.extend([b""] * 40_000)
    with pytest.raises(RequestTooLargeError, match=r"at most 1024 rows\. Received: 40000 rows"):
        tensors_from_protos(inputs, TEXT, LIMITS)


def test_very_many_dimensions_are_refused_unread() -> None:
    inputs = claims(*[1] * 300, names=["text"])
    assert "at most 254 dimensions" in refused(inputs, TEXT, NO_LIMITS)
