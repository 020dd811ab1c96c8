"""Tensors to and from `TensorProto`, TensorFlow Serving's way.

Requests are read as `Tensor::FromProto` reads them (`tensorflow/core/framework/tensor.cc`):
fewer values than elements repeat the last one, none at all mean zeros or empty strings. Answers
are written as `Tensor::AsProtoField` does: values stand in `float_val`, `int64_val`,
`string_val`..., where clients look for them, not in `tensor_content`.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2

from lstm_sentiment.errors import InvalidInputError

# A few bytes of TensorProto can claim any shape; more implied elements than this are refused.
_MAX_IMPLIED_ELEMENTS = 1 << 24

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


def tensor_from_proto(proto: tensor_pb2.TensorProto, name: str) -> Any:
    """Reads a tensor sent by a client.

    Args:
        proto: What was sent.
        name: The input's name, for the message.

    Returns:
        `np.ndarray` for numbers and booleans, `tf.Tensor` for strings and rarer types; of the
        proto's shape and dtype.

    Raises:
        InvalidInputError: If the proto contradicts itself or holds an unknown dtype.
    """
    shape = _shape_from_proto(proto, name)
    if proto.dtype == types_pb2.DT_STRING and not proto.tensor_content:
        values = _filled(list(proto.string_val), math.prod(shape), b"", name)
        return tf.constant(values, dtype=tf.string, shape=shape)
    dtype = _dtype_from_proto(proto, name)
    if dtype not in _VALUE_FIELDS:
        return _parsed_by_tensorflow(proto, dtype, shape, name)
    field, numpy_dtype = _VALUE_FIELDS[dtype]
    if proto.tensor_content:
        return _array_from_content(proto.tensor_content, numpy_dtype, shape, name)
    values = _filled(list(getattr(proto, field)), math.prod(shape), 0, name)
    try:
        return np.array(values, dtype=numpy_dtype).reshape(shape)
    except OverflowError:
        raise _parsing_error(name, f"a value is out of range of {dtype.name}") from None


def tensor_to_proto(tensor: Any) -> tensor_pb2.TensorProto:
    """Writes a `tf.Tensor` for a client, values in the field of its dtype.

    Args:
        tensor: An eager tensor of any shape and any dtype with a wire form.

    Returns:
        Its `TensorProto`.
    """
    dtype = tensor.dtype
    if dtype != tf.string and dtype not in _VALUE_FIELDS:
        return tf.make_tensor_proto(np.asarray(tensor.numpy()))
    array = tensor.numpy()
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    proto.tensor_shape.SetInParent()
    for size in np.shape(array):
        proto.tensor_shape.dim.add(size=size)
    # The numpy value of a scalar string tensor is plain bytes.
    values = [array] if isinstance(array, bytes) else array.ravel().tolist()
    field = "string_val" if dtype == tf.string else _VALUE_FIELDS[dtype][0]
    getattr(proto, field).extend(values)
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


def _filled(values: list[Any], count: int, default: Any, name: str) -> list[Any]:
    if len(values) > count:
        raise _parsing_error(name, f"{len(values)} values were sent for {count} elements")
    missing = count - len(values)
    if missing:
        _check_implied_elements(missing, name)
        values.extend([values[-1] if values else default] * missing)
    return values


def _array_from_content(
    content: bytes, dtype: Any, shape: tuple[int, ...], name: str
) -> NDArray[Any]:
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    if len(content) != expected:
        raise _parsing_error(
            name, f"`tensor_content` must hold {expected} bytes. Received: {len(content)} bytes"
        )
    return np.frombuffer(content, dtype=dtype).reshape(shape)


def _parsed_by_tensorflow(
    proto: tensor_pb2.TensorProto, dtype: Any, shape: tuple[int, ...], name: str
) -> Any:
    if dtype in (tf.resource, tf.variant):
        raise _parsing_error(name, f"dtype {dtype.name} cannot be sent")
    if not proto.tensor_content:
        _check_implied_elements(math.prod(shape), name)
    try:
        return tf.io.parse_tensor(proto.SerializeToString(), dtype)
    except (tf.errors.OpError, TypeError, ValueError):
        raise _parsing_error(name, f"not a tensor of dtype {dtype.name}") from None


def _check_implied_elements(count: int, name: str) -> None:
    if count > _MAX_IMPLIED_ELEMENTS:
        raise _parsing_error(
            name, f"the shape names {count} elements without a value, more than allowed"
        )


def _parsing_error(name: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"tensor parsing error: {name}: {reason}.")
