"""Converts the `data` of tensors from JSON and to JSON."""

from itertools import chain
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import BOOL, STRING, DType
from lstm_sentiment.serving.open_inference.tensor_shape import check_count, shaped, texts
from lstm_sentiment.serving.rest_api.json_text.quotation import quoted
from lstm_sentiment.serving.rest_api.json_value import shortest_float32, utf8_of
from lstm_sentiment.serving.servable import Array

_FLOAT = (int, float)


def read_data(data: list[Any], shape: tuple[int, ...], dtype: DType, tensor: str) -> Array:
    """Reads the values of an input.

    Args:
        data: The values, in one list or in lists nested as the shape.
        shape: The shape, as `checked_shape` returns it.
        dtype: The dtype of the array.
        tensor: The input's name, for error messages.

    Returns:
        An array of that shape; strings are bytes in an array of objects.

    Raises:
        InvalidInputError: If the number, the nesting or a type of the values does not fit.
    """
    values = data
    if data and isinstance(data[0], list):
        values = _flattened(data, shape, tensor)
    check_count(len(values), shape, tensor)
    return shaped(_array(values, dtype, tensor), shape, tensor)


def write_data(array: Array) -> list[Any]:
    """Returns the values of an output, in one list, for `json.dumps`.

    A float32 is written as in TensorFlow Serving's REST API. Strings are text, with invalid UTF-8
    replaced.

    Args:
        array: Of a dtype for which there is a datatype; strings are bytes in an array of objects.
    """
    values: list[Any] = array.ravel().tolist()
    if array.dtype == object:
        return [value.decode("utf-8", "replace") for value in values]
    if array.dtype == np.float32:
        return list(map(shortest_float32, values))
    if array.dtype.kind == "V":  # bfloat16, to NumPy
        return array.ravel().astype(np.float64).tolist()
    return values


def _flattened(data: list[Any], shape: tuple[int, ...], tensor: str) -> list[Any]:
    level = data
    for axis, size in enumerate(shape):
        if axis:
            if not all(isinstance(each, list) and len(each) == size for each in level):
                raise _not_nested(shape, tensor)
            level = list(chain.from_iterable(level))
        elif len(level) != size:
            raise _not_nested(shape, tensor)
    return level


def _not_nested(shape: tuple[int, ...], tensor: str) -> InvalidInputError:
    return InvalidInputError(
        f"`data` of `{tensor}` must be one flat array, or arrays nested as the shape "
        f"{list(shape)}. Received: arrays of other sizes."
    )


def _array(values: list[Any], dtype: DType, tensor: str) -> Array:
    if dtype == STRING:
        _check_types(values, (str,), "strings", tensor)
        return texts([utf8_of(value) for value in values])
    if dtype == BOOL:
        _check_types(values, (bool,), "true or false", tensor)
        return np.array(values, bool)
    try:
        if np.issubdtype(dtype.numpy, np.integer):
            _check_types(values, (int,), "integers", tensor)
            return np.array(values, dtype.numpy)
        _check_types(values, _FLOAT, "numbers", tensor)
        return _floats(values, dtype, tensor)
    except OverflowError:
        raise _out_of_range(dtype, tensor) from None


def _floats(values: list[Any], dtype: DType, tensor: str) -> Array:
    exact = np.array(values, np.float64)
    with np.errstate(over="ignore"):
        array = exact.astype(dtype.numpy)
    if not np.array_equal(np.isfinite(array), np.isfinite(exact)):
        raise _out_of_range(dtype, tensor)
    return array


def _check_types(values: list[Any], types: tuple[type, ...], rule: str, tensor: str) -> None:
    # A bool is an int to Python: the very types are compared.
    other = set(map(type, values)).difference(types)
    if other:
        found = next(value for value in values if type(value) in other)
        raise InvalidInputError(
            f"`data` of `{tensor}` must hold {rule}. Received: {quoted(found)}."
        )


def _out_of_range(dtype: DType, tensor: str) -> InvalidInputError:
    return InvalidInputError(
        f"`data` of `{tensor}` must be in the range of {dtype.name}. Received: a number beyond it."
    )
