"""Arrays to and from `TensorProto`, as TensorFlow Serving converts them.

Tensors are read like `Tensor::FromProto` (`tensorflow/core/framework/tensor.cc`): fewer values
than elements repeat the last one, none at all mean zeros or empty strings; of more values the first
are taken, and integers that are too wide for their type lose their upper bits. They are written
like `Tensor::AsProtoField`: values stand in `float_val`, `int64_val`, `string_val`..., where
clients look for them, not in `tensor_content`.
"""

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import BOOL, STRING, DType, dtype_of, dtype_of_array
from lstm_sentiment.protocol.tensor_pb2 import TensorProto, TensorShapeProto

Array = NDArray[Any]

MAX_IMPLIED_ELEMENTS = 1 << 20
"""A few bytes of TensorProto can claim any shape; more implied elements than this are refused."""

_MAX_DIMENSIONS = 254
# Other threads can take turns between parts of so many elements, some milliseconds each.
_PART = 1 << 15
_STRING = STRING.number
_WRITTEN_AS_THEY_ARE = frozenset(map(np.dtype, ("float32", "float64", "int64", "bool", "object")))


class _Form(NamedTuple):
    """The place of a dtype's elements in a message.

    Attributes:
        field: Name of the field of values.
        entry: NumPy dtype of an entry of the field, where entries are the bits or the parts of
            elements; `None` where they are the elements.
    """

    field: str
    entry: Any = None

    @property
    def is_narrowed(self) -> bool:
        """True if entries come as integers of 32 bits, of which elements keep the lower ones."""
        return self.field in ("int_val", "half_val")


_FORMS = {
    "float32": _Form("float_val"),
    "float64": _Form("double_val"),
    "int64": _Form("int64_val"),
    "uint32": _Form("uint32_val"),
    "uint64": _Form("uint64_val"),
    "bool": _Form("bool_val"),
    "string": _Form("string_val"),
    "complex64": _Form("scomplex_val", np.float32),
    "complex128": _Form("dcomplex_val", np.float64),
    **dict.fromkeys(("int32", "int16", "int8", "uint16", "uint8"), _Form("int_val")),
    "qint32": _Form("int_val", np.int32),
    "qint16": _Form("int_val", np.int16),
    "qint8": _Form("int_val", np.int8),
    "quint16": _Form("int_val", np.uint16),
    "quint8": _Form("int_val", np.uint8),
    **dict.fromkeys(("int4", "int2"), _Form("int_val", np.int8)),
    **dict.fromkeys(("uint4", "uint2"), _Form("int_val", np.uint8)),
    **dict.fromkeys(("float16", "bfloat16"), _Form("half_val", np.uint16)),
    **dict.fromkeys(
        (
            "float8_e5m2",
            "float8_e4m3fn",
            "float8_e4m3fnuz",
            "float8_e4m3b11fnuz",
            "float8_e5m2fnuz",
            "float4_e2m1fn",
        ),
        _Form("float8_val", np.uint8),
    ),
}


class Claim(NamedTuple):
    """The description in a `TensorProto`, before an element is made.

    Attributes:
        shape: The size of each dimension.
        dtype: The dtype.
        implied: Elements of that shape for which the proto holds no value.
    """

    shape: tuple[int, ...]
    dtype: DType
    implied: int


def plain_texts(proto: TensorProto) -> Array | None:
    """Reads texts as most requests have them: a value for each element of one dimension.

    Returns:
        Bytes in an array of objects; `None` for a tensor of any other form, see `read_tensor`.
    """
    if proto.dtype == _STRING and not proto.tensor_content:
        dims = proto.tensor_shape.dim
        if len(dims) == 1 and 0 < dims[0].size == len(proto.string_val) <= _PART:
            return _texts(proto)
    return None


def claim_of(proto: TensorProto) -> Claim:
    """Reads what a tensor claims to be, which takes no memory to speak of.

    Raises:
        InvalidInputError: If the shape is not known, or the dtype is not. The message is what is
            wrong, without an end.
    """
    shape = _known_shape_of(proto)
    dtype = dtype_of(proto.dtype)
    if dtype is None:
        raise InvalidInputError(f"unknown dtype {proto.dtype}")
    form, count = _FORMS.get(dtype.name), math.prod(shape)
    if form is None or proto.tensor_content or not count:
        return Claim(shape, dtype, 0)
    held = len(getattr(proto, form.field)) // _parts(dtype, form)
    return Claim(shape, dtype, max(0, count - held))


def read_tensor(proto: TensorProto) -> Array:
    """Reads a tensor.

    Returns:
        An array of the proto's shape and dtype; strings are bytes in an array of objects.

    Raises:
        InvalidInputError: If the proto contradicts itself or has an unknown dtype. The message is
            what is wrong, without an end.
    """
    texts = plain_texts(proto)
    return read_claimed(proto, claim_of(proto)) if texts is None else texts


def read_claimed(proto: TensorProto, claim: Claim) -> Array:
    """Reads a tensor whose claim is known; the rest is that of `read_tensor`."""
    values = _values_of(proto, claim.dtype, math.prod(claim.shape))
    try:
        return values.reshape(claim.shape)
    except ValueError:
        # NumPy counts the elements that an empty array would have if its zeros were ones.
        raise InvalidInputError(
            "the shape has more dimensions or elements than an array can have"
        ) from None


def write_tensor(array: Array, proto: TensorProto) -> None:
    """Writes an array into a `TensorProto`.

    Args:
        array: Of any shape; strings are bytes in an array of objects.
        proto: An empty message.

    Raises:
        TypeError: If the array's dtype is none of TensorFlow's.
    """
    dtype = dtype_of_array(array.dtype)
    if dtype is None:
        raise TypeError(f"tensors have no dtype {array.dtype}")
    form = _FORMS[dtype.name]
    proto.MergeFromString(_serialized_head(dtype.number, array.shape))
    if array.dtype in _WRITTEN_AS_THEY_ARE and array.size <= _PART:
        getattr(proto, form.field).extend(array.ravel().tolist())
        return
    if array.dtype.kind == "U":
        array = np.char.encode(array, "utf-8")
    elif not array.dtype.isnative:
        array = array.astype(dtype.numpy)
    if form.field == "float8_val":
        proto.float8_val = array.tobytes()
        return
    entries = array.ravel()
    if form.entry is not None:
        is_integer = form.field == "int_val" and not dtype.is_quantized
        entries = entries.astype(form.entry) if is_integer else entries.view(form.entry)
    values = getattr(proto, form.field)
    for at in range(0, entries.size, _PART):
        values.extend(entries[at : at + _PART].tolist())


# The answers of a server have few shapes.
@lru_cache(maxsize=256)
def _serialized_head(number: int, shape: tuple[int, ...]) -> bytes:
    """Serializes a tensor's dtype and shape without its values."""
    head = TensorProto(dtype=number)  # type: ignore[arg-type]
    head.tensor_shape.SetInParent()
    for size in shape:
        head.tensor_shape.dim.add(size=size)
    return head.SerializeToString()


def shape_of(proto: TensorShapeProto) -> tuple[int | None, ...] | None:
    """Returns the size of each dimension, `None` for any size; `None` for any rank."""
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in proto.dim)


def _texts(proto: TensorProto) -> Array:
    values = np.empty(len(proto.string_val), object)
    values[:] = list(proto.string_val)
    return values


def _known_shape_of(proto: TensorProto) -> tuple[int, ...]:
    # `unknown_rank` is not looked at: with it, there are no dimensions.
    dims = proto.tensor_shape.dim
    sizes = [dim.size for dim in dims] if len(dims) <= _MAX_DIMENSIONS else []
    if len(dims) > _MAX_DIMENSIONS or min(sizes, default=0) < 0:
        raise InvalidInputError(
            f"the shape must be fully known, of at most {_MAX_DIMENSIONS} dimensions"
        )
    return tuple(sizes)


def _values_of(proto: TensorProto, dtype: DType, count: int) -> Array:
    form = _FORMS.get(dtype.name)
    if form is None:
        if dtype.name in ("resource", "variant"):
            raise InvalidInputError(f"dtype {dtype.name} cannot be sent")
        raise _not_a_tensor(dtype)
    if not count:
        return np.empty(0, dtype.numpy)
    if not proto.tensor_content:
        return _filled(getattr(proto, form.field), dtype, form, count)
    if dtype == STRING:
        strings = _strings_of(proto.tensor_content, count)
        array = np.empty(count, object)
        array[:] = strings
        return array
    expected, size = count * dtype.numpy.itemsize, len(proto.tensor_content)
    if size == expected:
        values = np.frombuffer(proto.tensor_content, dtype.numpy)
        if dtype == BOOL and (values.view(np.uint8) > 1).any():
            raise _not_a_tensor(dtype)
        return values
    if form.entry is not None:
        raise _not_a_tensor(dtype)
    raise InvalidInputError(f"`tensor_content` must hold {expected} bytes. Received: {size} bytes")


def _filled(sent: Sequence[Any], dtype: DType, form: _Form, count: int) -> Array:
    """Makes `count` elements of the first entries that were sent; the last one is repeated."""
    entry = dtype.numpy if form.entry is None else np.dtype(form.entry)
    parts = _parts(dtype, form)
    here = min(len(sent) // parts, count)
    if count - here > MAX_IMPLIED_ELEMENTS:
        raise InvalidInputError(
            f"the shape names {count - here} elements without a value, more than allowed"
        )
    array, size = np.empty(count * parts, entry), here * parts
    for at in range(0, size, _PART):
        values: Any = list(sent[at : min(at + _PART, size)])
        # Made of the list itself, an array would lose zeros at the ends of bytes.
        array[at : at + len(values)] = np.array(values, np.int32) if form.is_narrowed else values
    if here < count:
        rows = array.reshape(count, parts)
        rows[here:] = rows[here - 1] if here else (b"" if entry.hasobject else 0)
    return array if form.entry is None else array.view(dtype.numpy)


def _parts(dtype: DType, form: _Form) -> int:
    """Returns the entries of an element: 2 of a complex number."""
    return 1 if form.entry is None else dtype.numpy.itemsize // np.dtype(form.entry).itemsize


def _strings_of(content: bytes, count: int) -> list[bytes]:
    """Reads the lengths of all strings, varints of at most 32 bits, then the strings.

    `DecodeStringList` of `tensorflow/core/platform/coding.cc`.
    """
    lengths, at = [], 0
    for _ in range(count):
        length, at = _varint(content, at)
        lengths.append(length)
    if at + sum(lengths) != len(content):
        raise _not_a_tensor(STRING)
    ends = itertools.accumulate(lengths, initial=at)
    return [content[start:end] for start, end in itertools.pairwise(ends)]


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        if at == len(content):
            break
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFF, at
    raise _not_a_tensor(STRING)


def _not_a_tensor(dtype: DType) -> InvalidInputError:
    return InvalidInputError(f"not a tensor of dtype {dtype.name}")
