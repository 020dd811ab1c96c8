"""How likely each label is right: two rounds of classifiers, the second without the suspects."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.labels.confident_learning import (
    Probabilities,
    confident_joint,
    estimated_joint,
    label_posteriors,
)
from lstm_sentiment.training.evaluation.calibration import fit_temperature

Logits = NDArray[np.float64]
ScoreFolds = Callable[[NDArray[np.bool_]], Logits]
"""Trains on the texts of a mask, and returns out-of-fold logits of all texts."""

_LEAST = 1e-9


@dataclass(frozen=True)
class ScoredLabels:
    """What classifiers say of given labels.

    Attributes:
        probabilities: Out-of-fold probabilities of given labels in the second round, `(texts,
            classes)`.
        posteriors: How likely each class is the true one, `(texts, classes)`.
        joint: Result of `confident_joint` in the first round.
        estimated: Result of `estimated_joint` for it.
    """

    probabilities: Probabilities
    posteriors: Probabilities
    joint: NDArray[np.int64]
    estimated: NDArray[np.float64]

    @property
    def estimated_wrong(self) -> int:
        """Estimated number of wrong labels."""
        return round(float(self.estimated.sum() - np.trace(self.estimated)))

    @property
    def likely(self) -> NDArray[np.int64]:
        """The likely label id of each text, `(texts,)`."""
        return np.asarray(self.posteriors.argmax(axis=1))


def score_labels(
    labels: NDArray[np.int64],
    judged: NDArray[np.bool_],
    first: ScoreFolds,
    second: ScoreFolds,
) -> ScoredLabels:
    """Scores labels in two rounds and averages the log-odds of both.

    The second round trains on the texts whose labels were more likely right than wrong in the
    first: classifiers that learn from wrong labels defend them.

    Args:
        labels: Given label ids, `(texts,)`, without gaps.
        judged: Mask of the texts that were dealt into a fold and have one label, `(texts,)`.
        first: Classifiers of the first round.
        second: Classifiers of the second round.
    """
    before = _round(labels, judged, first(np.ones(len(labels), np.bool_)))
    trusted = (before.likely == labels) | ~judged
    after = _round(labels, judged, second(trusted))
    mean = np.sqrt(np.clip(before.posteriors, _LEAST, 1) * np.clip(after.posteriors, _LEAST, 1))
    posteriors = mean / mean.sum(axis=1, keepdims=True)
    return replace(before, probabilities=after.probabilities, posteriors=posteriors)


def _round(labels: NDArray[np.int64], judged: NDArray[np.bool_], logits: Logits) -> ScoredLabels:
    probabilities = _calibrated(logits, labels, judged)
    classes = logits.shape[1]
    joint = confident_joint(labels[judged], probabilities[judged], classes)
    estimated = estimated_joint(joint, np.bincount(labels[judged], minlength=classes))
    posteriors = label_posteriors(labels, probabilities, estimated)
    return ScoredLabels(probabilities, posteriors, joint, estimated)


def _calibrated(
    logits: Logits, labels: NDArray[np.int64], judged: NDArray[np.bool_]
) -> Probabilities:
    scores = logits / fit_temperature(logits[judged], labels[judged])
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)
