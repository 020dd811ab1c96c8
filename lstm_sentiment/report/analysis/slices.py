"""Groups texts into slices of a number, such as their length, and into bins of confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.training.evaluation.intervals import Estimate, estimate_accuracy

CONFIDENCE_BINS = 15
"""Number of bins, the same as in the calibration error."""

_SLICES = 6
_LEAST_TEXTS = 10
_SCORE_BINS = 20


@dataclass(frozen=True)
class Slice:
    """The texts whose number lies in a range, and how many of them were classified correctly.

    Attributes:
        low: Smallest number of a text in the slice.
        high: Largest number of a text in the slice.
        texts: Number of texts, at least one.
        right: Number of correctly classified texts.
    """

    low: float
    high: float
    texts: int
    right: int

    @cached_property
    def accuracy(self) -> Estimate:
        """Share of correctly classified texts, with its 95 % interval."""
        return estimate_accuracy(self.right, self.texts)


@dataclass(frozen=True)
class ConfidenceBin:
    """The texts whose predicted label has a probability in a range.

    Attributes:
        low: Lower end of the range.
        high: Upper end of the range.
        texts: Number of texts.
        right: Number of correctly classified texts.
        stated: Mean probability of the predicted labels; 0 without texts.
    """

    low: float
    high: float
    texts: int
    right: int
    stated: float

    @property
    def accuracy(self) -> float:
        """Share of correctly classified texts; 0 without texts."""
        return self.right / self.texts if self.texts else 0.0


def quantile_slices(
    values: NDArray[np.int64] | NDArray[np.float64],
    is_right: NDArray[np.bool_],
    *,
    slices: int = _SLICES,
    apart: float | None = None,
) -> tuple[Slice, ...]:
    """Groups texts into slices of about the same number of texts.

    Texts with the same number fall into the same slice, so there may be fewer than `slices`.

    Args:
        values: A number for each text, `(texts,)`.
        is_right: Whether each text was classified correctly, `(texts,)`.
        slices: Maximum number of slices.
        apart: A number whose texts form a slice of their own, such as 0 if most texts have it.

    Returns:
        The slices in ascending order; each text is in exactly one.
    """
    if not len(values):
        return ()
    ends = {values.max().item()}
    others = values
    if apart is not None and (values == apart).any():
        others, below = values[values != apart], values[values < apart]
        ends |= {apart, *([below.max().item()] if len(below) else ())}
        slices -= 1
    wanted = min(slices, len(others) // _LEAST_TEXTS)
    if wanted > 1:
        # Each slice ends at a number that occurs, so texts with one number stay together.
        inner = np.quantile(others, np.arange(1, wanted) / wanted, method="lower")
        ends.update(inner.tolist())
    return _between(values, is_right, sorted(ends))


def _between(
    values: NDArray[np.int64] | NDArray[np.float64],
    is_right: NDArray[np.bool_],
    ends: Sequence[float],
) -> tuple[Slice, ...]:
    places = np.searchsorted(np.asarray(ends), values)
    found = []
    for place in range(len(ends)):
        inside = places == place
        if inside.any():
            numbers = values[inside]
            found.append(
                Slice(
                    numbers.min().item(),
                    numbers.max().item(),
                    int(inside.sum()),
                    int(is_right[inside].sum()),
                )
            )
    return tuple(found)


def confidence_bins(
    confidences: NDArray[np.floating], is_right: NDArray[np.bool_], *, bins: int = CONFIDENCE_BINS
) -> tuple[ConfidenceBin, ...]:
    """Groups texts into bins of equal width by the probability of their predicted label.

    Args:
        confidences: From 0 to 1, `(texts,)`.
        is_right: Whether each text was classified correctly, `(texts,)`.
        bins: Number of bins.

    Returns:
        All bins from 0 to 1, including bins without texts.
    """
    stated = confidences.astype(np.float64)
    places = np.minimum((stated * bins).astype(np.int64), bins - 1)
    texts = np.bincount(places, minlength=bins)
    right = np.bincount(places, weights=is_right, minlength=bins)
    sums = np.bincount(places, weights=stated, minlength=bins)
    return tuple(
        ConfidenceBin(
            n / bins,
            (n + 1) / bins,
            int(texts[n]),
            int(right[n]),
            float(sums[n] / max(1, texts[n])),
        )
        for n in range(bins)
    )


def score_bins(
    confidences: NDArray[np.floating], is_right: NDArray[np.bool_], classes: int
) -> tuple[ConfidenceBin, ...]:
    """Returns the bins of the score histogram, from the lowest probability of a predicted label.

    Args:
        confidences: From 0 to 1, `(texts,)`.
        is_right: Whether each text was classified correctly, `(texts,)`.
        classes: Number of classes: a predicted label has at least the probability 1 / `classes`.
    """
    bins = confidence_bins(confidences, is_right, bins=_SCORE_BINS)
    first = next(
        place for place, one in enumerate(bins) if one.texts or one.high > 1 / classes + 1e-9
    )
    return bins[first:]
