"""Texts in groups: by a number of theirs, by how sure the version was."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.versions.significance import Estimate, estimate_accuracy

CONFIDENCE_BINS = 15
"""As many as the calibration error has."""

_SLICES = 6
_LEAST_TEXTS = 10
_SCORE_BINS = 20


@dataclass(frozen=True)
class Slice:
    """The texts whose number lies in a range, and how many of them were given their label.

    Attributes:
        low: Smallest number of a text in it.
        high: Largest number of a text in it.
        texts: How many there are; at least one.
        right: How many of them were given their label.
    """

    low: float
    high: float
    texts: int
    right: int

    @cached_property
    def accuracy(self) -> Estimate:
        """Share of its texts that were given their label, with its 95 % interval."""
        return estimate_accuracy(self.right, self.texts)


@dataclass(frozen=True)
class ConfidenceBin:
    """The texts whose given label had a probability in a range.

    Attributes:
        low: Where the range begins.
        high: Where it ends.
        texts: How many there are.
        right: How many of them were given their label.
        stated: Mean probability of their given labels; 0 where there is no text.
    """

    low: float
    high: float
    texts: int
    right: int
    stated: float

    @property
    def accuracy(self) -> float:
        """Share of its texts that were given their label; 0 where there is no text."""
        return self.right / self.texts if self.texts else 0.0


def quantile_slices(
    values: NDArray[np.int64] | NDArray[np.float64],
    is_right: NDArray[np.bool_],
    *,
    slices: int = _SLICES,
    apart: float | None = None,
) -> tuple[Slice, ...]:
    """Puts texts into slices of about as many texts each.

    Texts of the same number are in the same slice, so there may be fewer of them.

    Args:
        values: A number for each text.
        is_right: Whether each text was given its label.
        slices: How many at most.
        apart: A number whose texts are a slice of their own, such as 0 where most texts have it.

    Returns:
        By number, ascending; each text is in exactly one.
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
        # A slice ends with a number that occurs: the texts of one number are never parted.
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
    """Puts texts into equally wide bins by the probability of the label given to them.

    Args:
        confidences: From 0 to 1, one for each text.
        is_right: Whether each text was given its label.
        bins: How many.

    Returns:
        All bins from 0 to 1, those without texts among them.
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
    """The bins of the histogram of scores, from the lowest that a given label can have.

    Args:
        confidences: From 0 to 1, one for each text.
        is_right: Whether each text was given its label.
        classes: How many there are: the given label has at least its fair share.
    """
    bins = confidence_bins(confidences, is_right, bins=_SCORE_BINS)
    first = next(
        place for place, one in enumerate(bins) if one.texts or one.high > 1 / classes + 1e-9
    )
    return bins[first:]
