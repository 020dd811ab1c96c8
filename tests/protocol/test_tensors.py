from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol import tensor_pb2
from lstm_sentiment.protocol.tensors import write_tensor
from lstm_sentiment.serving.inference.tensor_proto import tensor_from_proto

DTYPES = [tf.float32, tf.float64, tf.int64, tf.int32, tf.int16, tf.int8, tf.uint8, tf.uint16]
DTYPES += [tf.uint32, tf.uint64, tf.bool, tf.float16, tf.bfloat16, tf.complex64, tf.complex128]
DTYPES += [tf.dtypes.experimental.int4, tf.dtypes.experimental.uint4]
DTYPES += [tf.dtypes.experimental.float8_e5m2, tf.dtypes.experimental.float8_e4m3fn]


def read(proto: Any) -> Any:
    """The tensor as a request's input, from a message of either package."""
    return tensor_from_proto(tensor_pb2.TensorProto.FromString(proto.SerializeToString()), "x")


def written(array: Any) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto()
    write_tensor(array, proto)
    return proto


def proto_of(dtype: int, *shape: int, **values: Any) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto(dtype=dtype, **values)  # type: ignore[arg-type]
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def of_unknown_rank(dtype: int, *shape: int, **values: Any) -> tensor_pb2.TensorProto:
    proto = proto_of(dtype, *shape, **values)
    proto.tensor_shape.unknown_rank = True
    return proto


def dtype_of_objects(proto: tensor_pb2.TensorProto) -> type[object] | None:
    return object if proto.dtype == tensor_pb2.DT_STRING else None


def array_of(dtype: Any, shape: tuple[int, ...]) -> Any:
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape) - 1
    return np.asarray(numbers % 7 - 1).astype(dtype.as_numpy_dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 4)])
def test_numbers_survive_the_way_there_and_back(dtype: Any, shape: tuple[int, ...]) -> None:
    array = array_of(dtype, shape)
    for proto in (tf.make_tensor_proto(array), written(array)):
        back = read(proto)
        assert back.dtype == dtype.as_numpy_dtype
        assert back.shape == shape
        assert np.array_equal(back, array)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 4)])
def test_tensorflow_reads_what_is_written(dtype: Any, shape: tuple[int, ...]) -> None:
    array = array_of(dtype, shape)
    serialized = written(array).SerializeToString()
    assert np.array_equal(tf.io.parse_tensor(serialized, dtype).numpy(), array)
    assert not written(array).tensor_content


def test_arrays_in_the_other_byte_order_and_of_text_are_written() -> None:
    numbers = np.array([[1, 2]], ">i4")
    assert written(numbers) == written(numbers.astype("<i4"))
    assert list(written(np.array(["很", "a"])).string_val) == ["很".encode(), b"a"]


def test_an_array_that_is_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match="tensors have no dtype datetime64"):
        written(np.array([0], "M8[s]"))


@given(
    number=st.integers(1, 33).filter(lambda n: n not in (tf.resource, tf.variant)),
    shape=st.lists(st.integers(0, 3), max_size=3),
    values=st.fixed_dictionaries(
        {},
        optional={
            "half_val": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
            "float8_val": st.binary(max_size=3),
            "string_val": st.lists(st.binary(max_size=3), max_size=3),
            "tensor_content": st.binary(max_size=8),
            **{
                name: st.lists(strategy, max_size=4)
                for name, strategy in {
                    "int_val": st.integers(-(2**31), 2**31 - 1),
                    "int64_val": st.integers(-(2**63), 2**63 - 1),
                    "uint32_val": st.integers(0, 2**32 - 1),
                    "uint64_val": st.integers(0, 2**64 - 1),
                    "float_val": st.floats(width=32),
                    "double_val": st.floats(),
                    "scomplex_val": st.floats(width=32),
                    "dcomplex_val": st.floats(),
                    "bool_val": st.booleans(),
                }.items()
            },
        },
    ),
)
@settings(max_examples=400)
def test_tensors_are_read_as_tensorflow_reads_them(
    number: int, shape: list[int], values: dict[str, Any]
) -> None:
    assert_read_alike(proto_of(number, *shape, **values))


NUMBERS = [n for n in range(1, 34) if n not in (tf.resource, tf.variant)]
VALUE_FIELDS = [
    field.name
    for field in tensor_pb2.TensorProto.DESCRIPTOR.fields
    if field.name.endswith("_val") and field.name not in ("resource_handle_val", "variant_val")
]
# `make_tensor_proto` refuses these; tests/serving/saved_model/test_every_dtype.py has them.
WITHOUT_PROTO = ("float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz")


@given(
    number=st.sampled_from([n for n in NUMBERS if tf.as_dtype(n).name not in WITHOUT_PROTO]),
    integers=st.lists(st.integers(-3, 3), max_size=5),
)
def test_several_values_are_written_as_tensorflow_writes_each(
    number: int, integers: list[int]
) -> None:
    dtype = tf.as_dtype(number)
    if dtype == tf.string:
        array = np.array([b"a" * (n + 3) for n in integers], object)
    else:
        array = np.array(integers, int).astype(dtype.as_numpy_dtype)
    each = [tf.make_tensor_proto(value, dtype, []) for value in array]
    proto = written(array)
    assert (proto.dtype, [dim.size for dim in proto.tensor_shape.dim]) == (number, [len(array)])
    assert not proto.tensor_content
    for name in VALUE_FIELDS:
        values = [getattr(scalar, name) for scalar in each]
        if name == "float8_val":
            assert proto.float8_val == b"".join(values)
        else:
            assert list(getattr(proto, name)) == [one for some in values for one in some]


@given(
    number=st.sampled_from(NUMBERS),
    shape=st.lists(st.integers(0, 3), max_size=2),
    surplus=st.sampled_from([0, 0, 0, -1, 1]),
    data=st.data(),
)
@settings(max_examples=300)
def test_the_content_is_read_as_tensorflow_reads_it(
    number: int, shape: list[int], surplus: int, data: st.DataObject
) -> None:
    dtype, count = tf.as_dtype(number), int(np.prod(shape))
    if dtype == tf.string:
        lengths = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
        content = bytes(lengths) + bytes(97 + n % 26 for n in range(sum(lengths) + surplus))
    else:
        size = count * dtype.size + surplus
        bytes_of = st.integers(0, 1 if dtype == tf.bool and data.draw(st.booleans()) else 255)
        content = bytes(data.draw(st.lists(bytes_of, min_size=max(size, 0), max_size=max(size, 0))))
    assert_read_alike(proto_of(number, *shape, tensor_content=content))


def assert_read_alike(proto: tensor_pb2.TensorProto) -> None:
    dtype = tf.as_dtype(proto.dtype)
    try:
        ours = read(proto)
    except InvalidInputError:
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.io.parse_tensor(proto.SerializeToString(), dtype)
        return
    theirs = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
    assert ours.shape == np.shape(theirs)
    if dtype == tf.string:
        assert ours.ravel().tolist() == np.array(theirs, object).ravel().tolist()
    else:
        assert ours.dtype == dtype.as_numpy_dtype
        assert ours.tobytes() == theirs.tobytes()


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
        (proto_of(tensor_pb2.DT_INT64, 2, 3, int64_val=[7]), [[7, 7, 7], [7, 7, 7]]),
        (proto_of(tensor_pb2.DT_FLOAT, 3, float_val=[1, 2]), [1, 2, 2]),
        (proto_of(tensor_pb2.DT_FLOAT, 2), [0, 0]),
        (proto_of(tensor_pb2.DT_STRING, 3, string_val=[b"a"]), [b"a", b"a", b"a"]),
        (proto_of(tensor_pb2.DT_STRING, 2, string_val=[b"a\0"]), [b"a\0", b"a\0"]),
        (proto_of(tensor_pb2.DT_STRING, 1), [b""]),
        (proto_of(tensor_pb2.DT_HALF, 2), [0, 0]),
        (proto_of(tensor_pb2.DT_COMPLEX64, 2, scomplex_val=[1, 2]), [1 + 2j, 1 + 2j]),
        (proto_of(tensor_pb2.DT_STRING, 3, tensor_content=b"\0\x81\0\1ab"), [b"", b"a", b"b"]),
        (proto_of(tensor_pb2.DT_INT4, 2, int_val=[-3]), [-3, -3]),
        (proto_of(tensor_pb2.DT_FLOAT, 1, float_val=[1, 2]), [1]),
        (proto_of(tensor_pb2.DT_STRING, 1, string_val=[b"a", b"b"]), [b"a"]),
        (proto_of(tensor_pb2.DT_STRING, 0, string_val=[b"a"]), []),
        (proto_of(tensor_pb2.DT_FLOAT, 0, tensor_content=b"abcde"), []),
        (proto_of(tensor_pb2.DT_FLOAT, 2, int_val=[3]), [0, 0]),
        (proto_of(tensor_pb2.DT_FLOAT, 1, float_val=[1], tensor_content=b"\0\0\0\x40"), [2]),
        (proto_of(tensor_pb2.DT_COMPLEX64, 2, scomplex_val=[1, 2, 3]), [1 + 2j, 1 + 2j]),
        (proto_of(tensor_pb2.DT_COMPLEX64, 1, scomplex_val=[1]), [0]),
        (proto_of(tensor_pb2.DT_INT8, 1, int_val=[300]), [44]),
        (proto_of(tensor_pb2.DT_UINT8, 2, int_val=[-2]), [254, 254]),
        (proto_of(tensor_pb2.DT_INT16, 1, int_val=[70000]), [4464]),
        (proto_of(tensor_pb2.DT_HALF, 2, half_val=[2**16 + 15360, -1 << 14]), [1, -2]),
        (of_unknown_rank(tensor_pb2.DT_STRING, string_val=[b"a", b"b"]), b"a"),
        (of_unknown_rank(tensor_pb2.DT_FLOAT), 0),
        (of_unknown_rank(tensor_pb2.DT_FLOAT, 2, float_val=[1, 2]), [1, 2]),
    ],
)
def test_values_are_left_out_and_added_as_in_tensorflow(
    proto: tensor_pb2.TensorProto, expected: list[Any]
) -> None:
    in_tensorflow = tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(proto.dtype))
    assert np.asarray(in_tensorflow.numpy(), dtype_of_objects(proto)).tolist() == expected
    assert read(proto).tolist() == expected


@pytest.mark.parametrize(
    ("proto", "reason"),
    [
        (proto_of(tensor_pb2.DT_FLOAT, 2, tensor_content=b"abc"), "must hold 8 bytes"),
        (proto_of(tensor_pb2.DT_STRING, 2, tensor_content=b"abc"), "not a tensor of dtype string"),
        (proto_of(tensor_pb2.DT_HALF, 2, tensor_content=b"abc"), "not a tensor of dtype float16"),
        (
            proto_of(tensor_pb2.DT_STRING, 2**40, tensor_content=b"\1"),
            "not a tensor of dtype string",
        ),
        (proto_of(tensor_pb2.DT_BOOL, 1, tensor_content=b"\2"), "not a tensor of dtype bool"),
        (proto_of(tensor_pb2.DT_INVALID, 1), "unknown dtype 0"),
        (proto_of(99, 1), "unknown dtype 99"),
        (proto_of(tensor_pb2.DT_RESOURCE, 1), "dtype resource cannot be sent"),
        (proto_of(tensor_pb2.DT_VARIANT, 1), "dtype variant cannot be sent"),
        (proto_of(tensor_pb2.DT_FLOAT_REF, 1, float_val=[1]), "not a tensor of dtype float32_ref"),
        (proto_of(tensor_pb2.DT_FLOAT, -1, float_val=[1]), "fully known"),
        (proto_of(tensor_pb2.DT_FLOAT, *[1] * 255, float_val=[1]), "254 dimensions"),
        (proto_of(tensor_pb2.DT_FLOAT, 2**40, float_val=[1]), "more than allowed"),
        (proto_of(tensor_pb2.DT_STRING, 2**62, 2**62), "more than allowed"),
        (proto_of(tensor_pb2.DT_HALF, 2**40), "more than allowed"),
        (proto_of(tensor_pb2.DT_FLOAT, *[1] * 65, float_val=[1]), "than an array can have"),
        (proto_of(tensor_pb2.DT_STRING, *[1] * 65), "than an array can have"),
        (proto_of(tensor_pb2.DT_BOOL, *[1] * 65, tensor_content=b"\1"), "than an array can have"),
        (proto_of(tensor_pb2.DT_INT64, 0, 2**62, 2**62), "than an array can have"),
    ],
)
def test_a_malformed_proto_is_refused(proto: tensor_pb2.TensorProto, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=f"tensor parsing error: x: .*{reason}"):
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
