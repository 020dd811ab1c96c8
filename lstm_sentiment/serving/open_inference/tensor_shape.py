"""Checks the shape that a request claims, before anything of that size is made."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.servable import Array

# NumPy's own limit.
_MAX_RANK = 64
# A few bytes can claim any number of empty rows, each of which a model would answer.
_MOST_EMPTY_ROWS = 1 << 16


def checked_shape(sizes: Sequence[Any], tensor: str) -> tuple[int, ...]:
    """Checks a shape.

    Args:
        sizes: The size of each dimension, as it was sent.
        tensor: The tensor's name, for the error message.

    Raises:
        InvalidInputError: If a size is no integer, negative, or too large for an empty tensor, or
            there are too many dimensions.
    """
    if len(sizes) > _MAX_RANK:
        raise InvalidInputError(
            f"`shape` of `{tensor}` must have at most {_MAX_RANK} dimensions. "
            f"Received: {len(sizes)}."
        )
    for size in sizes:
        # A bool is an int to Python.
        if type(size) is not int or not 0 <= size < 1 << 63:
            raise InvalidInputError(
                f"`shape` of `{tensor}` must hold integers from 0 to {(1 << 63) - 1}. "
                f"Received: {str(size)[:100]}."
            )
    if 0 in sizes and max(sizes) > _MOST_EMPTY_ROWS:
        raise InvalidInputError(
            f"`shape` of `{tensor}`, which has no element, must hold no size above "
            f"{_MOST_EMPTY_ROWS}. Received: {max(sizes)}."
        )
    return tuple(sizes)


def check_count(count: int, shape: tuple[int, ...], tensor: str) -> None:
    """Checks that a tensor has a value for each element of its shape.

    Args:
        count: The number of values.
        shape: The shape.
        tensor: The tensor's name, for the error message.

    Raises:
        InvalidInputError: If the numbers differ.
    """
    expected = math.prod(shape)
    if count != expected:
        raise InvalidInputError(
            f"`{tensor}` of shape {list(shape)} must have {expected} values. Received: {count}."
        )


def shaped(values: Array, shape: tuple[int, ...], tensor: str) -> Array:
    """Gives values their shape; arguments as `check_count`, which must have passed.

    Raises:
        InvalidInputError: If NumPy has no such arrays.
    """
    try:
        return values if values.shape == shape else values.reshape(shape)
    except ValueError:
        # NumPy counts the elements that an empty array would have if its zeros were ones.
        raise InvalidInputError(
            f"`shape` of `{tensor}` has more elements than an array can have."
        ) from None


def texts(values: Sequence[bytes]) -> Array:
    """Makes an array of strings, of one dimension."""
    array = np.empty(len(values), object)
    array[:] = values
    return array
