from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import BOOL, INT64, STRING
from lstm_sentiment.protocol.example_pb2 import (
    BytesList,
    Example,
    Feature,
    Features,
    FloatList,
    Int64List,
)
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.servable import Signature, TensorInfo

SIGNATURE = Signature(
    "s",
    {
        "text": TensorInfo(STRING, (None,)),
        "words": TensorInfo(STRING, (None, None)),
        "ids": TensorInfo(INT64, (None, None)),
        "prompt": TensorInfo(STRING, (3,)),
        "flag": TensorInfo(BOOL, ()),
        "any": TensorInfo(STRING, None),
    },
)


def strings(*rows: Any) -> Any:
    return np.array(rows, dtype=object)


def example(**features: Feature) -> bytes:
    return bytes(Example(features=Features(feature=features)).SerializeToString())


def texts(*values: bytes) -> Feature:
    return Feature(bytes_list=BytesList(value=values))


@pytest.mark.parametrize("value", [0, -1, 1.5, "10"])
@pytest.mark.parametrize("name", ["max_request_bytes", "max_batch_size", "max_text_bytes"])
def test_a_limit_is_a_positive_integer(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"`{name}` must be a positive integer. Received:"):
        RequestLimits(**{name: value})


def test_without_limits_anything_passes() -> None:
    limits = RequestLimits()
    limits.check(SIGNATURE, {"text": strings(*[b"a" * 100] * 100)})
    limits.check_examples([b"a" * 100] * 100)
    limits.check_request_bytes(2**40)


def test_a_request_has_at_most_so_many_bytes() -> None:
    limits = RequestLimits(max_request_bytes=10)
    limits.check_request_bytes(10)
    with pytest.raises(RequestTooLargeError) as caught:
        limits.check_request_bytes(11)
    assert str(caught.value) == "a request must have at most 10 bytes. Received: 11 bytes."
    assert caught.value.max_batch_size is None


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("text", strings(b"a", b"b", b"c")),
        ("ids", np.zeros((3, 1), np.int64)),
        ("any", strings(b"a", b"b", b"c")),
        ("unknown", strings(b"a", b"b", b"c")),
    ],
)
def test_an_input_has_at_most_so_many_rows(name: str, array: Any) -> None:
    RequestLimits(max_batch_size=3).check(SIGNATURE, {"flag": np.array(True), name: array})
    with pytest.raises(RequestTooLargeError) as caught:
        RequestLimits(max_batch_size=2).check(SIGNATURE, {name: array})
    assert str(caught.value) == f"`{name}` must have at most 2 rows. Received: 3 rows."
    assert caught.value.max_batch_size == 2


def test_what_is_of_one_shape_only_has_no_rows() -> None:
    limits = RequestLimits(max_batch_size=1, max_text_bytes=1)
    limits.check(SIGNATURE, {"prompt": strings(b"aa", b"bb", b"cc"), "flag": np.array(True)})


@pytest.mark.parametrize(
    ("name", "array", "received"),
    [
        ("text", strings(b"ab", b"abc", b"a", b"abcd"), "3 bytes in row 1"),
        ("words", strings([b"a", b"b"], [b"c", b"d"], [b"e", b"fgh"]), "3 bytes in row 2"),
        ("text", strings("好".encode()), "3 bytes in row 0"),
    ],
)
def test_a_string_has_at_most_so_many_bytes(name: str, array: Any, received: str) -> None:
    RequestLimits(max_text_bytes=4).check(SIGNATURE, {name: array})
    with pytest.raises(RequestTooLargeError) as caught:
        RequestLimits(max_text_bytes=2).check(SIGNATURE, {name: array})
    rule = f"each of `{name}` must have at most 2 bytes."
    assert str(caught.value) == f"{rule} Received: {received}."
    assert caught.value.max_batch_size is None


def test_a_row_of_ids_is_as_long_as_a_text_may_be() -> None:
    limits = RequestLimits(max_text_bytes=2)
    limits.check(SIGNATURE, {"ids": np.zeros((9, 2), np.int64)})
    with pytest.raises(RequestTooLargeError) as caught:
        limits.check(SIGNATURE, {"ids": np.zeros((9, 3), np.int64)})
    assert str(caught.value) == "each row of `ids` must have at most 2 integers. Received: 3."


def test_a_row_of_floats_is_no_text() -> None:
    RequestLimits(max_text_bytes=2).check(SIGNATURE, {"any": np.zeros((9, 3), np.float32)})


@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0)])
@pytest.mark.parametrize("dtype", [object, np.int64])
def test_empty_inputs_are_not_too_large(shape: tuple[int, ...], dtype: Any) -> None:
    limits = RequestLimits(max_batch_size=2, max_text_bytes=1)
    limits.check(SIGNATURE, {"any": np.zeros(shape, dtype)})


@given(st.lists(st.binary(max_size=6), max_size=6), st.integers(1, 6), st.integers(1, 6))
def test_texts_pass_exactly_if_they_are_few_and_short(
    rows: list[bytes], max_batch_size: int, max_text_bytes: int
) -> None:
    limits = RequestLimits(max_batch_size=max_batch_size, max_text_bytes=max_text_bytes)
    fits = len(rows) <= max_batch_size and all(len(row) <= max_text_bytes for row in rows)
    examples = [example(text=texts(row)) for row in rows]
    checks: list[Callable[[], None]] = [
        lambda: limits.check(SIGNATURE, {"text": strings(*rows)}),
        lambda: limits.check_examples(examples),
    ]
    for check in checks:
        if fits:
            check()
        else:
            with pytest.raises(RequestTooLargeError):
                check()


def test_examples_are_counted() -> None:
    with pytest.raises(RequestTooLargeError) as caught:
        RequestLimits(max_batch_size=1).check_examples([b"", b""])
    assert str(caught.value) == "the request must have at most 1 examples. Received: 2 examples."
    assert caught.value.max_batch_size == 1


LONG_FEATURES: list[Feature] = [
    texts(b"a", b"abcdefghijk"),
    Feature(int64_list=Int64List(value=range(11))),
    Feature(float_list=FloatList(value=[1.0] * 11)),
]


@pytest.mark.parametrize("feature", LONG_FEATURES)
def test_what_an_example_holds_is_limited(feature: Feature) -> None:
    examples = [example(text=texts(b"a")), example(text=texts(b"a"), other=feature)]
    RequestLimits(max_text_bytes=11).check_examples(examples)
    with pytest.raises(RequestTooLargeError) as caught:
        RequestLimits(max_text_bytes=10).check_examples(examples)
    assert str(caught.value) == (
        "each feature of an example must have at most 10 bytes or numbers. "
        "Received: 11 in example 1."
    )


def test_a_long_broken_example_is_too_long() -> None:
    with pytest.raises(RequestTooLargeError, match="Received: 20 in example 0"):
        RequestLimits(max_text_bytes=10).check_examples([b"\xff" * 20])
