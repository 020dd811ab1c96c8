"""Pooling of LSTM states in NumPy with its gradient, for explanations: see `MaskedPooling`.

States have the shape `(time, batch, width)`, all texts having one length; pooled vectors have
`(batch, width)`, or twice that width for `max_mean`.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class LightPooling(Protocol):
    """A kind of pooling."""

    def pooled(self, states: Floats) -> Floats:
        """Pools the states of each text."""
        ...

    def gradient(self, states: Floats, gradient: Floats) -> Floats:
        """Computes the gradient of the states from that of one pooled vector, `(width,)`."""
        ...


class MaxPooling:
    """The maximum of each channel."""

    def pooled(self, states: Floats) -> Floats:
        """As `LightPooling`."""
        return states.max(axis=0)

    def gradient(self, states: Floats, gradient: Floats) -> Floats:
        """As `LightPooling`; equal maxima share the gradient, as in TensorFlow."""
        highest = states == states.max(axis=0)
        return highest * (gradient / highest.sum(axis=0, dtype=np.float32))


class MeanPooling:
    """The mean of each channel."""

    def pooled(self, states: Floats) -> Floats:
        """As `LightPooling`."""
        return states.mean(axis=0)

    def gradient(self, states: Floats, gradient: Floats) -> Floats:
        """As `LightPooling`."""
        return np.broadcast_to(gradient / np.float32(len(states)), states.shape)


class MaxMeanPooling:
    """Maximum and mean, one after the other."""

    def __init__(self) -> None:
        """Makes the two parts."""
        self._parts: tuple[LightPooling, ...] = (MaxPooling(), MeanPooling())

    def pooled(self, states: Floats) -> Floats:
        """As `LightPooling`."""
        return np.concatenate([part.pooled(states) for part in self._parts], axis=1)

    def gradient(self, states: Floats, gradient: Floats) -> Floats:
        """As `LightPooling`."""
        of_max, of_mean = np.split(gradient, 2)
        maximum, mean = self._parts
        return maximum.gradient(states, of_max) + mean.gradient(states, of_mean)


class LastPooling:
    """The last state of each direction; the second direction ends at the first step."""

    def __init__(self, units: int) -> None:
        """`units` is the width of one direction."""
        self._units = units

    def pooled(self, states: Floats) -> Floats:
        """As `LightPooling`."""
        forward, backward = states[-1, :, : self._units], states[0, :, self._units :]
        return np.concatenate([forward, backward], axis=1)

    def gradient(self, states: Floats, gradient: Floats) -> Floats:
        """As `LightPooling`."""
        of_states = np.zeros_like(states)
        of_states[-1, :, : self._units] = gradient[: self._units]
        of_states[0, :, self._units :] = gradient[self._units :]
        return of_states


class AttentionPooling:
    """A mean weighted by the softmax of each state's dot product with a trained vector."""

    def __init__(self, query: Floats) -> None:
        """`query` is the trained vector, `(width, 1)`."""
        self._query = query

    def pooled(self, states: Floats) -> Floats:
        """As `LightPooling`."""
        return (self._weights(states) * states).sum(axis=0)

    def gradient(self, states: Floats, gradient: Floats) -> Floats:
        """As `LightPooling`."""
        weights = self._weights(states)
        credit = states @ gradient[:, np.newaxis]
        excess = credit - (weights * credit).sum(axis=0)
        return weights * (gradient + excess * self._query[:, 0])

    def _weights(self, states: Floats) -> Floats:
        scores = states @ self._query
        powers = np.exp(scores - scores.max(axis=0))
        return powers / powers.sum(axis=0)
