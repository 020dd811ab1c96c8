"""Dropout whose masks do not depend on the number of replicas."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

_share = threading.local()  # MirroredStrategy traces each replica in a thread of its own


@contextmanager
def share_of_batch(first: Any, texts: Any) -> Iterator[None]:
    """Sets the replica's share of the global batch for the layers called in this context.

    Args:
        first: Position of the replica's first row in the global batch, int64 scalar.
        texts: Rows of the global batch, int64 scalar.
    """
    before = getattr(_share, "rows", None)
    _share.rows = (first, texts)
    try:
        yield
    finally:
        _share.rows = before


def drawn_for_batch(rows: Any, draw: Any) -> Any:
    """Draws random numbers for the global batch and returns the rows of this replica.

    All replicas have the same seed and draw the same numbers, so the global batch sees the numbers
    that a single replica would draw.

    Args:
        rows: Number of this replica's rows, int scalar.
        draw: Returns a random tensor with the given number of rows.
    """
    share = getattr(_share, "rows", None)
    if share is None:
        return draw(rows)
    first, texts = (tf.cast(value, tf.int32) for value in share)
    # A replica without a text of a small batch computes a row of weight 0: any row will do.
    first = tf.maximum(tf.minimum(first, texts - rows), 0)
    return draw(tf.maximum(texts, rows))[first : first + rows]


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class BatchDropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with the same mask for any number of replicas.

    Call arguments:
        inputs: float `(batch, ...)`.
        training: Drops values if true.

    Masking:
        Passes the mask on.
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
    """`keras.layers.SpatialDropout1D` with the same mask for any number of replicas.

    A channel is dropped at all time steps of a text or at none.

    Call arguments:
        inputs: float `(batch, time, channels)`.
        training: Drops channels if true.

    Masking:
        Passes the mask on.
    """

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Drops channels of float `(batch, time, channels)`."""
        if not (training and self.rate > 0):
            return inputs
        return self._drop(inputs, tf.stack([1, tf.shape(inputs)[2]]))
