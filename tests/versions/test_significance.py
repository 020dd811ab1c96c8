import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.training.evaluation.intervals import Estimate, estimate_accuracy
from lstm_sentiment.training.evaluation.metrics import evaluate_predictions
from lstm_sentiment.versions.significance import (
    estimate_accuracy_difference,
    estimate_macro_f1,
    estimate_macro_f1_difference,
    mcnemar_p_value,
)

Ids = NDArray[np.int64]

answers = st.integers(2, 5).flatmap(
    lambda classes: st.lists(
        st.tuples(*[st.integers(0, classes - 1)] * 3), min_size=1, max_size=30
    ).map(lambda rows: np.array(rows, np.int64).T)
)
"""True labels, and those that two classifiers give."""


def macro_f1(labels: Ids, given: Ids, classes: int = 5) -> float:
    names = [str(i) for i in range(classes)]
    return evaluate_predictions(labels.tolist(), given.tolist(), names).macro_f1


def classifiers(texts: int = 300, classes: int = 3, seed: int = 0) -> tuple[Ids, Ids, Ids]:
    """True labels and what two classifiers give, of which the second is a little better."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, texts)
    first, second = (
        np.where(generator.random(texts) < share, labels, generator.integers(0, classes, texts))
        for share in (0.7, 0.8)
    )
    return labels, first, second


def by_hand(labels: Ids, score: Any, resamples: int = 2000) -> tuple[float, float]:
    """The percentile interval of texts drawn anew, class by class, one by one."""
    generator = np.random.default_rng(1)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    drawn = [
        score(np.concatenate([generator.choice(part, len(part)) for part in members]))
        for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def f1_of(labels: Ids, given: Ids) -> float:
    scores = [
        2 * np.sum((labels == c) & (given == c)) / (np.sum(labels == c) + np.sum(given == c))
        for c in np.unique(labels)
    ]
    return float(np.mean(scores))


@pytest.mark.parametrize(
    ("right", "texts", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (696, 776, 0.874, 0.916),
    ],
)
def test_wilsons_interval_has_its_known_ends(
    right: int, texts: int, low: float, high: float
) -> None:
    found = estimate_accuracy(right, texts)
    assert found.value == right / texts
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)


@given(st.integers(1, 100_000), st.data(), st.floats(0.001, 0.999))
def test_wilsons_interval_is_that_of_scipy(
    texts: int, data: st.DataObject, confidence: float
) -> None:
    right = data.draw(st.integers(0, texts))
    found = estimate_accuracy(right, texts, confidence=confidence)
    wanted = binomtest(right, texts).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=0, abs=1e-12)


@given(st.integers(1, 2000), st.data(), st.floats(0.01, 0.99))
def test_an_accuracy_lies_in_its_interval_and_that_from_0_to_1(
    texts: int, data: st.DataObject, confidence: float
) -> None:
    right = data.draw(st.integers(0, texts))
    found = estimate_accuracy(right, texts, confidence=confidence)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(answers)
def test_macro_f1_is_that_of_the_evaluation_and_lies_in_its_interval(rows: Ids) -> None:
    labels, given, _ = rows
    found = estimate_macro_f1(labels, given, resamples=50)
    assert found.value == pytest.approx(macro_f1(labels, given))
    assert found.value == pytest.approx(f1_score(labels, given, average="macro"), rel=0, abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(answers)
def test_a_macro_f1_difference_is_the_opposite_the_other_way_round(rows: Ids) -> None:
    labels, first, second = rows
    found = estimate_macro_f1_difference(labels, first, second, resamples=50)
    assert found.value == pytest.approx(macro_f1(labels, second) - macro_f1(labels, first))
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert estimate_macro_f1_difference(labels, second, first, resamples=50) == opposite(found)


def test_versions_that_mirror_each_other_are_told_the_same_either_way_round() -> None:
    labels = np.repeat([0, 1], 10)
    first, second = np.tile([0, 1], 10), np.tile([1, 0], 10)
    found = estimate_macro_f1_difference(labels, first, second, resamples=51)
    assert found.low < found.value == 0 < found.high == pytest.approx(-found.low)


def opposite(found: Estimate) -> Any:
    ends: Any = [pytest.approx(x) for x in (-found.value, -found.high, -found.low)]
    return Estimate(*ends)


@given(*[st.integers(0, 300)] * 3, st.integers(1, 300), st.floats(0.01, 0.99))
def test_an_accuracy_difference_lies_in_its_interval_and_is_the_opposite_the_other_way_round(
    both: int, first: int, second: int, neither: int, confidence: float
) -> None:
    found = estimate_accuracy_difference(both, first, second, neither, confidence=confidence)
    texts = both + first + second + neither
    assert found.value == pytest.approx((both + second) / texts - (both + first) / texts)
    assert -1 <= found.low <= found.value <= found.high <= 1
    turned = estimate_accuracy_difference(both, second, first, neither, confidence=confidence)
    assert turned == opposite(found)


def test_newcombes_interval_has_the_ends_of_the_papers_example() -> None:
    found = estimate_accuracy_difference(36, 2, 12, 0)
    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=1e-4)


def test_few_texts_leave_a_wide_interval() -> None:
    few, many = estimate_accuracy_difference(4, 0, 3, 0), estimate_accuracy_difference(400, 0, 3, 0)
    assert few.low < 0 < few.high
    assert 0 < estimate_accuracy_difference(5, 0, 0, 5).high < 0.5
    assert many.high - many.low < 0.03
    assert estimate_accuracy_difference(0, 0, 1, 0).high <= 1


@settings(max_examples=20)
@given(answers, st.randoms(use_true_random=False))
def test_the_order_of_the_texts_does_not_matter(rows: Ids, random: Any) -> None:
    order = list(range(rows.shape[1]))
    random.shuffle(order)
    shuffled = rows[:, order]
    assert estimate_macro_f1_difference(*rows, resamples=20) == estimate_macro_f1_difference(
        *shuffled, resamples=20
    )
    assert estimate_macro_f1(*rows[:2], resamples=20) == estimate_macro_f1(
        *shuffled[:2], resamples=20
    )


@settings(max_examples=20)
@given(answers)
def test_equal_answers_differ_by_nothing(rows: Ids) -> None:
    labels, first, _ = rows
    found = estimate_macro_f1_difference(labels, first, first, resamples=20)
    assert found == Estimate(0, 0, 0)
    right = int(np.sum(first == labels))
    assert estimate_accuracy_difference(right, 0, 0, len(labels) - right).value == 0


def test_a_macro_f1_interval_is_that_of_texts_drawn_one_by_one() -> None:
    labels, _, given = classifiers()
    found = estimate_macro_f1(labels, given)
    drawn = by_hand(labels, lambda texts: f1_of(labels[texts], given[texts]))
    assert (found.low, found.high) == pytest.approx(drawn, abs=0.008)


def test_intervals_of_differences_are_those_of_texts_drawn_one_by_one() -> None:
    labels, first, second = classifiers()
    right, also_right = first == labels, second == labels
    accuracy = estimate_accuracy_difference(
        *(int(np.sum(part)) for part in table(right, also_right))
    )
    better = also_right.astype(int) - right
    drawn = by_hand(labels, lambda texts: better[texts].mean())
    assert (accuracy.low, accuracy.high) == pytest.approx(drawn, abs=0.012)
    found = estimate_macro_f1_difference(labels, first, second)
    drawn = by_hand(
        labels,
        lambda texts: f1_of(labels[texts], second[texts]) - f1_of(labels[texts], first[texts]),
    )
    assert (found.low, found.high) == pytest.approx(drawn, abs=0.012)


def table(right: Any, also_right: Any) -> list[Any]:
    return [right & also_right, right & ~also_right, ~right & also_right, ~right & ~also_right]


def test_what_is_paired_is_told_more_exactly_than_what_is_not() -> None:
    labels, first, _ = classifiers()
    second = first.copy()
    wrong = np.flatnonzero(first != labels)[:9]
    second[wrong] = labels[wrong]
    found = estimate_macro_f1_difference(labels, first, second)
    alone = estimate_macro_f1(labels, first)
    assert found.low > 0
    assert found.high - found.low < (alone.high - alone.low) / 2


def test_a_class_keeps_its_size_so_that_a_rare_one_is_never_lost() -> None:
    labels = np.array([0] * 50 + [1])
    found = estimate_macro_f1(labels, labels)
    assert found == Estimate(1, 1, 1)
    wrong = np.zeros(51, np.int64)
    assert estimate_macro_f1(labels, wrong).high == pytest.approx(f1_of(labels, wrong))


def test_more_confidence_is_a_wider_interval_and_the_same_seed_the_same() -> None:
    labels, first, second = classifiers()
    widths = []
    for confidence in (0.5, 0.9, 0.99):
        found = (
            estimate_macro_f1_difference(labels, first, second, confidence=confidence),
            estimate_accuracy_difference(50, 9, 9, 9, confidence=confidence),
            estimate_accuracy(50, 90, confidence=confidence),
        )
        widths.append([one.high - one.low for one in found])
    assert all(np.diff(np.array(widths), axis=0).ravel() > 0.02)
    for estimate in (
        estimate_macro_f1_difference,
        lambda y, a, _, **o: estimate_macro_f1(y, a, **o),
    ):
        assert estimate(labels, first, second, seed=5) == estimate(labels, first, second, seed=5)
        assert estimate(labels, first, second, seed=5) != estimate(labels, first, second, seed=6)


def test_many_classes_are_drawn_in_parts() -> None:
    rows = classifiers(texts=1000, classes=20)
    whole = estimate_macro_f1_difference(*rows, resamples=2_000)
    parts = estimate_macro_f1_difference(*rows, resamples=12_000)
    assert parts.value == whole.value
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=0.005)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemars_p_is_that_of_so_many_tosses_of_a_coin(first: int, second: int) -> None:
    tosses = first + second
    tail = sum(math.comb(tosses, k) for k in range(min(first, second) + 1)) / 2**tosses
    p = mcnemar_p_value(first, second)
    assert p == pytest.approx(min(1.0, 2 * tail))
    assert 0 <= p <= 1
    assert p == pytest.approx(mcnemar_p_value(second, first))
    if first == second:
        assert p == 1


@given(st.integers(0, 200_000), st.floats(-9, 9))
def test_mcnemars_p_is_that_of_scipy_for_many_texts(texts: int, deviations: float) -> None:
    first = min(max(round((texts + deviations * texts**0.5) / 2), 0), texts)
    wanted = binomtest(first, texts).pvalue if texts else 1.0
    assert mcnemar_p_value(first, texts - first) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: estimate_accuracy(1, 0), "Received: right=1, texts=0"),
        (lambda: estimate_accuracy(3, 2), "Received: right=3, texts=2"),
        (lambda: estimate_accuracy(1, 2, confidence=95), "above 0 and below 1"),
        (lambda: estimate_macro_f1(np.array([]), np.array([])), "Received: 0, 0"),
        (lambda: estimate_macro_f1(np.array([1]), np.array([1, 0])), "Received: 1, 2"),
        (lambda: estimate_macro_f1(np.array([1]), np.array([1]), resamples=0), "resamples=0"),
        (lambda: estimate_accuracy_difference(0, 0, 0, 0), "Received: 0, 0, 0, 0"),
        (lambda: estimate_accuracy_difference(1, -1, 0, 0), "Received: 1, -1, 0, 0"),
        (lambda: mcnemar_p_value(-1, 2), "only_first_right=-1"),
    ],
)
def test_what_breaks_a_rule_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        call()
