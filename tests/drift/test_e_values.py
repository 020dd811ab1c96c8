"""E-values of the difference of two shares."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, special

from lstm_sentiment.drift.e_values import log_e_values, log_weighted_mean

shares = st.floats(0.0, 1.0)


def reference_value(k0: int, n0: int, k: int, n: int, tolerance: float) -> float:
    """Returns the logarithm as SciPy computes it, the largest likelihood by a search."""

    def mixture(k: int, n: int) -> float:
        return float(special.betaln(k + 0.5, n - k + 0.5) - special.betaln(0.5, 0.5))

    def log_likelihood(share0: float, share: float) -> float:
        parts = ((k0, share0), (n0 - k0, 1 - share0), (k, share), (n - k, 1 - share))
        return float(sum(special.xlogy(count, max(p, 0.0)) for count, p in parts))

    share0, share = k0 / n0, k / n
    if abs(share - share0) <= tolerance:
        largest = log_likelihood(share0, share)
    else:
        shift = math.copysign(tolerance, share - share0)
        low, high = sorted((share0, share - shift))
        found = optimize.minimize_scalar(
            lambda p: -log_likelihood(p, p + shift),
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-12},
        )
        largest = max(-found.fun, *(log_likelihood(p, p + shift) for p in (low, high)))
    return mixture(k0, n0) + mixture(k, n) - largest


@given(
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([0.0, 0.01, 0.05, 0.3]),
)
def test_the_values_are_those_of_scipy(
    reference: tuple[int, int], live: tuple[int, int], tolerance: float
) -> None:
    found = float(log_e_values(*reference, *live, tolerance))
    assert found == pytest.approx(reference_value(*reference, *live, tolerance), rel=1e-6, abs=1e-6)


def binomial(k: NDArray[np.int64], n: int, share: float) -> NDArray[np.float64]:
    """Binomial probabilities of small n; SciPy's overflow where the share is about 1e-308."""
    return np.asarray(special.comb(n, k) * share**k * (1 - share) ** (n - k))


@given(st.integers(1, 40), st.integers(0, 40), shares, st.floats(-0.1, 0.1))
def test_without_drift_the_expected_value_is_at_most_one(
    n0: int, n: int, share0: float, difference: float
) -> None:
    share = min(max(share0 + difference, 0.0), 1.0)
    k0, k = np.arange(n0 + 1)[:, None], np.arange(n + 1)
    chance = binomial(k0, n0, share0) * binomial(k, n, share)
    assert (chance * np.exp(log_e_values(k0, n0, k, n, 0.1))).sum() <= 1 + 1e-9


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_looked_at_after_every_text_alpha_still_bounds_false_alarms(share: float) -> None:
    streams, texts, n0, alpha = 1_500, 400, 60, 0.2
    draw = np.random.default_rng(0)
    k0 = draw.binomial(n0, share, streams)[:, None]
    k = (draw.random((streams, texts)) < share).cumsum(axis=1)
    highest = log_e_values(k0, n0, k, np.arange(1, texts + 1), 0.0).max(axis=1)
    assert (highest >= math.log(1 / alpha)).mean() <= alpha


def test_a_share_that_moved_beyond_the_tolerance_is_found_and_one_within_is_not() -> None:
    seen = np.array([100, 300])
    within, beyond = log_e_values(1000, 10_000, seen * 10, 10_000, 0.05)
    assert within < 0
    assert beyond > math.log(1000)


def test_without_live_texts_there_is_no_evidence() -> None:
    assert (log_e_values([0, 30, 60], 60, 0, 0, 0.02) <= 0).all()


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0.01, 5)), min_size=1, max_size=6).map(
        lambda rows: tuple(map(np.array, zip(*rows, strict=True)))
    )
)
def test_the_weighted_mean_is_that_of_the_values(rows: tuple[np.ndarray, np.ndarray]) -> None:
    logarithms, weights = rows
    expected = math.log((np.exp(logarithms) * weights).sum())
    assert log_weighted_mean(logarithms, weights) == pytest.approx(expected)


def test_a_mean_of_values_too_large_for_a_float_is_finite() -> None:
    mean = log_weighted_mean(np.array([2000.0, -2000.0]), [0.5, 0.5])
    assert mean == pytest.approx(2000 + math.log(0.5))
