"""Slices: each text is in exactly one, whatever the numbers are."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstm_sentiment.report.analysis.slices import confidence_bins, quantile_slices, score_bins
from lstm_sentiment.training.evaluation.calibration import expected_calibration_error

LENGTHS = arrays(np.int64, st.integers(1, 200), elements=st.integers(0, 40))
RATES = arrays(np.float64, st.integers(1, 200), elements=st.sampled_from([0, 0.1, 0.25, 0.5, 1]))
SHARES = arrays(np.float32, st.integers(1, 200), elements=st.floats(0, 1, width=32))


@given(LENGTHS | RATES, st.randoms(), st.sampled_from([None, 0, 0.25]), st.integers(1, 8))
def test_each_text_is_in_exactly_one_slice(
    values: np.ndarray, random: np.random.Generator, apart: float | None, wanted: int
) -> None:
    is_right = np.array([random.random() < 0.5 for _ in values])
    slices = quantile_slices(values, is_right, slices=wanted, apart=apart)
    assert sum(one.texts for one in slices) == len(values)
    assert sum(one.right for one in slices) == is_right.sum()
    assert len(slices) <= wanted + 2
    for one in slices:
        inside = (values >= one.low) & (values <= one.high)
        assert (inside.sum(), is_right[inside].sum()) == (one.texts, one.right)
        assert one.accuracy.low <= one.accuracy.value <= one.accuracy.high
    for one, other in pairwise(slices):
        assert one.high < other.low


def test_slices_have_about_as_many_texts() -> None:
    slices = quantile_slices(np.arange(600), np.ones(600, np.bool_))
    assert [one.texts for one in slices] == [100] * 6


def test_a_number_that_stands_apart_is_a_slice_of_its_own() -> None:
    values = np.array([0.0] * 50 + [0.01 * n for n in range(1, 101)])
    slices = quantile_slices(values, np.ones(150, np.bool_), apart=0.0)
    assert [(one.low, one.texts) for one in slices][:2] == [(0, 50), (0.01, 20)]
    assert len(slices) == 6


def test_few_texts_are_not_cut_into_slices_of_one() -> None:
    assert len(quantile_slices(np.arange(15), np.ones(15, np.bool_))) == 1
    assert quantile_slices(np.zeros(0, np.int64), np.zeros(0, np.bool_)) == ()


@given(SHARES, st.randoms(), st.integers(1, 30))
def test_each_text_is_in_exactly_one_bin(
    confidences: np.ndarray, random: np.random.Generator, bins: int
) -> None:
    is_right = np.array([random.random() < 0.5 for _ in confidences])
    found = confidence_bins(confidences, is_right, bins=bins)
    assert len(found) == bins
    assert sum(one.texts for one in found) == len(confidences)
    assert sum(one.right for one in found) == is_right.sum()
    for one in found:
        assert not one.texts or one.low - 1e-6 <= one.stated <= one.high + 1e-6


@given(st.integers(2, 6), st.integers(1, 100), st.integers(0, 1000))
def test_the_bins_are_those_of_the_calibration_error(classes: int, texts: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), texts).astype(np.float32)
    labels = generator.integers(0, classes, texts)
    is_right = probabilities.argmax(axis=1) == labels
    bins = confidence_bins(probabilities.max(axis=1), is_right)
    error = sum(one.texts * abs(one.stated - one.accuracy) for one in bins) / texts
    assert error == pytest.approx(expected_calibration_error(probabilities, labels), abs=1e-6)


def test_the_histogram_begins_where_a_given_label_can_be() -> None:
    two = score_bins(np.array([0.97]), np.array([True]), 2)
    assert (two[0].low, two[-1].high, two[-1].texts) == (0.5, 1.0, 1)
    # A version whose probabilities do not sum to 1 loses no text.
    assert sum(one.texts for one in score_bins(np.array([0.1]), np.array([True]), 2)) == 1
