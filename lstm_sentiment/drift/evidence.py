"""Evidence that live texts no longer look like those of training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import share_below_one
from lstm_sentiment.drift.defaults import ALPHA, TOLERANCE
from lstm_sentiment.drift.e_values import Floats, log_e_values, log_weighted_mean
from lstm_sentiment.drift.features import GROUPS, Tally
from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.errors import InvalidInputError


@dataclass(frozen=True)
class MovedFeature:
    """A feature that live texts have more or less often than those of training.

    Attributes:
        group: `length`, `oov_rate`, `words`, `classes` or `confidence`.
        feature: The feature in words, to follow "texts".
        expected: Share of the reference's texts that have it.
        seen: Share of the live texts that have it.
    """

    group: str
    feature: str
    expected: float
    seen: float


class Window(NamedTuple):
    """The live texts since one of the starts.

    Attributes:
        number: Number of the start, from 0: starts that were passed over count too.
        tally: The texts since then.
    """

    number: int
    tally: Tally


@dataclass(frozen=True)
class Evidence:
    """The evidence of drift at one look.

    Attributes:
        log_e_value: Natural logarithm of the e-value of all features and windows.
        window: Number of the start from which on texts have the most evidence.
        moved: The features that moved since then, with an e-value of at least `1 / alpha` each;
            those with the most evidence first.
    """

    log_e_value: float
    window: int
    moved: tuple[MovedFeature, ...]


class DriftTest:
    """Compares live texts with a reference; see `e_values` for what holds its false alarms.

    The groups of features that the reference has weigh the same, and so do the features of a group.
    Live texts may begin to drift late, so they are counted since several starts; the starts, from
    0, have the weights 1/2, 1/6, 1/12, ..., which sum to 1, however many there will be (as the
    e-detectors of Shin, Ramdas and Rinaldo 2023, https://arxiv.org/abs/2203.03532, but with a
    bound on any false alarm).
    """

    def __init__(
        self, reference: DriftReference, *, alpha: float = ALPHA, tolerance: float = TOLERANCE
    ) -> None:
        """Prepares the test.

        Args:
            reference: What texts looked like in training.
            alpha: Largest probability that there is ever a false alarm, between 0 and 1.
            tolerance: Largest difference of a share of texts that is no drift, from 0 to below 1.

        Raises:
            InvalidInputError: If `alpha` or `tolerance` is out of its range.
        """
        if not 0 < alpha < 1:
            raise InvalidInputError(f"`alpha` must be between 0 and 1. Received: alpha={alpha!r}.")
        share_below_one(tolerance=tolerance)
        self.reference, self.alpha, self.tolerance = reference, alpha, tolerance
        known = reference.tally.texts
        self.groups = tuple(group for group in GROUPS if known.get(group))
        sizes = [reference.features.sizes[group] for group in self.groups]
        self._weights = np.repeat([1 / len(sizes) / max(1, size) for size in sizes], sizes)
        self._expected, self._expected_of = self._arrays(reference.tally)

    @property
    def log_threshold(self) -> float:
        """The logarithm of the e-value from which on there is drift."""
        return -float(np.log(self.alpha))

    def _arrays(self, tally: Tally) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        counts, texts = [], []
        for group in self.groups:
            size = self.reference.features.sizes[group]
            counts.append(tally.counts.get(group, np.zeros(size, np.int64)))
            texts.append(np.full(size, tally.texts.get(group, 0), np.int64))
        return np.concatenate(counts), np.concatenate(texts)

    def evidence(self, windows: Sequence[Window]) -> Evidence:
        """Weighs the texts seen so far; it may be called as often as wanted.

        Args:
            windows: The texts since each start; at least one.
        """
        seen, seen_of = map(np.stack, zip(*(self._arrays(w.tally) for w in windows), strict=True))
        of_features = log_e_values(self._expected, self._expected_of, seen, seen_of, self.tolerance)
        of_windows = log_weighted_mean(of_features, self._weights)
        weights = _window_weights([window.number for window in windows])
        most = int((of_windows + np.log(weights)).argmax())
        return Evidence(
            float(log_weighted_mean(of_windows, weights)),
            windows[most].number,
            self._moved(of_features[most], seen[most], seen_of[most]),
        )

    def _moved(
        self, logarithms: Floats, seen: NDArray[np.int64], seen_of: NDArray[np.int64]
    ) -> tuple[MovedFeature, ...]:
        features = self.reference.features
        names = [(group, at) for group in self.groups for at in range(features.sizes[group])]
        order = np.argsort(-logarithms, kind="stable")
        return tuple(
            MovedFeature(
                names[at][0],
                features.name(*names[at]),
                float(self._expected[at] / self._expected_of[at]),
                float(seen[at] / seen_of[at]),
            )
            for at in order[logarithms[order] >= self.log_threshold]
        )


def _window_weights(numbers: Sequence[int]) -> Floats:
    places = np.asarray(numbers, np.float64)
    return np.asarray(1 / ((places + 1) * (places + 2)))
