import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.text.corpus.same_texts import (
    are_among,
    are_in,
    exact_digests,
    first_of_each,
    sorted_by_text,
)
from tests.strategies import any_texts

texts_lists = st.lists(st.sampled_from(["", "a", "A", "好"]) | any_texts, max_size=12)


@given(texts_lists)
def test_the_first_of_each_text_is_found(texts: list[str]) -> None:
    first = first_of_each(texts)
    assert [texts[n] for n in first] == list(dict.fromkeys(texts))
    assert (np.diff(first) > 0).all()


@given(texts_lists)
def test_same_texts_stand_side_by_side_in_their_order(texts: list[str]) -> None:
    order, first = sorted_by_text(texts)
    groups = [group for group in np.split(order, np.flatnonzero(first)) if len(group)]
    assert sorted(order) == list(range(len(texts)))
    assert len(groups) == len(set(texts))
    for group in groups:
        assert len({texts[n] for n in group}) == 1
        assert (np.diff(group) > 0).all()


@given(texts_lists, texts_lists)
def test_texts_are_among_others_to_the_character(texts: list[str], others: list[str]) -> None:
    assert are_among(texts, others).tolist() == [text in others for text in texts]
    digests = np.unique(exact_digests(others))
    assert are_in(exact_digests(texts), digests).tolist() == [text in others for text in texts]
