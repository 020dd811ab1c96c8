"""Choice of texts whose labels would tell most about all texts.

Transductive experimental design: K. Yu, J. Bi and V. Tresp, "Active Learning via Transductive
Experimental Design", ICML 2006, https://doi.org/10.1145/1143844.1143980. Of a ridge regression on
the features of texts, the variance of its answers for the whole pool depends on which texts have a
label, not on the labels. Each text is chosen so that this variance shrinks most.
"""

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.progress import SILENT, Progress

PENALTY = 2.0
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
        weights: How much each text's answer is in doubt, from 0 to 1, `(texts,)`; `None` weighs all
            alike. A text without doubt needs no label, and its answer counts for nothing.
        progress: Receives one step.

    Returns:
        Positions of the chosen texts in the order of choice, `(number,)`.
    """
    texts, dimensions = features.shape
    doubts = np.ones(texts) if weights is None else weights
    target = ((features * doubts[:, None]).T @ features).astype(np.float64) / max(1, texts)
    precision = labelled.T.astype(np.float64) @ labelled + PENALTY * np.eye(dimensions)
    covariance = np.linalg.inv(precision)
    seen = features @ covariance
    variances = np.einsum("ij,ij->i", seen, features)
    gains = np.einsum("ij,ij->i", seen @ target, seen)
    chosen = np.empty(number, np.int64)
    is_free = np.ones(texts, np.bool_)
    with progress.step("Choosing texts", number) as advance:
        for place in range(number):
            scores = np.where(is_free, doubts * gains / (1 + doubts * variances), -1.0)
            best = int(scores.argmax())
            chosen[place], is_free[best] = best, False
            # The covariance after one more label, by the formula of Sherman and Morrison; the
            # variances and gains of all texts follow without a new product of matrices.
            change = covariance @ features[best]
            step = doubts[best] / (1 + doubts[best] * float(features[best] @ change))
            along = features @ change
            across = features @ (covariance @ (target @ change))
            gains += step * along * (step * along * float(change @ target @ change) - 2 * across)
            variances -= step * along**2
            covariance -= step * np.outer(change, change)
            advance()
    return chosen
