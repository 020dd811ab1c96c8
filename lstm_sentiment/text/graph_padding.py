"""Padding of token ids in a graph."""

import tensorflow as tf

from lstm_sentiment.version_folder import OOV_ID, PAD_ID


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
