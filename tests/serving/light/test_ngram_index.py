"""The hash table of n-grams finds what it holds and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.serving.light.ngram_index import NgramIndex

numbers = st.integers(0, 2**63 - 1)


@given(held=st.lists(numbers, unique=True, max_size=60), asked=st.lists(numbers, max_size=60))
def test_known_keys_are_found(held: list[int], asked: list[int]) -> None:
    keys = np.array(held, np.int64)
    index = NgramIndex(keys)
    known, rows = index.find(np.array([*held, *asked], np.int64))
    assert known.tolist() == [number in held for number in (*held, *asked)]
    assert keys[index.order][rows[: len(held)]].tolist() == held


def test_keys_of_one_bucket() -> None:
    """Of 100,000 consecutive numbers many share a bucket with several others."""
    index = NgramIndex(np.arange(0, 200_000, 2))
    known, rows = index.find(np.arange(200_000))
    assert (known == (np.arange(200_000) % 2 == 0)).all()
    assert (index.order[rows[::2]] == np.arange(100_000)).all()


@pytest.mark.parametrize("number", [-1, -2097150])
def test_negative_keys_are_unknown(number: int) -> None:
    known, _ = NgramIndex(np.arange(3)).find(np.array([number]))
    assert not known.any()
