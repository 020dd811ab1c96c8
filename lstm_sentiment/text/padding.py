"""Padding of token ids to rectangular batches."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.checks import positive
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_folder import OOV_ID, PAD_ID


def pad_token_ids(sequences: Sequence[Sequence[int]], length: int) -> NDArray[np.int32]:
    """Pads or truncates id sequences to one length.

    Padding is on the right with `PAD_ID`; a longer sequence keeps its first `length` ids. A row
    that would be all padding, such as that of an empty sequence, begins with `OOV_ID`.

    Args:
        sequences: Token ids, one inner sequence per text. Must not be empty.
        length: Time steps per row, in tokens. Must be positive.

    Returns:
        `int32` array of shape `(batch, length)`.

    Raises:
        InvalidInputError: If `sequences` is empty, `length` is not positive, or an id is
            negative or beyond `int32`.
    """
    positive(length=length)
    if len(sequences) == 0:
        raise InvalidInputError("`sequences` must hold at least one sequence. Received: none.")
    padded = np.full((len(sequences), length), PAD_ID, dtype=np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        kept = sequence[:length]
        row[: len(kept)] = kept
    if padded.min() < 0 or padded.max() > np.iinfo(np.int32).max:
        raise InvalidInputError(
            "Token ids must be non-negative `int32` values. "
            f"Received: ids from {padded.min()} to {padded.max()}."
        )
    padded[(padded == PAD_ID).all(axis=1), 0] = OOV_ID
    return padded.astype(np.int32)


def pad_ragged(token_ids: tf.RaggedTensor, max_length: int | None = None) -> tf.Tensor:
    """Pads ids in the graph, as `pad_token_ids` does, to the longest row of the batch.

    Args:
        token_ids: `(batch, None)`, any integer dtype.
        max_length: Ids to keep of each row, from its front; `None` keeps all.

    Returns:
        `(batch, time)` of the same dtype, `time` at least 1, no row all padding.
    """
    if max_length is not None:
        token_ids = token_ids[:, :max_length]
    dense = token_ids.to_tensor(default_value=PAD_ID)
    # An empty batch, or one of empty texts only, still needs one time step.
    missing = tf.maximum(1 - tf.shape(dense)[1], 0)
    dense = tf.pad(dense, [[0, 0], [0, missing]], constant_values=PAD_ID)
    empty = tf.reduce_all(dense == PAD_ID, axis=1, keepdims=True)
    first = tf.range(tf.shape(dense)[1])[tf.newaxis] == 0
    return tf.where(empty & first, tf.constant(OOV_ID, dense.dtype), dense)


def strip_padding(token_ids: tf.Tensor) -> tf.RaggedTensor:
    """Removes every `PAD_ID`, on the left, on the right or in between.

    Args:
        token_ids: `(batch, time)`, any integer dtype.

    Returns:
        Ragged `(batch, None)` of the same dtype.
    """
    return tf.ragged.boolean_mask(token_ids, token_ids != PAD_ID)
