import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.text.corpus.duplicates import (
    are_in,
    distinct,
    exact_digests,
    first_of_each,
    sort_by_digest,
)
from tests.strategies import any_texts

texts_lists = st.lists(st.sampled_from(["", "a", "A", "好"]) | any_texts, max_size=12)


@given(texts_lists)
def test_the_first_of_each_text_is_found(texts: list[str]) -> None:
    first = first_of_each(exact_digests(texts))
    assert [texts[n] for n in first] == list(dict.fromkeys(texts))
    assert (np.diff(first) > 0).all()


@given(texts_lists)
def test_same_texts_stand_side_by_side_in_their_order(texts: list[str]) -> None:
    order, first = sort_by_digest(exact_digests(texts))
    groups = [group for group in np.split(order, np.flatnonzero(first)) if len(group)]
    assert sorted(order) == list(range(len(texts)))
    assert len(groups) == len(set(texts))
    for group in groups:
        assert len({texts[n] for n in group}) == 1
        assert (np.diff(group) > 0).all()


@given(texts_lists, texts_lists)
def test_texts_are_found_among_others_to_the_character(texts: list[str], others: list[str]) -> None:
    digests = distinct(exact_digests(others[:3]), exact_digests(others[3:]))
    assert digests.dtype == np.uint64
    assert len(digests) == len(set(others))
    assert are_in(exact_digests(texts), digests).tolist() == [text in others for text in texts]


def test_no_arrays_have_no_distinct_values() -> None:
    assert distinct().tolist() == []
