"""E-values for the difference of two shares, valid however often they are looked at.

A share of texts, such as "longer than 100 characters", is known from the reference as `k0` of `n0`
texts, and from the live texts as `k` of `n`. The null hypothesis is that the two true shares differ
by no more than a tolerance. The e-value divides the likelihood of both counts under Jeffreys'
mixture, Beta(1/2, 1/2), by their largest likelihood under the null hypothesis (universal inference:
Wasserman, Ramdas and Balakrishnan 2020, https://arxiv.org/abs/1912.11436, section 8). Whatever the
true shares are, it stays below a nonnegative martingale of the live texts whose expectation is at
most 1. So by Ville's inequality the probability that it ever reaches `1 / alpha` is at most
`alpha`, for independent texts and with the chance in the reference's counts included. Weighted
means of such e-values have the same property (Ramdas, Grünwald, Vovk and Shafer 2023,
https://arxiv.org/abs/2210.01948).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_LOG_PI = float(np.log(np.pi))
_HALF_LOG_TWO_PI = float(0.5 * np.log(2 * np.pi))
_SHIFT = 8
_BISECTIONS = 45


def log_e_values(
    expected: ArrayLike,
    expected_of: ArrayLike,
    seen: ArrayLike,
    seen_of: ArrayLike,
    tolerance: float,
) -> Floats:
    """Computes the logarithms of the e-values of several shares.

    Args:
        expected: Texts of the reference that have the feature, int; any shapes that broadcast.
        expected_of: Texts of the reference, int.
        seen: Live texts that have the feature, int.
        seen_of: Live texts, int.
        tolerance: Largest difference of the two true shares that is no drift, from 0 to below 1.

    Returns:
        Natural logarithms, float64 of the common shape.
    """
    arrays = (expected, expected_of, seen, seen_of)
    k0, n0, k, n = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in arrays))
    mixture = _log_mixture(k0, n0) + _log_mixture(k, n)
    return np.asarray(mixture - _largest_log_likelihood(k0, n0, k, n, tolerance))


def log_weighted_mean(logarithms: Floats, weights: ArrayLike) -> Any:
    """Returns the logarithm of the weighted mean of e-values, given as logarithms, last axis."""
    with np.errstate(divide="ignore"):
        terms = logarithms + np.log(np.asarray(weights, np.float64))
    highest = terms.max(axis=-1, keepdims=True)
    return highest[..., 0] + np.log(np.exp(terms - highest).sum(axis=-1))


def _log_mixture(k: Floats, n: Floats) -> Floats:
    """Returns the log likelihood of `k` of `n` texts, in order, under Beta(1/2, 1/2)."""
    return _log_gamma(k + 0.5) + _log_gamma(n - k + 0.5) - _log_gamma(n + 1) - _LOG_PI


def _largest_log_likelihood(
    k0: Floats, n0: Floats, k: Floats, n: Floats, tolerance: float
) -> Floats:
    """Returns the largest log likelihood of both counts with shares that `tolerance` allows."""
    share0, share = k0 / n0.clip(min=1), k / n.clip(min=1)
    largest = _log_likelihood(k0, n0, share0) + _log_likelihood(k, n, share)
    # Where the shares are farther apart, the largest is at a difference of just the tolerance.
    apart = (np.abs(share - share0) > tolerance) & (n0 > 0) & (n > 0)
    if not apart.any():
        return largest
    k0, n0, k, n, share0, share = (each[apart] for each in (k0, n0, k, n, share0, share))
    shift = np.where(share > share0, tolerance, -tolerance)
    low, high = np.minimum(share0, share - shift), np.maximum(share0, share - shift)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        rises = _slope(k0, n0, middle) + _slope(k, n, middle + shift) > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    best = (low + high) / 2
    largest = np.array(largest)
    largest[apart] = _log_likelihood(k0, n0, best) + _log_likelihood(k, n, best + shift)
    return largest


def _log_likelihood(k: Floats, n: Floats, share: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        yes = np.where(k > 0, k * np.log(share), 0.0)
        no = np.where(n > k, (n - k) * np.log1p(-share), 0.0)
    return np.asarray(yes + no)


def _slope(k: Floats, n: Floats, share: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        yes = np.where(k > 0, k / share, 0.0)
        no = np.where(n > k, (n - k) / (1 - share), 0.0)
    return np.asarray(yes - no)


def _log_gamma(x: Floats) -> Floats:
    """Returns log(gamma(x)) for x of at least 1/2, by Stirling's series at x + 8."""
    steps = sum(np.log(x + step) for step in range(_SHIFT))
    y = x + _SHIFT
    square = 1 / (y * y)
    series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / y
    return np.asarray((y - 0.5) * np.log(y) - y + _HALF_LOG_TWO_PI + series - steps)
