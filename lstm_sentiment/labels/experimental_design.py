"""Choice of texts whose labels would tell most about all texts.

Transductive experimental design: K. Yu, J. Bi and V. Tresp, "Active Learning via Transductive
Experimental Design", ICML 2006, https://doi.org/10.1145/1143844.1143980. Of a ridge regression on
the features of texts, the variance of its answers for the whole pool depends on which texts have a
label, not on the labels. Each text is chosen so that this variance shrinks most.
"""

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.progress import SILENT, Progress

PENALTY = 0.5
"""Of the ridge regression, in texts: below it, rare directions are explored first."""


def design(
    features: NDArray[np.float32],
    number: int,
    *,
    labelled: NDArray[np.float32],
    weights: NDArray[np.float64] | None = None,
    progress: Progress = SILENT,
) -> NDArray[np.int64]:
    """Chooses the texts whose labels lower the variance of the answers for all texts most.

    One text is chosen after the other; each takes time that grows with the texts and not with the
    number chosen before.

    Args:
        features: Of the texts to choose from, float32 `(texts, dimensions)`.
        number: How many to choose, at most all.
        labelled: Features of texts that have a label, float32 `(labelled, dimensions)`.
        weights: How much the variance of each text's answer counts, from 0 to 1, `(texts,)`; `None`
            weighs all alike.
        progress: Receives one step.

    Returns:
        Positions of the chosen texts in the order of choice, `(number,)`.
    """
    texts, dimensions = features.shape
    counted = features if weights is None else features * weights[:, None].astype(np.float32)
    target = (counted.T @ features).astype(np.float64)
    precision = labelled.T.astype(np.float64) @ labelled + PENALTY * np.eye(dimensions)
    covariance = np.asarray(np.linalg.inv(precision), np.float64)
    variances = _squares(features, covariance)
    gains = _squares(features, covariance @ target @ covariance)
    chosen = np.empty(number, np.int64)
    is_free = np.ones(texts, np.bool_)
    with progress.step("Choosing texts", number) as advance:
        for place in range(number):
            scores = np.where(is_free, gains / (1 + variances), -1.0)
            best = int(scores.argmax())
            chosen[place], is_free[best] = best, False
            # The covariance after one more label, by the formula of Sherman and Morrison; the
            # variances and gains of all texts follow without a new product of matrices.
            change = covariance @ features[best]
            step = 1 / (1 + float(features[best] @ change))
            spread = target @ change
            both = np.stack([change, covariance @ spread], axis=1).astype(np.float32)
            along, across = (features @ both).T.astype(np.float64)
            gains += step * along * (step * along * float(change @ spread) - 2 * across)
            variances -= step * along**2
            covariance -= step * np.outer(change, change)
            advance()
    return chosen


def _squares(features: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the product of each text's features with a symmetric matrix and with themselves."""
    products = features @ matrix.astype(np.float32)
    return np.einsum("ij,ij->i", products, features).astype(np.float64)
