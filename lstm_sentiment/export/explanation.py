"""Attributions of tokens: integrated gradients, inside the graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from lstm_sentiment.model.ngram_view import ngram_keys
from lstm_sentiment.model.sentiment_model import SentimentModel

STEPS = 32
_LEAST_CREDIT = 1e-6


def make_attributions(
    model: SentimentModel,
    vectors: Callable[[Any], Any],
    steps: int = STEPS,
    width: int | None = None,
) -> Callable[[Any, Any], Any]:
    """Makes the function that attributes a logit to the tokens of a text.

    Integrated gradients over the word vectors (Sundararajan et al. 2017,
    https://arxiv.org/abs/1703.01365). The baseline is a text of the same length with zero word
    vectors and no known n-gram. The integral is computed by Gauss-Legendre quadrature, which needs
    fewer steps than equal ones; its remaining error is distributed in proportion to the
    attributions. The n-grams' logits are a sum over n-grams, so their attributions are exact: that
    of each n-gram is divided evenly among its tokens, at each place; that of a character n-gram
    among its characters, whose attributions add up to that of their token.

    Args:
        model: Trained, without cuDNN ops.
        vectors: Maps token ids, int32 of any shape, to word vectors float32 `(..., dim)`.
        steps: Number of points at which the gradient is computed.
        width: Number of attributions of each text, at least the number of its tokens; `None` for
            that of its ids.

    Returns:
        A function of token ids, int32 `(batch, time)`, padded on the right, and classes, int64
        `(batch,)`, to float32 `(batch, width)`: 0 at padding. Each row sums to the difference
        between the class's logit and its value at the baseline.
    """
    points, weights = np.polynomial.legendre.leggauss(steps)
    # The ends have no weight: they give the sum that the attributions must have.
    along = tf.constant([0, *(points + 1) / 2, 1], tf.float32)[:, tf.newaxis, tf.newaxis]
    weights_of_steps = tf.constant([0, *weights / 2, 0], tf.float32)

    def of_lstm(token_ids: Any, chosen: Any) -> Any:
        words = vectors(token_ids)
        path = along * words
        real = tf.ones(tf.shape(path)[:2], tf.bool)
        with tf.GradientTape() as tape:
            tape.watch(path)
            logits = tf.gather(model.lstm_logits(path, real), chosen, axis=1)
        gradients = tf.tensordot(weights_of_steps, tape.gradient(logits, path), 1)
        credits = tf.reduce_sum(words * gradients, axis=1)
        missing = logits[-1] - logits[0] - tf.reduce_sum(credits)
        shares = tf.abs(credits) / tf.maximum(tf.reduce_sum(tf.abs(credits)), _LEAST_CREDIT)
        return credits + missing * shares

    def of_text(row: tuple[Any, Any]) -> Any:
        padded, chosen = row
        length = tf.math.count_nonzero(padded, dtype=tf.int32)
        token_ids = padded[:length]
        credits = of_lstm(token_ids, chosen)
        views = model.views()
        if views:
            credits *= 1 - tf.add_n([view.share.value for view in views])
        for view in views:
            credits += view.share.value * of_ngrams(view, token_ids, chosen)
        wanted = tf.shape(padded)[0] if width is None else width
        return tf.ensure_shape(tf.pad(credits, [[0, wanted - length]]), (width,))

    def attributions(token_ids: Any, classes: Any) -> Any:
        # One text at a time with all steps at once: memory does not grow with the batch.
        return tf.map_fn(
            of_text,
            (token_ids, classes),
            fn_output_signature=tf.TensorSpec([width], tf.float32),
            parallel_iterations=1,
        )

    return attributions


def of_ngrams(view: Any, token_ids: Any, chosen: Any) -> Any:
    """Returns the attributions of a linear view's logit: int32 `(time,)` to float32 `(time,)`."""
    units = view.units(token_ids[tf.newaxis])
    time = tf.shape(units)[1]
    keys = ngram_keys(units, view.longest)[0]
    known, place = view.look_up(keys)
    # A repeated n-gram counts once: its occurrences share the attribution.
    ordered = tf.sort(keys)
    ends = tf.searchsorted(ordered, keys, side="right")
    occurrences = tf.cast(ends - tf.searchsorted(ordered, keys), tf.float32)
    idf = tf.where(known, tf.gather(view.idf.value, place), 0.0)
    length = tf.maximum(tf.sqrt(tf.reduce_sum(idf * idf / occurrences)), 1e-6)
    kernel = tf.gather(tf.gather(view.kernel.value, chosen, axis=1), place)
    credits = tf.reshape(idf * kernel / (occurrences * length), (view.longest, -1))
    total = tf.zeros((time,), tf.float32)
    for size in range(1, view.longest + 1):
        each = credits[size - 1] / size
        for place_in_ngram in range(size):
            # N-grams that begin beyond the end are unknown, with an attribution of 0.
            shifted = tf.pad(each, [[place_in_ngram, 0]])[:time]
            total += shifted
    return tf.math.unsorted_segment_sum(
        total, view.token_of_units(token_ids), tf.shape(token_ids)[0]
    )
