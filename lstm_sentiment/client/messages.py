"""Texts and token ids as the messages of TensorFlow Serving."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.prediction_pb2 import Input
from lstm_sentiment.protocol.tensor_pb2 import DT_INT64, DT_STRING, TensorProto
from lstm_sentiment.version_folder import OOV_ID, PAD_ID

Ids = NDArray[np.integer[Any]] | Sequence[Sequence[int]]
"""Token ids: an array `(batch, time)`, or rows of any lengths."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def utf8_values(texts: Sequence[str]) -> list[bytes]:
    """Encodes texts in UTF-8; a lone surrogate becomes U+FFFD.

    Raises:
        InvalidInputError: If `texts` is not a list of texts, or empty.
    """
    if isinstance(texts, str | bytes):
        raise InvalidInputError(
            f"`texts` must be a list of texts. Received: one {type(texts).__name__}."
        )
    values = [_utf8(text, row) for row, text in enumerate(texts)]
    if not values:
        raise InvalidInputError("`texts` must not be empty. Received: no text.")
    return values


def string_tensor(values: Sequence[bytes]) -> TensorProto:
    """Returns strings as a string tensor `(batch,)`."""
    proto = TensorProto(dtype=DT_STRING, string_val=values)
    proto.tensor_shape.dim.add(size=len(values))
    return proto


def text_examples(values: Sequence[bytes]) -> Input:
    """Returns each text, in UTF-8, as a `tf.Example` with one bytes feature, `text`."""
    proto = Input()
    for value in values:
        example = proto.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(value)
    return proto


def ids_rows(ids: Ids) -> Sequence[NDArray[np.int64]]:
    """Checks token ids and converts them to int64.

    Args:
        ids: At least one row; the rows of an array must not be empty.

    Returns:
        The array `(batch, time)`; for rows of any lengths, a list of arrays `(time,)`, in which
        an empty row is the id of an unknown token.

    Raises:
        InvalidInputError: If `ids` has another shape or dtype.
    """
    if isinstance(ids, Sequence) and not isinstance(ids, str | bytes) and ids:
        return [_row(index, row) for index, row in enumerate(ids)]
    array = np.asarray(ids)
    if array.ndim != 2 or not array.size or not _fits_int64(array):
        raise _not_ids(f"dtype {array.dtype}, shape {array.shape}")
    return array.astype(np.int64, copy=False)  # type: ignore[return-value]


def ids_tensor(rows: Sequence[NDArray[np.int64]]) -> TensorProto:
    """Returns rows of `ids_rows` as an int64 tensor `(batch, time)`, padded with 0 on the right."""
    array = rows if isinstance(rows, np.ndarray) else _padded(rows)
    content = array.astype("<i8", copy=False).tobytes()
    proto = TensorProto(dtype=DT_INT64, tensor_content=content)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def _padded(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    array = np.full((len(rows), max(map(len, rows))), PAD_ID, np.int64)
    for index, row in enumerate(rows):
        array[index, : len(row)] = row
    return array


def _row(index: int, row: Sequence[int]) -> NDArray[np.int64]:
    try:
        array = np.asarray(row)
    except ValueError as error:
        raise _not_ids(f"row {index} with rows inside") from error
    if array.shape == (0,):
        return np.array([OOV_ID])
    if array.ndim != 1 or not _fits_int64(array):
        raise _not_ids(f"row {index} of dtype {array.dtype}, shape {array.shape}")
    return array.astype(np.int64, copy=False)


def _fits_int64(array: NDArray[Any]) -> bool:
    if array.dtype.kind not in "iu":
        return False
    return array.dtype != np.uint64 or bool(array.max() <= np.iinfo(np.int64).max)


def _not_ids(received: str) -> InvalidInputError:
    return InvalidInputError(
        "`ids` must be integers of shape (batch, time), neither of them 0, or a list of rows of "
        f"integers. Received: {received}."
    )


def _utf8(text: str, row: int) -> bytes:
    if not isinstance(text, str):
        raise InvalidInputError(
            f"each of `texts` must be a string. Received: {type(text).__name__} in row {row:,} "
            "(rows count from 0)."
        )
    return _LONE_SURROGATE.sub("\ufffd", text).encode("utf-8")
