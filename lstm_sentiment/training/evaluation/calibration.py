"""Calibration: the temperature of a classifier, and the error of its probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_BINS = 15
_SHARPEST, _FLATTEST = 0.05, 20.0
_HALVINGS = 60

Labels = Sequence[int] | NDArray[np.int64]
"""Label ids, int `(texts,)`."""


def fit_temperature(logits: NDArray[np.floating], labels: Labels) -> float:
    """Finds the temperature, by which logits are divided before the softmax.

    It gives the labels of texts not trained on the highest likelihood (Guo et al. 2017,
    https://arxiv.org/abs/1706.04599). It changes no label, only how confident the classifier is. As
    in Platt scaling, the labels are smoothed by one text of each class; otherwise a few texts, all
    correct, would ask for infinite confidence.

    Args:
        logits: Float `(texts, classes)`.
        labels: True label ids.

    Returns:
        From 0.05 to 20; above 1 if the logits are overconfident.
    """
    scores = logits.astype(np.float64)
    texts, classes = scores.shape
    spread = classes / (texts + classes)
    of_label = (1 - spread) * scores[np.arange(texts), np.asarray(labels)]
    of_label += spread * scores.mean(axis=1)
    below_highest = scores - scores.max(axis=1, keepdims=True)
    # Bisection: the likelihood is concave in the inverse temperature, so its slope has one zero.
    low, high = np.log(1 / _FLATTEST), np.log(1 / _SHARPEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        # The mean score under the probabilities, whose normalization is done once, at the end.
        weights = np.exp(below_highest * np.exp(middle))
        expected = (weights * scores).sum(axis=1) / weights.sum(axis=1)
        if float(np.mean(of_label - expected)) > 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def expected_calibration_error(probabilities: NDArray[np.floating], labels: Labels) -> float:
    """Computes the expected calibration error.

    Texts are put into 15 bins of equal width by the probability of their predicted class. The error
    is the mean difference between probability and accuracy, weighted by the texts of each bin
    (Naeini et al. 2015, https://doi.org/10.1609/aaai.v29i1.9602).

    Args:
        probabilities: Float `(texts, classes)`; rows sum to 1.
        labels: True label ids.

    Returns:
        From 0 to 1; 0 is perfect.
    """
    stated = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(labels)
    bins = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    difference = np.bincount(bins, weights=right - stated, minlength=_BINS)
    return float(np.abs(difference).sum() / len(stated))


def cross_entropy(logits: NDArray[np.floating], labels: Labels) -> float:
    """Computes the mean negative log-likelihood of the labels, in nats."""
    return float(np.mean(cross_entropies(logits, labels)))


def cross_entropies(logits: NDArray[np.floating], labels: Labels) -> NDArray[np.float64]:
    """Computes the negative log-likelihood of each text's label, in nats, float64 `(texts,)`."""
    scores = logits.astype(np.float64)
    shifted = scores - scores.max(axis=1, keepdims=True)
    of_label = shifted[np.arange(len(scores)), np.asarray(labels)]
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - of_label, np.float64)
