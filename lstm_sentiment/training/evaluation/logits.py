"""A model's logits of many texts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.workers.distribution import Workers

LogitsOf = Callable[[TokenRows], NDArray[np.float32]]
"""Takes the ids of texts, gives logits float32 `(texts, classes)` in order."""


def logits_function(
    model: Callable[..., Any], *, batch_size: int = 256, workers: Workers | None = None
) -> LogitsOf:
    """Compiles the scoring of many texts, the like-long ones together.

    Args:
        model: Takes int32 `(batch, time)`, gives logits float32 `(batch, classes)`.
        batch_size: Texts computed at once.
        workers: Who shares the texts out among them: then all must call the scorer. `None` scores
            them all here.

    Returns:
        The function. It scores with the weights that the model has when it is called.
    """
    # Concrete: TensorFlow takes functions made anew for one that is traced too often, and warns.
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
