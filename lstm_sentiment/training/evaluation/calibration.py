"""Makes stated probabilities mean what they say."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

_BINS = 15
_SHARPEST, _FLATTEST = 0.05, 20.0
_HALVINGS = 60

Labels = Sequence[int] | NDArray[np.int64]
"""Label ids, one a text."""


def fit_temperature(logits: NDArray[np.floating], labels: Labels) -> float:
    """Finds the temperature by which logits are divided before the softmax.

    The one that gives the labels of texts not trained on the highest likelihood (Guo et al. 2017,
    https://arxiv.org/abs/1706.04599). It changes no label, only how sure the classifier sounds. The
    labels count as one text of each class less certain than they are, as in Platt scaling, or a few
    texts that are all right would ask for boundless certainty.

    Args:
        logits: Float `(texts, classes)`.
        labels: True label ids, one a text.

    Returns:
        From 0.05 to 20; above 1 where the logits are too sure of themselves.
    """
    scores = logits.astype(np.float64)
    texts, classes = scores.shape
    spread = classes / (texts + classes)
    of_label = (1 - spread) * scores[np.arange(texts), np.asarray(labels)]
    of_label += spread * scores.mean(axis=1)
    # The likelihood is concave in the inverse temperature: its slope falls through 0 once.
    low, high = np.log(1 / _FLATTEST), np.log(1 / _SHARPEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        expected = (softmax(scores * np.exp(middle), axis=1) * scores).sum(axis=1)
        if float(np.mean(of_label - expected)) > 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def expected_calibration_error(probabilities: NDArray[np.floating], labels: Labels) -> float:
    """How far stated probabilities are from the shares that turn out right.

    Texts are put into 15 equally wide bins by the probability of the class given to them; the error
    is the mean distance between that probability and the share that is right, weighted by the
    texts of each bin (Naeini et al. 2015, https://doi.org/10.1609/aaai.v29i1.9602).

    Args:
        probabilities: Float `(texts, classes)`, rows sum to 1.
        labels: True label ids, one a text.

    Returns:
        From 0 to 1; 0 is perfect.
    """
    stated = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(labels)
    bins = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    difference = np.bincount(bins, weights=right - stated, minlength=_BINS)
    return float(np.abs(difference).sum() / len(stated))


def cross_entropy(logits: NDArray[np.floating], labels: Labels) -> float:
    """Mean negative log-likelihood of the labels, in nats."""
    scores = logits.astype(np.float64)
    shifted = scores - scores.max(axis=1, keepdims=True)
    of_label = shifted[np.arange(len(scores)), np.asarray(labels)]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - of_label))
