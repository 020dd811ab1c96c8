"""Converts single JSON values to and from the dtypes of tensors.

After `AddValueToTensor` and `AddSingleValueAndAdvance` in
`tensorflow_serving/util/json_tensor.cc`: a JSON `1.0` is not an integer; any number is a float, the
nearest there is, infinity included.
"""

import base64
import math
import re
import struct
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import BOOL, FLOAT32, FLOAT64, STRING, DType, dtype_of_array
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.rest_api.json_text.json_object import RepeatedNames
from lstm_sentiment.serving.rest_api.json_text.quotation import quoted
from lstm_sentiment.serving.servable import Array

_BYTES_SUFFIX = "_bytes"
_FLOAT32 = struct.Struct("f")

# Names of the dtypes in TensorFlow's C++, where they are others.
_CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}
_FLOATS = (FLOAT32, FLOAT64)
# The integers that are read of each dtype; smaller ones take the lowest bits of an int32.
_INTEGERS = {name: np.iinfo(name) for name in ("uint16", "int32", "uint32", "int64", "uint64")}
_PART = 1 << 15
_SMALL_INTEGERS = ("int8", "int16", "uint8")

# Abseil's: white space anywhere, and at the end no padding, or all of it, by `=` or by `.`.
_WHITE_SPACE = re.compile(r"[ \t\n\v\f\r]+")
_BASE64 = re.compile(r"([A-Za-z0-9+/]*)([=.]*)")
_PADDING = {0: 0, 2: 2, 3: 1}


def is_base64(value: Any) -> bool:
    """Returns whether a value is `{"b64": "..."}`, and has that name once."""
    return (
        isinstance(value, dict)
        and len(value) == 1
        and isinstance(value.get("b64"), str)
        and not isinstance(value, RepeatedNames)
    )


def value_reader(dtype: DType) -> Callable[[Any], Any]:
    """Returns a function that reads single values of a dtype.

    Args:
        dtype: The dtype of the input.

    Returns:
        A function from a JSON value, not a list, to a Python value for `array_of_values`. It raises
        `InvalidInputError` for a value of another type or out of range, and
        `NotImplementedInServingError` for any value if the dtype has no JSON form.
    """
    if dtype == STRING:
        return _read_string
    if dtype == BOOL:
        return _read_bool
    if dtype in _FLOATS:
        return lambda value: _read_float(value, dtype)
    limits = _INTEGERS["int32"] if dtype.name in _SMALL_INTEGERS else _INTEGERS.get(dtype.name)
    if limits is None:
        return lambda value: _refuse_dtype(value, dtype)
    lowest, highest = limits.min, limits.max
    return lambda value: _read_integer(value, dtype, lowest, highest)


def array_of_values(values: list[Any], dtype: DType) -> Array:
    """Makes an array of what the reader of a dtype returned, in one dimension.

    Numbers that the dtype cannot hold become infinity, and small integers keep their lowest bits.
    """
    if len(values) > _PART:
        # Other threads can take turns between parts.
        parts = range(0, len(values), _PART)
        return np.concatenate([array_of_values(values[at : at + _PART], dtype) for at in parts])
    if dtype.name in _SMALL_INTEGERS:
        return np.array(values, np.int32).astype(dtype.numpy)
    with np.errstate(over="ignore"):
        return np.array(values, dtype.numpy)


def json_values(name: str, array: Array) -> Any:
    """Converts an output to JSON values.

    Args:
        name: The output's name. Strings become base64 where the name ends in `_bytes`, else text
            with invalid UTF-8 replaced.
        array: The values; strings are bytes in an array of objects.

    Returns:
        A nested list of the array's shape, for `json.dumps`.

    Raises:
        InvalidInputError: If the dtype has no JSON form.
    """
    if array.dtype == object:
        write = _base64_object if name.endswith(_BYTES_SUFFIX) else _text
        return _mapped(write, array.tolist(), array.ndim)
    if array.dtype == np.float32:
        return _mapped(shortest_float32, array.tolist(), array.ndim)
    dtype = str(dtype_of_array(array.dtype) or array.dtype)
    if "float" in dtype:
        return array.astype(np.float64).tolist()
    if dtype.startswith(("int", "uint", "bool")):
        return array.tolist()
    raise InvalidInputError(f"Failed to write JSON value for tensor type: {dtype}")


def _type_error(value: Any, dtype: DType) -> InvalidInputError:
    return InvalidInputError(
        f"JSON Value: {quoted(value)} Type: {json_type(value)} is not of expected type: "
        f"{_cpp_name(dtype)}"
    )


def _refuse_dtype(value: Any, dtype: DType) -> NoReturn:
    if isinstance(value, dict):
        raise _type_error(value, dtype)
    raise NotImplementedInServingError(
        f"Conversion of JSON Value: {quoted(value)} to type: {_cpp_name(dtype)}"
    )


def _cpp_name(dtype: DType) -> str:
    return _CPP_NAMES.get(dtype.name, dtype.name)


def json_type(value: Any) -> str:
    """Returns RapidJSON's name for the type of a value, such as `String` or `True`."""
    match value:
        case None:
            return "Null"
        case True | False:
            return str(value)
        case str():
            return "String"
        case dict():
            return "Object"
        case list():
            return "Array"
        case _:
            return "Number"


def utf8_of(text: str) -> bytes:
    """Returns the bytes of a text as they were sent, be they UTF-8 or not."""
    return text.encode("utf-8", "surrogateescape")


def _read_string(value: Any) -> bytes:
    if isinstance(value, str):
        return utf8_of(value)
    if isinstance(value, dict):
        return _decode_base64(value)
    raise _type_error(value, STRING)


def _decode_base64(value: Any) -> bytes:
    if not is_base64(value):
        raise InvalidInputError(
            f"JSON Value: {quoted(value)} not formatted correctly for base64 data"
        )
    found = _BASE64.fullmatch(_WHITE_SPACE.sub("", value["b64"]))
    digits, padding = found.groups() if found else ("", "=")
    padded = _PADDING.get(len(digits) % 4)
    if padded is None or len(padding) not in (0, padded):
        raise InvalidInputError("Unable to base64 decode")
    return base64.b64decode(digits + "=" * padded)


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _type_error(value, BOOL)
    return value


def _read_integer(value: Any, dtype: DType, lowest: int, highest: int) -> int:
    # A bool is an int to Python.
    if type(value) is not int or not lowest <= value <= highest:
        raise _type_error(value, dtype)
    return value


def _read_float(value: Any, dtype: DType) -> float:
    if type(value) is int or type(value) is float:
        return float(value)
    raise _type_error(value, dtype)


def _mapped(write: Callable[[Any], Any], values: Any, rank: int) -> Any:
    """Writes each value of lists that are nested as deep as a rank."""
    if rank == 1:
        return [write(value) for value in values]
    return [_mapped(write, part, rank - 1) for part in values] if rank else write(values)


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")


def _base64_object(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}


def shortest_float32(value: float) -> float:
    """Rounds a float32 as TensorFlow Serving does: to six digits if they are exact, else nine.

    Args:
        value: A value that a float32 holds exactly.
    """
    if not math.isfinite(value):
        return value
    six = float(f"{value:.6g}")
    return six if _FLOAT32.pack(six) == _FLOAT32.pack(value) else float(f"{value:.9g}")
