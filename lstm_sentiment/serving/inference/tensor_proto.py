"""Arrays to and from `TensorProto`, as TensorFlow Serving converts them.

Requests are read like `Tensor::FromProto` (`tensorflow/core/framework/tensor.cc`): fewer values
than elements repeat the last one, none at all mean zeros or empty strings. Answers are written like
`Tensor::AsProtoField`: values stand in `float_val`, `int64_val`, `string_val`..., where clients
look for them, not in `tensor_content`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.servable import Array

# A few bytes of TensorProto can claim any shape; more implied elements than this are refused.
_MAX_IMPLIED_ELEMENTS = 1 << 20

_VALUE_FIELDS: dict[Any, tuple[str, Any]] = {
    tf.float32: ("float_val", np.float32),
    tf.float64: ("double_val", np.float64),
    tf.int64: ("int64_val", np.int64),
    tf.int32: ("int_val", np.int32),
    tf.int16: ("int_val", np.int16),
    tf.int8: ("int_val", np.int8),
    tf.uint16: ("int_val", np.uint16),
    tf.uint8: ("int_val", np.uint8),
    tf.uint32: ("uint32_val", np.uint32),
    tf.uint64: ("uint64_val", np.uint64),
    tf.bool: ("bool_val", np.bool_),
}

_FIELDS_BY_ARRAY = {
    np.dtype(numpy_dtype): (field, dtype.as_datatype_enum)
    for dtype, (field, numpy_dtype) in _VALUE_FIELDS.items()
} | {np.dtype(object): ("string_val", types_pb2.DT_STRING)}


def tensor_from_proto(proto: tensor_pb2.TensorProto, name: str) -> Array:
    """Reads a tensor that a client sent.

    Args:
        proto: The tensor.
        name: The input's name, for the error message.

    Returns:
        An array of the proto's shape and dtype; strings are bytes in an array of objects.

    Raises:
        InvalidInputError: If the proto contradicts itself or has an unknown dtype.
    """
    shape = _shape_from_proto(proto, name)
    values = _values_from_proto(proto, shape, name)
    try:
        return values.reshape(shape)
    except ValueError:
        # NumPy counts the elements that an empty array would have if its zeros were ones.
        raise _parsing_error(
            name, "the shape has more dimensions or elements than an array can have"
        ) from None


def write_tensor(array: Array, proto: tensor_pb2.TensorProto) -> None:
    """Writes an array into a `TensorProto`, values in the field of its dtype.

    Args:
        array: An array of any shape and any dtype with a wire form; strings are bytes in an array
            of objects.
        proto: An empty message.
    """
    if array.dtype not in _FIELDS_BY_ARRAY:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    field, proto.dtype = _FIELDS_BY_ARRAY[array.dtype]
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())


def _shape_from_proto(proto: tensor_pb2.TensorProto, name: str) -> tuple[int, ...]:
    shape: tensor_shape_pb2.TensorShapeProto = proto.tensor_shape
    sizes = [dim.size for dim in shape.dim]
    if shape.unknown_rank or min(sizes, default=0) < 0 or len(sizes) > 254:
        raise _parsing_error(name, "the shape must be fully known, of at most 254 dimensions")
    return tuple(sizes)


def _values_from_proto(proto: tensor_pb2.TensorProto, shape: tuple[int, ...], name: str) -> Array:
    if proto.dtype == types_pb2.DT_STRING and not proto.tensor_content:
        return _filled(proto.string_val, np.dtype(object), shape, name)
    dtype = _dtype_from_proto(proto, name)
    if dtype not in _VALUE_FIELDS:
        return _parsed_by_tensorflow(proto, dtype, shape, name)
    field, numpy_dtype = _VALUE_FIELDS[dtype]
    if proto.tensor_content:
        return _array_from_content(proto.tensor_content, numpy_dtype, shape, name)
    try:
        return _filled(getattr(proto, field), np.dtype(numpy_dtype), shape, name)
    except OverflowError:
        raise _parsing_error(name, f"a value is out of range of {dtype.name}") from None


def _dtype_from_proto(proto: tensor_pb2.TensorProto, name: str) -> Any:
    try:
        return tf.as_dtype(proto.dtype)
    except TypeError:
        raise _parsing_error(name, f"unknown dtype {proto.dtype}") from None


def _filled(sent: Sequence[Any], dtype: Any, shape: tuple[int, ...], name: str) -> Array:
    values, count = list(sent), math.prod(shape)
    if len(values) > count:
        raise _parsing_error(name, f"{len(values)} values were sent for {count} elements")
    if count - len(values) > _MAX_IMPLIED_ELEMENTS:
        raise _too_many_implied(count - len(values), name)
    array = np.empty(count, dtype)
    # Given the list itself, NumPy would drop zeros at the ends of bytes.
    array[: len(values)] = values
    array[len(values) :] = values[-1] if values else b"" if dtype.hasobject else 0
    return array


def _array_from_content(content: bytes, dtype: Any, shape: tuple[int, ...], name: str) -> Array:
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    if len(content) != expected:
        raise _parsing_error(
            name, f"`tensor_content` must hold {expected} bytes. Received: {len(content)} bytes"
        )
    return np.frombuffer(content, dtype=dtype)


def _parsed_by_tensorflow(
    proto: tensor_pb2.TensorProto, dtype: Any, shape: tuple[int, ...], name: str
) -> Any:
    if dtype in (tf.resource, tf.variant):
        raise _parsing_error(name, f"dtype {dtype.name} cannot be sent")
    if not proto.tensor_content and math.prod(shape) > _MAX_IMPLIED_ELEMENTS:
        raise _too_many_implied(math.prod(shape), name)
    try:
        value = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
        return np.array(value, dtype=object if dtype == tf.string else None)
    except (tf.errors.OpError, TypeError, ValueError):
        raise _parsing_error(name, f"not a tensor of dtype {dtype.name}") from None


def _too_many_implied(count: int, name: str) -> InvalidInputError:
    return _parsing_error(
        name, f"the shape names {count} elements without a value, more than allowed"
    )


def _parsing_error(name: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"tensor parsing error: {name}: {reason}.")
