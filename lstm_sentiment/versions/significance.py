"""Estimates scores with confidence intervals, and tests whether two classifiers differ.

All functions work on label ids, true and predicted. The bootstrap draws how often each combination
of ids occurs, which is the same as drawing texts and takes no longer with more texts.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import positive
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.training.evaluation.intervals import (
    Estimate,
    around,
    check_confidence,
    estimate_accuracy,
)

RESAMPLES = 2000
"""Number of bootstrap samples."""

_Ids = NDArray[np.int64]
_Values = NDArray[np.float64]

# Counts drawn in one block, which limits the memory that many classes take.
_DRAWN_AT_ONCE = 2_000_000


def estimate_macro_f1(
    labels: _Ids,
    given: _Ids,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Computes the mean of the classes' F1, with a bootstrap percentile interval.

    B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. Each class keeps
    its number of texts, as in a stratified split. With very few texts the interval is too narrow: a
    class without a mistake has nothing else to draw.

    Args:
        labels: True label ids, int `(texts,)`, at least one.
        given: Predicted label ids, int `(texts,)`.
        confidence: Confidence level of the interval, above 0 and below 1.
        resamples: Number of bootstrap samples.
        seed: Seed of the bootstrap.

    Returns:
        The estimate. A class without true or predicted texts does not count.

    Raises:
        InvalidInputError: If an argument breaks a rule.
    """
    _check(labels, given, confidence=confidence, resamples=resamples)
    cells = _Cells.count(labels, given)
    [f1] = cells.macro_f1
    drawn = [f1(counts) for counts in cells.drawn(resamples, seed)]
    return _estimate(float(f1(cells.counts[np.newaxis])[0]), np.concatenate(drawn), confidence)


def estimate_accuracy_difference(
    both_right: int,
    only_first_right: int,
    only_second_right: int,
    both_wrong: int,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Computes the accuracy of the second of two classifiers minus that of the first.

    R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions
    based on paired data", Statistics in Medicine 17, 1998, method 10: Wilson's intervals of both,
    combined with the correlation of their errors. It is valid for few texts too.

    Args:
        both_right: Texts that both classify correctly.
        only_first_right: Texts that only the first classifies correctly.
        only_second_right: Texts that only the second classifies correctly.
        both_wrong: Texts that neither classifies correctly.
        confidence: Confidence level of the interval, above 0 and below 1.

    Returns:
        The difference with its interval.

    Raises:
        InvalidInputError: If a count is negative, or there is no text.
    """
    counts = (both_right, only_first_right, only_second_right, both_wrong)
    texts = sum(counts)
    if min(counts) < 0 or not texts:
        raise InvalidInputError(
            "Counts must not be negative, and at least one positive. "
            f"Received: {', '.join(map(str, counts))}."
        )
    first_right, second_right = both_right + only_first_right, both_right + only_second_right
    first = estimate_accuracy(first_right, texts, confidence=confidence)
    second = estimate_accuracy(second_right, texts, confidence=confidence)
    together = float(both_right * both_wrong - only_first_right * only_second_right)
    if together > 0:  # continuity correction
        together = max(0.0, together - texts / 2)
    spread = math.prod((first_right, texts - first_right, second_right, texts - second_right))
    correlation = together / math.sqrt(spread) if spread else 0.0

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))

    value = (only_second_right - only_first_right) / texts
    below = reach(second.value - second.low, first.high - first.value)
    above = reach(second.high - second.value, first.value - first.low)
    return Estimate(value, value - below, value + above)


def estimate_macro_f1_difference(
    labels: _Ids,
    first: _Ids,
    second: _Ids,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Computes the macro-F1 of the second of two classifiers minus that of the first.

    A paired bootstrap: both are scored on each sample, so that what is hard for both does not blur
    their difference. P. Koehn, "Statistical significance tests for machine translation evaluation",
    EMNLP 2004; T. Berg-Kirkpatrick, D. Burkett, D. Klein, "An empirical investigation of
    statistical significance in NLP", EMNLP 2012. Samples are drawn as in `estimate_macro_f1`.

    Args:
        labels: True label ids, int `(texts,)`, at least one.
        first: Label ids predicted by the first, int `(texts,)`.
        second: Label ids predicted by the second, int `(texts,)`.
        confidence: Confidence level of the interval, above 0 and below 1.
        resamples: Number of bootstrap samples.
        seed: Seed of the bootstrap.

    Returns:
        The difference with its interval. Swapping the classifiers gives exactly the opposite.

    Raises:
        InvalidInputError: If an argument breaks a rule.
    """
    _check(labels, first, second, confidence=confidence, resamples=resamples)
    cells, mirrored = _Cells.count(labels, first, second), _Cells.count(labels, second, first)
    if cells.key() < mirrored.key():
        return -_macro_f1_difference(mirrored, confidence, resamples, seed)
    both_ways = cells.key() == mirrored.key()
    return _macro_f1_difference(cells, confidence, resamples, seed, both_ways=both_ways)


def mcnemar_p_value(only_first_right: int, only_second_right: int) -> float:
    """Computes the p-value of McNemar's exact test for two classifiers on the same texts.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12, 1947; of the tests for one test set, the one that T. G.
    Dietterich recommends ("Approximate statistical tests for comparing supervised classification
    learning algorithms", Neural Computation 10, 1998). Only texts that exactly one classifier got
    right count: under the null hypothesis each is a fair coin toss, with a binomial distribution.

    Args:
        only_first_right: Texts that only the first classifies correctly.
        only_second_right: Texts that only the second classifies correctly.

    Returns:
        The two-sided p-value, from 0 to 1; 1 without such texts.

    Raises:
        InvalidInputError: If a count is negative.
    """
    if min(only_first_right, only_second_right) < 0:
        raise InvalidInputError(
            "Counts must not be negative. "
            f"Received: only_first_right={only_first_right}, only_second_right={only_second_right}."
        )
    texts, fewer = only_first_right + only_second_right, min(only_first_right, only_second_right)
    # The probability of `middle` heads in as many tosses, as a product that stays near 1, and from
    # there the ratios of the probabilities of ever fewer heads.
    middle = texts // 2
    of_middle = np.prod(1 - 1 / (2 * np.arange(1, middle + 1)))
    if texts % 2:
        of_middle *= texts / (texts + 1)
    heads = np.arange(middle, 0, -1)
    ratios = np.concatenate([[1.0], heads / (texts - heads + 1)])
    tail = of_middle * np.cumprod(ratios)[middle - fewer :].sum()
    return min(1.0, 2 * float(tail))


@dataclass(frozen=True)
class _Cells:
    """A table of how many texts have each combination of true and predicted labels.

    Attributes:
        ids: True label, and the label predicted by each classifier, `(cells, 1 + classifiers)`;
            sorted, so the cells of a true label are adjacent.
        counts: Number of texts, `(cells,)`.
    """

    ids: _Ids
    counts: _Ids

    @classmethod
    def count(cls, *ids: _Ids) -> "_Cells":
        return cls(*np.unique(np.stack(ids, axis=1), axis=0, return_counts=True))

    def key(self) -> list[list[int]]:
        """Returns the key that orders a table and its mirror image."""
        return [*self.ids.tolist(), self.counts.tolist()]

    def drawn(self, resamples: int, seed: int) -> Iterator[_Ids]:
        """Draws samples of as many texts, in blocks of `(some resamples, cells)`."""
        generator = np.random.default_rng(seed)
        starts = np.flatnonzero(np.diff(self.ids[:, 0], prepend=-1))
        at_once = max(1, _DRAWN_AT_ONCE // len(self.counts))
        for start in range(0, resamples, at_once):
            size = min(at_once, resamples - start)
            yield np.concatenate(
                [
                    generator.multinomial(counts.sum(), counts / counts.sum(), size)
                    for counts in np.split(self.counts, starts[1:])
                ],
                axis=1,
            )

    @property
    def macro_f1(self) -> list[Callable[[_Ids], _Values]]:
        """Functions that compute each classifier's macro-F1 from counts `(resamples, cells)`."""
        return [_macro_f1(self.ids[:, 0], given) for given in self.ids.T[1:]]


def _macro_f1(labels: _Ids, given: _Ids) -> Callable[[_Ids], _Values]:
    """Returns a function that computes macro-F1, over the classes that occur, from counts."""
    classes, places = np.unique(np.concatenate([labels, given]), return_inverse=True)
    has, is_given = np.split(places, 2)
    right = _sums_by(has, len(classes), has == is_given)
    true_texts, predicted_texts = _sums_by(has, len(classes)), _sums_by(is_given, len(classes))

    def compute(counts: _Ids) -> _Values:
        # F1 = 2 TP / (true texts + predicted texts) of the class.
        either = true_texts(counts) + predicted_texts(counts)
        f1 = 2 * right(counts) / np.maximum(1, either)
        return np.asarray(f1.mean(axis=0), np.float64)

    return compute


def _sums_by(
    places: _Ids, size: int, kept: NDArray[np.bool_] | None = None
) -> Callable[[_Ids], _Ids]:
    """Returns a function that sums counts `(resamples, cells)` by class, `(size, resamples)`."""
    order = np.argsort(places, kind="stable")
    if kept is not None:
        order = order[kept[order]]
    present, starts = np.unique(places[order], return_index=True)

    def compute(counts: _Ids) -> _Ids:
        sums = np.zeros((size, len(counts)), np.int64)
        if len(present):
            sums[present] = np.add.reduceat(counts.T[order], starts, axis=0)
        return sums

    return compute


def _macro_f1_difference(
    cells: _Cells, confidence: float, resamples: int, seed: int, *, both_ways: bool = False
) -> Estimate:
    first, second = cells.macro_f1
    [value] = second(cells.counts[np.newaxis]) - first(cells.counts[np.newaxis])
    drawn = np.concatenate(
        [second(counts) - first(counts) for counts in cells.drawn(resamples, seed)]
    )
    if both_ways:  # the table is its own mirror image, so the interval must be symmetric
        drawn = np.concatenate([drawn, -drawn])
    return _estimate(float(value), drawn, confidence)


def _estimate(value: float, drawn: _Values, confidence: float) -> Estimate:
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return around(value, float(low), float(high))


def _check(*ids: _Ids, confidence: float, resamples: int) -> None:
    check_confidence(confidence)
    sizes = {len(row) for row in ids}
    if len(sizes) > 1 or sizes == {0}:
        raise InvalidInputError(
            "There must be as many given labels as true ones, and at least one. "
            f"Received: {', '.join(str(len(row)) for row in ids)}."
        )
    positive(resamples=resamples)
