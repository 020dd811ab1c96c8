"""Attributions of tokens in NumPy: see `lstm_sentiment.export.explanation`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.light_twin.description import (
    BIAS,
    DENSE_BIAS,
    DENSE_KERNEL,
    KERNEL,
    QUERY,
    RECURRENT_KERNEL,
)
from lstm_sentiment.serving.light.blas_threads import single_threaded_blas
from lstm_sentiment.serving.light.lstm import LstmLayer, LstmTrace
from lstm_sentiment.serving.light.pooling import (
    AttentionPooling,
    LastPooling,
    LightPooling,
    MaxMeanPooling,
    MaxPooling,
    MeanPooling,
)

Floats = NDArray[np.float32]

STEPS = 32
_LEAST_CREDIT = 1e-6


class LightAttributions:
    """Attributes a logit of the LSTM to the tokens of a text, by integrated gradients.

    The gradient of the gates' inputs along the path, summed, times the words' own part of these
    inputs is the product of word vector and integrated gradient: the word vectors themselves are
    projected once.
    """

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Floats]) -> None:
        """Prepares the layers.

        Args:
            config: The fields of the model's `ModelConfig`.
            weights: By the names in `light_twin`.
        """
        self._layers = [
            LstmLayer(*(weights[name.format(number)] for name in (KERNEL, RECURRENT_KERNEL, BIAS)))
            for number in range(config["lstm_layers"])
        ]
        self._pooling = _make_pooling(config, weights)
        self._dense_kernel, self._dense_bias = weights[DENSE_KERNEL], weights[DENSE_BIAS]
        points, weights_of_steps = np.polynomial.legendre.leggauss(STEPS)
        # The two ends have no weight: they give the sum that the attributions must have.
        along = np.array([*(points + 1) / 2, 0, 1], np.float32)
        self._along: Floats = along[:, np.newaxis]
        self._weights_of_steps = (weights_of_steps / 2).astype(np.float32)

    def __call__(self, vectors: Floats, chosen: int) -> Floats:
        """Computes attributions: see `make_attributions`.

        Args:
            vectors: Word vectors of one text, float32 `(tokens, embedding_dim)`.
            chosen: The class.

        Returns:
            float32 `(tokens,)`; their sum is the difference between the class's logit and its
            value at the baseline.
        """
        with single_threaded_blas():
            return self._attributed(vectors, chosen)

    def _attributed(self, vectors: Floats, chosen: int) -> Floats:
        first, *upper = self._layers
        words = first.projected(vectors[:, np.newaxis])
        states, trace = first.run(self._along * words + first.bias)
        traces = [trace]
        for layer in upper:
            states, trace = layer.run(layer.projected(states) + layer.bias)
            traces.append(trace)
        kernel = self._dense_kernel[:, chosen]
        logits = self._pooling.pooled(states) @ kernel + self._dense_bias[chosen]
        gates = self._gates_gradient(states[:, :STEPS], traces, kernel)
        integrated = np.einsum("tdkg,k->tdg", gates, self._weights_of_steps)
        credits = _by_text(np.einsum("tdg,tdkg->td", integrated, words))
        missing = logits[-1] - logits[-2] - credits.sum()
        magnitudes = np.abs(credits)
        return credits + missing * magnitudes / max(magnitudes.sum(), _LEAST_CREDIT)

    def _gates_gradient(self, states: Floats, traces: list[LstmTrace], kernel: Floats) -> Floats:
        """Computes the gradient of the first layer's gates at all points but the ends."""
        gradient = self._pooling.gradient(states, kernel)
        for layer, trace in zip(self._layers[:0:-1], traces[:0:-1], strict=True):
            gradient = layer.inputs_gradient(layer.gates_gradient(gradient, trace.of(STEPS)))
        return self._layers[0].gates_gradient(gradient, traces[0].of(STEPS))


def _by_text(credits: Floats) -> Floats:
    """Adds up the directions, in order of reading: `(tokens, directions)` to `(tokens,)`."""
    return credits[:, 0] if credits.shape[1] == 1 else credits[:, 0] + credits[::-1, 1]


def _make_pooling(config: Mapping[str, Any], weights: Mapping[str, Floats]) -> LightPooling:
    match config["pooling"]:
        case "attention":
            return AttentionPooling(weights[QUERY])
        case "last":
            return LastPooling(config["lstm_units"])
        case "max":
            return MaxPooling()
        case "mean":
            return MeanPooling()
        case _:
            return MaxMeanPooling()
