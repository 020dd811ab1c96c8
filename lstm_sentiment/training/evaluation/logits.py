"""A model's logits of many texts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.workers.distribution import Workers

LogitsOf = Callable[[TokenRows], NDArray[np.float32]]
"""Maps the ids of texts to their logits, float32 `(texts, classes)`."""


def logits_function(
    model: Callable[..., Any], *, batch_size: int = 256, workers: Workers | None = None
) -> LogitsOf:
    """Compiles a model's computation of many texts' logits, with texts of like length in one batch.

    `model` maps int32 `(batch, time)` to float32 `(batch, classes)`; the weights are those at the
    call of the function. With `workers`, all workers must call it, and each computes a part of the
    texts.
    """
    # Traced by hand: TensorFlow would warn of too many traces after some calls.
    score = tf.function(
        lambda padded: model(padded, training=False), autograph=False
    ).get_concrete_function(tf.TensorSpec([None, None], tf.int32))
    index, count = (0, 1) if workers is None else (workers.index, workers.count)

    def predict(token_ids: TokenRows) -> NDArray[np.float32]:
        by_length = np.argsort(token_ids.lengths, kind="stable")
        logits = np.zeros((len(token_ids), score.structured_outputs.shape[-1]), np.float32)
        for start in range(index * batch_size, len(by_length), count * batch_size):
            positions = by_length[start : start + batch_size]
            logits[positions] = score(tf.constant(token_ids.padded(positions))).numpy()
        return logits if workers is None else workers.sum(logits)

    return predict
