from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework import tensor_pb2, types_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.tensor_proto import tensor_from_proto, write_tensor

DTYPES = [tf.float32, tf.float64, tf.int64, tf.int32, tf.int16, tf.int8, tf.uint8, tf.uint16]
DTYPES += [tf.uint32, tf.uint64, tf.bool, tf.float16, tf.bfloat16, tf.complex64]


def read(proto: tensor_pb2.TensorProto) -> Any:
    return tensor_from_proto(proto, "x")


def written(array: Any) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto()
    write_tensor(array, proto)
    return proto


def proto_of(dtype: int, *shape: int, **values: Any) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto(dtype=dtype, **values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 4)])
def test_numbers_survive_the_way_there_and_back(dtype: Any, shape: tuple[int, ...]) -> None:
    tensor = tf.cast(tf.reshape(tf.range(np.prod(shape, dtype=int)), shape), dtype)
    array = np.asarray(tensor.numpy())
    for proto in (tf.make_tensor_proto(array), written(array)):
        back = read(proto)
        assert back.dtype == dtype.as_numpy_dtype
        assert back.shape == shape
        assert np.array_equal(back, array)


@given(
    hnp.arrays(
        object,
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
        elements=st.binary(),
    )
)
def test_strings_of_any_bytes_survive_the_way_there_and_back(values: Any) -> None:
    for proto in (tf.make_tensor_proto(values), written(values)):
        back = read(proto)
        assert back.shape == values.shape
        assert np.array_equal(back, values)


def test_answers_hold_their_values_in_the_field_of_their_dtype() -> None:
    assert list(written(np.array([0.5, 1.5], np.float32)).float_val) == [0.5, 1.5]
    assert list(written(np.array([1, 2], np.int64)).int64_val) == [1, 2]
    assert list(written(np.array([True, False])).bool_val) == [True, False]
    assert list(written(np.array([b"a", b"b\0"], object)).string_val) == [b"a", b"b\0"]


@pytest.mark.parametrize(
    ("proto", "expected"),
    [
        (proto_of(types_pb2.DT_INT64, 2, 3, int64_val=[7]), [[7, 7, 7], [7, 7, 7]]),
        (proto_of(types_pb2.DT_FLOAT, 3, float_val=[1, 2]), [1, 2, 2]),
        (proto_of(types_pb2.DT_FLOAT, 2), [0, 0]),
        (proto_of(types_pb2.DT_STRING, 3, string_val=[b"a"]), [b"a", b"a", b"a"]),
        (proto_of(types_pb2.DT_STRING, 2, string_val=[b"a\0"]), [b"a\0", b"a\0"]),
        (proto_of(types_pb2.DT_STRING, 1), [b""]),
        (proto_of(types_pb2.DT_HALF, 2), [0, 0]),
    ],
)
def test_left_out_values_are_filled_as_tensorflow_fills_them(
    proto: tensor_pb2.TensorProto, expected: list[Any]
) -> None:
    in_tensorflow = tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(proto.dtype))
    assert in_tensorflow.numpy().tolist() == expected
    assert read(proto).tolist() == expected


@pytest.mark.parametrize(
    ("proto", "reason"),
    [
        (proto_of(types_pb2.DT_FLOAT, 1, float_val=[1, 2]), "2 values were sent for 1 elements"),
        (proto_of(types_pb2.DT_STRING, 0, string_val=[b"a"]), "1 values were sent for 0"),
        (proto_of(types_pb2.DT_FLOAT, 2, tensor_content=b"abc"), "must hold 8 bytes"),
        (proto_of(types_pb2.DT_STRING, 2, tensor_content=b"abc"), "not a tensor of dtype string"),
        (proto_of(types_pb2.DT_HALF, 2, tensor_content=b"abc"), "not a tensor of dtype float16"),
        (proto_of(types_pb2.DT_INT8, 1, int_val=[300]), "out of range of int8"),
        (proto_of(types_pb2.DT_INVALID, 1), "unknown dtype 0"),
        (proto_of(99, 1), "unknown dtype 99"),
        (proto_of(types_pb2.DT_RESOURCE, 1), "dtype resource cannot be sent"),
        (proto_of(types_pb2.DT_VARIANT, 1), "dtype variant cannot be sent"),
        (proto_of(types_pb2.DT_FLOAT_REF, 1, float_val=[1]), "not a tensor of dtype float32_ref"),
        (proto_of(types_pb2.DT_FLOAT, -1, float_val=[1]), "fully known"),
        (proto_of(types_pb2.DT_FLOAT, *[1] * 255, float_val=[1]), "254 dimensions"),
        (proto_of(types_pb2.DT_FLOAT, 2**40, float_val=[1]), "more than allowed"),
        (proto_of(types_pb2.DT_STRING, 2**62, 2**62), "more than allowed"),
        (proto_of(types_pb2.DT_HALF, 2**40), "more than allowed"),
        (proto_of(types_pb2.DT_FLOAT, *[1] * 65, float_val=[1]), "than an array can have"),
        (proto_of(types_pb2.DT_STRING, *[1] * 65), "than an array can have"),
        (proto_of(types_pb2.DT_BOOL, *[1] * 65, tensor_content=b"\1"), "than an array can have"),
        (proto_of(types_pb2.DT_INT64, 0, 2**62, 2**62), "than an array can have"),
    ],
)
def test_a_malformed_proto_is_refused(proto: tensor_pb2.TensorProto, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=f"tensor parsing error: x: .*{reason}"):
        read(proto)


def test_a_shape_of_unknown_rank_is_refused() -> None:
    proto = proto_of(types_pb2.DT_FLOAT)
    proto.tensor_shape.unknown_rank = True
    with pytest.raises(InvalidInputError, match="fully known"):
        read(proto)


@given(
    dtype=st.integers(-5, 130),
    shape=st.lists(st.integers(-2, 5), max_size=3),
    content=st.binary(max_size=16),
    floats=st.lists(st.floats(width=32), max_size=3),
    ints=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
    strings=st.lists(st.binary(max_size=4), max_size=3),
)
def test_any_proto_is_read_or_refused(
    dtype: int,
    shape: list[int],
    content: bytes,
    floats: list[float],
    ints: list[int],
    strings: list[bytes],
) -> None:
    proto = proto_of(
        dtype, *shape, tensor_content=content, float_val=floats, int_val=ints, string_val=strings
    )
    try:
        array = read(proto)
    except InvalidInputError as error:
        assert str(error).startswith("tensor parsing error: x: ")
    else:
        assert array.shape == tuple(shape)
