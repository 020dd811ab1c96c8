"""Arrays to and from `TensorProto`, TensorFlow Serving's way.

Requests are read as `Tensor::FromProto` reads them (`tensorflow/core/framework/tensor.cc`):
fewer values than elements repeat the last one, none at all mean zeros or empty strings. Answers
are written as `Tensor::AsProtoField` does: values stand in `float_val`, `int64_val`,
`string_val`..., where clients look for them, not in `tensor_content`.
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
    """Reads a tensor sent by a client.

    Args:
        proto: What was sent.
        name: The input's name, for the message.

    Returns:
        An array of the proto's shape and dtype; strings are bytes in an array of objects.

    Raises:
        InvalidInputError: If the proto contradicts itself or holds an unknown dtype.
    """
    shape = _shape_from_proto(proto, name)
    if proto.dtype == types_pb2.DT_STRING and not proto.tensor_content:
        return _reshaped(_filled(proto.string_val, np.dtype(object), shape, name), shape, name)
    dtype = _dtype_from_proto(proto, name)
    if dtype not in _VALUE_FIELDS:
        return _parsed_by_tensorflow(proto, dtype, shape, name)
    field, numpy_dtype = _VALUE_FIELDS[dtype]
    if proto.tensor_content:
        return _array_from_content(proto.tensor_content, numpy_dtype, shape, name)
    try:
        array = _filled(getattr(proto, field), np.dtype(numpy_dtype), shape, name)
    except OverflowError:
        raise _parsing_error(name, f"a value is out of range of {dtype.name}") from None
    return _reshaped(array, shape, name)


def tensor_to_proto(array: Array) -> tensor_pb2.TensorProto:
    """Writes an array for a client, values in the field of its dtype.

    Args:
        array: Of any shape and any dtype with a wire form; strings are bytes in an array of
            objects.

    Returns:
        Its `TensorProto`.
    """
    if array.dtype not in _FIELDS_BY_ARRAY:
        return tf.make_tensor_proto(array)
    field, dtype = _FIELDS_BY_ARRAY[array.dtype]
    proto = tensor_pb2.TensorProto(dtype=dtype)
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto


def _shape_from_proto(proto: tensor_pb2.TensorProto, name: str) -> tuple[int, ...]:
    shape: tensor_shape_pb2.TensorShapeProto = proto.tensor_shape
    dims = tuple(dim.size for dim in shape.dim)
    if shape.unknown_rank or any(size < 0 for size in dims) or len(dims) > 254:
        raise _parsing_error(name, "the shape must be fully known, of at most 254 dimensions")
    return dims


def _dtype_from_proto(proto: tensor_pb2.TensorProto, name: str) -> Any:
    try:
        return tf.as_dtype(proto.dtype)
    except TypeError:
        raise _parsing_error(name, f"unknown dtype {proto.dtype}") from None


def _filled(sent: Sequence[Any], dtype: Any, shape: tuple[int, ...], name: str) -> Array:
    values, count = list(sent), math.prod(shape)
    if len(values) > count:
        raise _parsing_error(name, f"{len(values)} values were sent for {count} elements")
    _check_implied_elements(count - len(values), name)
    array = np.empty(count, dtype)
    # Given the list itself, NumPy would drop zeros at the ends of bytes.
    array[: len(values)] = values
    array[len(values) :] = values[-1] if values else b"" if dtype.hasobject else 0
    return array


def _reshaped(array: Array, shape: tuple[int, ...], name: str) -> Array:
    try:
        return array.reshape(shape)
    except ValueError:
        # It counts the elements that an empty array would have if its zeros were ones.
        raise _parsing_error(
            name, "the shape has more dimensions or elements than an array can have"
        ) from None


def _array_from_content(content: bytes, dtype: Any, shape: tuple[int, ...], name: str) -> Array:
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    if len(content) != expected:
        raise _parsing_error(
            name, f"`tensor_content` must hold {expected} bytes. Received: {len(content)} bytes"
        )
    return _reshaped(np.frombuffer(content, dtype=dtype), shape, name)


def _parsed_by_tensorflow(
    proto: tensor_pb2.TensorProto, dtype: Any, shape: tuple[int, ...], name: str
) -> Any:
    if dtype in (tf.resource, tf.variant):
        raise _parsing_error(name, f"dtype {dtype.name} cannot be sent")
    if not proto.tensor_content:
        _check_implied_elements(math.prod(shape), name)
    try:
        value = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
        return np.array(value, dtype=object if dtype == tf.string else None)
    except (tf.errors.OpError, TypeError, ValueError):
        raise _parsing_error(name, f"not a tensor of dtype {dtype.name}") from None


def _check_implied_elements(count: int, name: str) -> None:
    if count > _MAX_IMPLIED_ELEMENTS:
        raise _parsing_error(
            name, f"the shape names {count} elements without a value, more than allowed"
        )


def _parsing_error(name: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"tensor parsing error: {name}: {reason}.")
