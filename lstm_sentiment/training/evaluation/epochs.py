"""Which of two epochs is better, judged by few dev texts."""

import numpy as np
from numpy.typing import NDArray

FEW_TEXTS = 500
"""With fewer dev texts, the difference between two epochs is mostly chance."""

_SURE = 2.0  # standard errors: a difference that chance alone makes in 1 of 20 cases


def is_as_good(losses: NDArray[np.float64], lowest: NDArray[np.float64]) -> bool:
    """Returns whether an epoch is as good as the one with the lowest dev loss.

    With 500 dev texts or more, it is if its dev loss is not higher. With fewer, it is unless its
    dev loss is higher by more than two standard errors of the mean difference: the lowest loss of
    many epochs is then mostly due to chance, and a later epoch has the lower learning rate.

    Args:
        losses: Cross entropy of each dev text, float `(texts,)`.
        lowest: The same in the epoch with the lowest mean.
    """
    higher = losses - lowest
    if len(higher) >= FEW_TEXTS or len(higher) < 2:
        return bool(higher.mean() <= 0)
    error = higher.std(ddof=1) / np.sqrt(len(higher))
    return bool(higher.mean() <= _SURE * error)
