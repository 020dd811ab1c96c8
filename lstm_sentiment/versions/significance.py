"""How far scores can be trusted, and whether two classifiers differ by more than luck.

Nothing here sees a text: only label ids, those that the texts have and those given to them. What is
drawn at random is drawn from how often each combination of ids occurs, which is the same as drawing
texts and takes no longer for more of them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import binomtest

from lstm_sentiment.checks import positive
from lstm_sentiment.errors import InvalidInputError

RESAMPLES = 2000
"""Times that a bootstrap draws anew."""

_Ids = NDArray[np.int64]
_Values = NDArray[np.float64]

# Counts drawn at once: keeps many classes from taking much memory.
_DRAWN_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Estimate:
    """A number and how far it can be trusted.

    Attributes:
        value: As computed from the texts.
        low: Lower end of its confidence interval; not above `value`.
        high: Upper end; not below `value`.
    """

    value: float
    low: float
    high: float

    def __neg__(self) -> "Estimate":
        """The estimate of the opposite."""
        # Not `-x`: nobody expects a difference of -0.0.
        return Estimate(0.0 - self.value, 0.0 - self.high, 0.0 - self.low)

    def to_dict(self) -> dict[str, float]:
        """The three numbers, as JSON holds them."""
        return {"value": self.value, "low": self.low, "high": self.high}


def estimate_accuracy(right: int, texts: int, *, confidence: float = 0.95) -> Estimate:
    """The share of texts given the right label, with Wilson's score interval.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22, 1927. It holds for few texts and for shares near 0 and
    1 too, where the usual plus and minus does not.

    Args:
        right: Texts given the right label.
        texts: All of them, at least one.
        confidence: How often such an interval holds the true share, above 0 and below 1.

    Raises:
        InvalidInputError: If an argument breaks a rule.
    """
    check_confidence(confidence)
    if not 0 <= right <= texts or texts < 1:
        raise InvalidInputError(
            "`right` must be from 0 to `texts`, which must be positive. "
            f"Received: right={right}, texts={texts}."
        )
    interval = binomtest(right, texts).proportion_ci(confidence, method="wilson")
    return _around(right / texts, float(interval.low), float(interval.high))


def estimate_macro_f1(
    labels: _Ids,
    given: _Ids,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """The mean of the classes' F1, with a bootstrap percentile interval.

    B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. Each class keeps
    its number of texts, as it does where a test part is dealt class by class. Of very few texts
    the interval is too narrow: a class of which all are right has nothing else to draw.

    Args:
        labels: True label ids, int `(texts,)`, at least one.
        given: Given label ids, int `(texts,)`.
        confidence: As `estimate_accuracy` takes it.
        resamples: Times to draw.
        seed: The same seed draws the same.

    Returns:
        The estimate. A class that has no text and is given to none does not count.

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
    """By how much the second of two classifiers is more accurate on the same texts.

    R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions
    based on paired data", Statistics in Medicine 17, 1998, method 10: Wilson's intervals of both,
    put together with regard to how often they are right together. It holds for few texts too.

    Args:
        both_right: Texts that both got right.
        only_first_right: Texts that the first alone got right.
        only_second_right: Texts that the second alone got right.
        both_wrong: Texts that neither got right.
        confidence: As `estimate_accuracy` takes it.

    Returns:
        Accuracy of the second less that of the first.

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
    if together > 0:  # a correction for continuity
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
    """By how much the second of two classifiers has the higher macro-F1 on the same texts.

    Both are scored on each draw, so that what is hard for both does not blur what sets them apart:
    a paired bootstrap. P. Koehn, "Statistical significance tests for machine translation
    evaluation", EMNLP 2004; T. Berg-Kirkpatrick, D. Burkett, D. Klein, "An empirical investigation
    of statistical significance in NLP", EMNLP 2012. Drawn as `estimate_macro_f1` draws.

    Args:
        labels: True label ids, int `(texts,)`, at least one.
        first: Label ids given by the first, int `(texts,)`.
        second: Label ids given by the second, int `(texts,)`.
        confidence: As `estimate_accuracy` takes it.
        resamples: Times to draw.
        seed: The same seed draws the same.

    Returns:
        Macro-F1 of the second less that of the first. The two the other way round give exactly the
        opposite.

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
    """How likely chance alone sets two equally good classifiers so far apart: McNemar's exact test.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12, 1947; of the tests for one test set, the one that T. G.
    Dietterich recommends ("Approximate statistical tests for comparing supervised classification
    learning algorithms", Neural Computation 10, 1998). Only texts that one of the two got right
    count: each is the toss of a fair coin if they are equally good. Exact, with the binomial
    distribution, so it holds for few of them too.

    Args:
        only_first_right: Texts that the first alone got right.
        only_second_right: Texts that the second alone got right.

    Returns:
        The two-sided p-value, from 0 to 1; 1 where there is no such text.

    Raises:
        InvalidInputError: If a count is negative.
    """
    if min(only_first_right, only_second_right) < 0:
        raise InvalidInputError(
            "Counts must not be negative. "
            f"Received: only_first_right={only_first_right}, only_second_right={only_second_right}."
        )
    texts = only_first_right + only_second_right
    return float(binomtest(only_first_right, texts).pvalue) if texts else 1.0


def check_confidence(confidence: float) -> None:
    """Checks that a confidence is a share.

    Raises:
        InvalidInputError: If it is not above 0 and below 1.
    """
    if not 0 < confidence < 1:
        raise InvalidInputError(
            "`confidence` must be above 0 and below 1, such as 0.95. "
            f"Received: confidence={confidence}."
        )


@dataclass(frozen=True)
class _Cells:
    """How many texts have each combination of a true label and given ones.

    Attributes:
        ids: True label, and the label given by each classifier, `(cells, 1 + classifiers)`; in
            order, so those of a true label stand together.
        counts: Texts of each, `(cells,)`.
    """

    ids: _Ids
    counts: _Ids

    @classmethod
    def count(cls, *ids: _Ids) -> "_Cells":
        return cls(*np.unique(np.stack(ids, axis=1), axis=0, return_counts=True))

    def key(self) -> list[list[int]]:
        """What orders a table and its mirror image."""
        return [*self.ids.tolist(), self.counts.tolist()]

    def drawn(self, resamples: int, seed: int) -> Iterator[_Ids]:
        """Draws as many texts anew, `(some resamples, cells)` at once."""
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
        """What computes each classifier's macro-F1 of counts `(resamples, cells)`."""
        return [_macro_f1(self.ids[:, 0], given) for given in self.ids.T[1:]]


def _macro_f1(labels: _Ids, given: _Ids) -> Callable[[_Ids], _Values]:
    """What computes macro-F1 of counts `(resamples, cells)`, over the classes that occur."""
    classes, places = np.unique(np.concatenate([labels, given]), return_inverse=True)
    has, is_given = np.split(places, 2)
    right = _sums_by(has, len(classes), has == is_given)
    # Twice the texts that are right, of those that have the label and those given it.
    either = _sums_by(has, len(classes)) + _sums_by(is_given, len(classes))

    def compute(counts: _Ids) -> _Values:
        f1 = 2 * (right @ counts.T) / np.maximum(1, either @ counts.T)
        return np.asarray(f1.mean(axis=0), np.float64)

    return compute


def _sums_by(places: _Ids, size: int, kept: NDArray[np.bool_] | None = None) -> csr_matrix:
    """What adds cells up by class, `(size, cells)`."""
    ones = np.ones(len(places), np.int64) if kept is None else kept.astype(np.int64)
    return csr_matrix((ones, (places, np.arange(len(places)))), (size, len(places)))


def _macro_f1_difference(
    cells: _Cells, confidence: float, resamples: int, seed: int, *, both_ways: bool = False
) -> Estimate:
    first, second = cells.macro_f1
    [value] = second(cells.counts[np.newaxis]) - first(cells.counts[np.newaxis])
    drawn = np.concatenate(
        [second(counts) - first(counts) for counts in cells.drawn(resamples, seed)]
    )
    if both_ways:  # neither way round is the first: both are drawn
        drawn = np.concatenate([drawn, -drawn])
    return _estimate(float(value), drawn, confidence)


def _estimate(value: float, drawn: _Values, confidence: float) -> Estimate:
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return _around(value, float(low), float(high))


def _around(value: float, low: float, high: float) -> Estimate:
    """Rounding, and a skewed bootstrap, may leave the value itself just outside."""
    return Estimate(value, min(low, value), max(high, value))


def _check(*ids: _Ids, confidence: float, resamples: int) -> None:
    check_confidence(confidence)
    sizes = {len(row) for row in ids}
    if len(sizes) > 1 or sizes == {0}:
        raise InvalidInputError(
            "There must be as many given labels as true ones, and at least one. "
            f"Received: {', '.join(str(len(row)) for row in ids)}."
        )
    positive(resamples=resamples)
