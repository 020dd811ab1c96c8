"""Dropout that does not depend on how a batch is shared out among replicas."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

_share = threading.local()  # MirroredStrategy traces each replica in a thread of its own


@contextmanager
def share_of_batch(first: Any, texts: Any) -> Iterator[None]:
    """Tells the layers called within which rows of the whole batch they are given.

    Args:
        first: Position of their first row in the whole batch, int64 scalar.
        texts: Rows of the whole batch, over all replicas, int64 scalar.
    """
    before = getattr(_share, "rows", None)
    _share.rows = (first, texts)
    try:
        yield
    finally:
        _share.rows = before


def drawn_for_batch(rows: Any, draw: Any) -> Any:
    """This replica's rows of numbers that are drawn for the whole batch.

    Each replica draws for all and keeps its own, so all replicas together see the same numbers as
    one alone would. The seeds of all replicas are the same.

    Args:
        rows: Number of this replica's rows, int scalar.
        draw: Takes the number of rows of the whole batch, gives a tensor with as many.

    Returns:
        What was drawn for this replica's rows.
    """
    share = getattr(_share, "rows", None)
    if share is None:
        return draw(rows)
    first, texts = (tf.cast(value, tf.int32) for value in share)
    # A replica that has no text of a small batch computes one that counts nothing.
    first = tf.maximum(tf.minimum(first, texts - rows), 0)
    return draw(tf.maximum(texts, rows))[first : first + rows]


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class BatchDropout(keras.layers.Dropout):
    """`keras.layers.Dropout`, the same whatever the number of replicas.

    Call arguments:
        inputs: float `(batch, ...)`.
        training: Whether to drop.

    Returns:
        As `inputs`.

    Masking:
        Keeps the mask.
    """

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Drops single values of float `(batch, ...)`."""
        return self._drop(inputs, tf.shape(inputs)[1:]) if training and self.rate > 0 else inputs

    def _drop(self, inputs: Any, shape: Any) -> Any:
        def draw(rows: Any) -> Any:
            ones = tf.ones(tf.concat([[rows], shape], axis=0), inputs.dtype)
            return keras.random.dropout(ones, self.rate, seed=self.seed_generator)

        return inputs * drawn_for_batch(tf.shape(inputs)[0], draw)


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class BatchSpatialDropout1D(BatchDropout):
    """`keras.layers.SpatialDropout1D`, the same whatever the number of replicas.

    Call arguments:
        inputs: float `(batch, time, channels)`.
        training: Whether to drop.

    Returns:
        As `inputs`: a channel is dropped at all time steps of a text or at none.

    Masking:
        Keeps the mask.
    """

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Drops channels of float `(batch, time, channels)`."""
        if not (training and self.rate > 0):
            return inputs
        return self._drop(inputs, tf.stack([1, tf.shape(inputs)[2]]))
