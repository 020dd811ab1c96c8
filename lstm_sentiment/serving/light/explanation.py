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
    of_member,
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

    With several members the logit is the mean of theirs, and so are its gradients.

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
        self._members = [
            _Member(config, weights, number) for number in range(config.get("members", 1))
        ]
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
        count = len(self._members)
        parts = [self._of_member(member, vectors, chosen) for member in self._members]
        credits = np.sum([part[0] for part in parts], axis=0) / np.float32(count)
        missing = np.float32(sum(part[1] for part in parts) / count) - credits.sum()
        magnitudes = np.abs(credits)
        return credits + missing * magnitudes / max(magnitudes.sum(), _LEAST_CREDIT)

    def _of_member(
        self, member: "_Member", vectors: Floats, chosen: int
    ) -> tuple[Floats, np.float32]:
        """Returns the tokens' credits and the sum that they should have."""
        first, *upper = member.layers
        words = first.projected(vectors[:, np.newaxis])
        states, trace = first.run(self._along * words + first.bias)
        traces = [trace]
        for layer in upper:
            states, trace = layer.run(layer.projected(states) + layer.bias)
            traces.append(trace)
        kernel = member.dense_kernel[:, chosen]
        logits = member.pooling.pooled(states) @ kernel + member.dense_bias[chosen]
        gates = member.gates_gradient(states[:, :STEPS], traces, kernel)
        integrated = np.einsum("tdkg,k->tdg", gates, self._weights_of_steps)
        credits = _by_text(np.einsum("tdg,tdkg->td", integrated, words))
        return credits, logits[-1] - logits[-2]


class _Member:
    """The layers of a member."""

    def __init__(
        self, config: Mapping[str, Any], weights: Mapping[str, Floats], number: int
    ) -> None:
        own = {
            name: weights[of_member(name, number)]
            for name in (DENSE_KERNEL, DENSE_BIAS, *([QUERY] if QUERY in weights else []))
        }
        self.layers = [
            LstmLayer(
                *(
                    weights[of_member(name.format(layer), number)]
                    for name in (KERNEL, RECURRENT_KERNEL, BIAS)
                )
            )
            for layer in range(config["lstm_layers"])
        ]
        self.pooling = _make_pooling(config, own)
        self.dense_kernel, self.dense_bias = own[DENSE_KERNEL], own[DENSE_BIAS]

    def gates_gradient(self, states: Floats, traces: list[LstmTrace], kernel: Floats) -> Floats:
        """Computes the gradient of the first layer's gates at all points but the ends."""
        gradient = self.pooling.gradient(states, kernel)
        for layer, trace in zip(self.layers[:0:-1], traces[:0:-1], strict=True):
            gradient = layer.inputs_gradient(layer.gates_gradient(gradient, trace.of(STEPS)))
        return self.layers[0].gates_gradient(gradient, traces[0].of(STEPS))


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
