import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.training.evaluation.epochs import FEW_TEXTS, is_as_good


def losses(texts: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).exponential(size=texts)


@given(st.integers(1, 2 * FEW_TEXTS), st.integers(0, 99), st.floats(0, 2))
def test_an_epoch_that_is_not_worse_is_as_good(texts: int, seed: int, lower: float) -> None:
    lowest = losses(texts, seed)
    assert is_as_good(lowest, lowest)
    assert is_as_good(lowest - lower, lowest)


@given(st.integers(2, 2 * FEW_TEXTS), st.integers(0, 99), st.floats(0.01, 2))
def test_an_epoch_that_is_worse_on_every_text_alike_is_not(
    texts: int, seed: int, higher: float
) -> None:
    lowest = losses(texts, seed)
    assert not is_as_good(lowest + higher, lowest)


@pytest.mark.parametrize(
    ("texts", "expected"), [(40, True), (FEW_TEXTS - 2, False), (2_000, False)]
)
def test_a_difference_counts_once_there_are_enough_texts(texts: int, expected: bool) -> None:
    # On half of the texts 0.5 higher, on the others 0.4 lower: 0.05 on average, the standard
    # error of which is 0.07 for 40 texts and 0.02 for 498.
    lowest = losses(texts, 0)
    changed = lowest + np.where(np.arange(texts) % 2, 0.5, -0.4)
    assert is_as_good(changed, lowest) is expected


def test_with_many_texts_the_slightest_difference_counts() -> None:
    lowest = losses(FEW_TEXTS, 0)
    changed = lowest.copy()
    changed[0] += 0.001
    assert not is_as_good(changed, lowest)
    assert is_as_good(changed[1:], lowest[1:])
    assert is_as_good(changed[:2], lowest[:2])
