#!/usr/bin/env bash
# One would guess: `scipy.stats.binom.pmf(k, n, p)` is defined for every p from 0 to 1. A very small p gives a
# very small probability or 0.0, as it does at p = 1e-300 and at p = 0.
#
# What happens: in a band just above 2.2e-308, the smallest normal number of double precision, the function
# raises OverflowError. The band depends on n: it begins at 4 trials, and with 1,000 trials it reaches 1e-307,
# with 100,000 trials 1e-306. Above the band and below it (subnormal numbers) the function answers. One such p
# in an array makes the call fail for the whole array. `binom.logpmf` and `binom.cdf` answer for the same
# arguments, and `stats.beta.pdf`, which uses the same function of Boost, raises too.
#
# Versions: scipy 1.17.1, numpy 2.4.6.
#
# Why it matters: estimates of rare events (mixtures, filters, e-values, sequential tests) multiply a rate by
# small factors, so that it passes through the band on its way to 0. The program that answered for all rates
# before ends with an error that names `ibeta_derivative`, not the rate. A property-based test finds it too,
# because it tries the smallest normal number. Use `numpy.exp(binom.logpmf(k, n, p))`.
#
# Seen on Linux x86-64, Python 3.11:
#   binom.pmf(1, 10, p): 1e-300: 1e-299, 1e-306: 1e-305, 3e-308: OverflowError, 2.3e-308: OverflowError, 1e-310: 0, 0.0: 0
#   binom.pmf(1, 1000, p): 1e-300: 1e-297, 1e-306: 1e-303, 3e-308: OverflowError, 2.3e-308: OverflowError, 1e-310: 0, 0.0: 0
#   binom.pmf(1, 3, p): 1e-300: 3e-300, 1e-306: 3e-306, 3e-308: 9e-308, 2.3e-308: 6.9e-308, 1e-310: 0, 0.0: 0
#   binom.pmf(1, 10, [0.1, 0.2, 3e-308]): OverflowError
#   exp(binom.logpmf(1, 10, 3e-308)): 3e-307
#   beta.pdf(3e-308, 2, 10): OverflowError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6

cat >"$folder/binomial.py" <<'PYTHON'
"""Prints the probability of one success in n trials for small rates."""
import numpy as np
from scipy import stats

RATES = [1e-300, 1e-306, 3e-308, 2.3e-308, 1e-310, 0.0]


def answer(function, *arguments):
    """Returns the function's value with three digits, or the name of its exception."""
    try:
        return f"{function(*arguments):.3g}"
    except OverflowError as error:
        return type(error).__name__


def answers(trials):
    """Prints and returns the answers for all rates."""
    found = [answer(stats.binom.pmf, 1, trials, rate) for rate in RATES]
    shown = ", ".join(f"{rate}: {value}" for rate, value in zip(RATES, found, strict=True))
    print(f"binom.pmf(1, {trials}, p): {shown}")
    return found


assert answers(10) == ["1e-299", "1e-305", "OverflowError", "OverflowError", "0", "0"]
assert answers(1000) == ["1e-297", "1e-303", "OverflowError", "OverflowError", "0", "0"]
assert answers(3) == ["3e-300", "3e-306", "9e-308", "6.9e-308", "0", "0"]

of_an_array = answer(stats.binom.pmf, 1, 10, np.array([0.1, 0.2, 3e-308]))
print("binom.pmf(1, 10, [0.1, 0.2, 3e-308]):", of_an_array)
by_logarithm = f"{np.exp(stats.binom.logpmf(1, 10, 3e-308)):.3g}"
print("exp(binom.logpmf(1, 10, 3e-308)):", by_logarithm)
of_beta = answer(stats.beta.pdf, 3e-308, 2, 10)
print("beta.pdf(3e-308, 2, 10):", of_beta)
assert (of_an_array, by_logarithm, of_beta) == ("OverflowError", "3e-307", "OverflowError")
PYTHON
"$folder/env/bin/python" "$folder/binomial.py"
