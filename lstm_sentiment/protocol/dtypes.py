"""The element types of tensors: `DataType` of the protocol, NumPy's dtype, TensorFlow's name.

After `tensorflow/python/framework/dtypes.py`. NumPy's dtypes of bfloat16 and of the floats and
integers of 8 bits and fewer are those of the package `ml_dtypes`, which is imported when the first
of them is needed.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from lstm_sentiment.protocol import tensor_pb2

# A reference type's number is its type's plus this; its name ends in `_ref`.
_REFERENCE_OFFSET = 100

_NAMES: dict[int, str] = {
    tensor_pb2.DT_FLOAT: "float32",
    tensor_pb2.DT_DOUBLE: "float64",
    tensor_pb2.DT_HALF: "float16",
}

_QUANTIZED = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
}
_WITHOUT_NUMPY = ("resource", "variant")


@dataclass(frozen=True)
class DType:
    """An element type of tensors.

    Attributes:
        number: Its number in `DataType`.
        name: The name that TensorFlow prints, such as `int64` or `string`.
    """

    number: int
    name: str

    @property
    def enum_name(self) -> str:
        """The name in `DataType`, such as `DT_INT64`."""
        return tensor_pb2.DataType.Name(self.number)

    @property
    def is_quantized(self) -> bool:
        """True if the elements stand for other numbers, as those of `qint8`."""
        return self.name.removesuffix("_ref") in _QUANTIZED

    @cached_property
    def numpy(self) -> "np.dtype[Any]":
        """NumPy's dtype: `object` for strings.

        As in TensorFlow, a quantized type is a record of the integer behind it, under the type's
        name: arrays of it can be distinguished from arrays of integers.

        Raises:
            TypeError: If there is none, as of a `resource`.
        """
        name = self.name.removesuffix("_ref")
        if name in _WITHOUT_NUMPY:
            raise TypeError(f"tensors of dtype {self.name} have no NumPy form")
        if name in _QUANTIZED:
            return np.dtype([(name, _QUANTIZED[name])])
        try:
            return np.dtype("object" if name == "string" else name)
        except TypeError:
            import ml_dtypes

            return np.dtype(getattr(ml_dtypes, name))

    def __str__(self) -> str:
        """Returns the name."""
        return self.name


def _all_dtypes() -> dict[int, DType]:
    dtypes = {}
    for name, number in tensor_pb2.DataType.items():
        if name == "DT_INVALID":
            continue
        base = number % _REFERENCE_OFFSET
        short = _NAMES.get(base) or name.removeprefix("DT_").removesuffix("_REF").lower()
        dtypes[int(number)] = DType(number, short if base == number else f"{short}_ref")
    return dtypes


_DTYPES = _all_dtypes()

BOOL = _DTYPES[tensor_pb2.DT_BOOL]
FLOAT32 = _DTYPES[tensor_pb2.DT_FLOAT]
FLOAT64 = _DTYPES[tensor_pb2.DT_DOUBLE]
INT32 = _DTYPES[tensor_pb2.DT_INT32]
INT64 = _DTYPES[tensor_pb2.DT_INT64]
STRING = _DTYPES[tensor_pb2.DT_STRING]

_BY_NUMPY_NAME = {
    dtype.name: dtype
    for dtype in _DTYPES.values()
    if dtype.number < _REFERENCE_OFFSET and dtype.name not in ("string", *_WITHOUT_NUMPY)
}


def dtype_of(number: int) -> DType | None:
    """Returns the dtype of a number in `DataType`, `None` for 0 and for an unknown number."""
    return _DTYPES.get(number)


@lru_cache(maxsize=64)
def dtype_of_array(dtype: "np.dtype[Any]") -> DType | None:
    """Returns the dtype of an array, in either byte order; `None` where tensors have none.

    Arrays of objects, bytes and text count as strings.
    """
    if dtype.kind in "OSU":
        return STRING
    found = _BY_NUMPY_NAME.get(dtype.names[0] if dtype.names else dtype.name)
    # Types of other packages may have such a name too.
    return found if found is not None and found.numpy == dtype.newbyteorder("=") else None
