"""Converts single JSON values to and from the dtypes of tensors, strictly.

After `AddValueToTensor` and `AddSingleValueAndAdvance` in
`tensorflow_serving/util/json_tensor.cc`: a JSON `1.0` is not an integer, and an integer is a float
only where it loses nothing.
"""

import base64
import binascii
import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import BOOL, FLOAT32, FLOAT64, STRING, DType, dtype_of_array
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.servable import Array

# An error message must not repeat a whole request.
_MAX_QUOTED_LENGTH = 256

_BYTES_SUFFIX = "_bytes"
_FLOAT32 = struct.Struct("f")

# Names of the dtypes in TensorFlow's C++.
_CPP_NAMES = {FLOAT32: "float", FLOAT64: "double"}
_SIGNIFICANT_BITS = {FLOAT32: 24, FLOAT64: 53}
_INTEGERS = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}


def quoted(value: Any) -> str:
    """Writes a JSON value for an error message, cut off after 256 characters."""
    text = ""
    # Stops early: with indentation, nested lists would take the square of their depth.
    for piece in json.JSONEncoder(ensure_ascii=False, indent=4).iterencode(value):
        text += piece
        if len(text) > _MAX_QUOTED_LENGTH:
            return text[:_MAX_QUOTED_LENGTH] + "..."
    return text


def is_base64(value: Any) -> bool:
    """Returns whether a value is `{"b64": "..."}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def value_reader(dtype: DType) -> Callable[[Any], Any]:
    """Returns a function that reads single values of a dtype.

    Args:
        dtype: The dtype of the input.

    Returns:
        A function from a JSON value, not a list, to a Python value. It raises
        `InvalidInputError` for a value of another type or out of range.

    Raises:
        NotImplementedInServingError: If the dtype has no JSON form.
    """
    if dtype == STRING:
        return _read_string
    if dtype == BOOL:
        return _read_bool
    if dtype.name in _INTEGERS:
        limits = np.iinfo(dtype.numpy)
        return lambda value: _read_integer(value, dtype, limits.min, limits.max)
    if dtype in _SIGNIFICANT_BITS:
        return lambda value: _read_float(value, dtype)
    raise NotImplementedInServingError(f"Conversion of JSON Value to type: {dtype}")


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
        f"{_CPP_NAMES.get(dtype, dtype.name)}"
    )


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


def _read_string(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidInputError(
                "JSON Parse error: The surrogate pair in string is invalid."
            ) from None
    if isinstance(value, dict):
        return _decode_base64(value)
    raise _type_error(value, STRING)


def _decode_base64(value: Any) -> bytes:
    if not is_base64(value):
        raise InvalidInputError(
            f"JSON Value: {quoted(value)} not formatted correctly for base64 data"
        )
    digits = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInputError("Unable to base64 decode") from None


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
    if type(value) is int:
        is_lossless = abs(value) < 1 << _SIGNIFICANT_BITS[dtype]
    elif type(value) is float:
        is_lossless = not math.isfinite(value) or abs(value) <= float(np.finfo(dtype.numpy).max)
    else:
        raise _type_error(value, dtype)
    if not is_lossless:
        raise InvalidInputError(
            f"Cannot convert JSON value: {quoted(value)} to {_CPP_NAMES[dtype]} without loss "
            "of precision."
        )
    return float(value)


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
