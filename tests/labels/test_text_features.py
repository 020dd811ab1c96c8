"""Features of texts, and the texts nearest to a suspect."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.labels.nearest import nearest_texts
from lstm_sentiment.labels.text_features import TextFeatures

words = st.lists(st.sampled_from(["good", "bad", "房", "间", "，", "room"]), max_size=8)
texts = st.lists(words.map(" ".join), min_size=1, max_size=8)


@given(texts)
def test_rows_of_known_texts_are_those_of_the_features(texts: list[str]) -> None:
    features = TextFeatures(texts)
    assert abs(features.rows_of(texts) - features.rows).nnz == 0


@given(texts)
def test_rows_have_length_one_and_each_ngram_is_in_two_texts(texts: list[str]) -> None:
    rows = TextFeatures(texts).rows
    lengths = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    assert np.isclose(lengths, 1).sum() + (lengths == 0).sum() == len(texts)
    assert (np.bincount(rows.indices, minlength=rows.shape[1]) >= 2).all()


def test_letter_case_and_width_make_no_difference() -> None:
    rows = TextFeatures(["Good ROOM", "ｇｏｏｄ room"]).rows
    assert (rows[0] != rows[1]).nnz == 0
    assert rows[0].nnz == 3  # two words, and both together


def test_unknown_words_have_no_features() -> None:
    features = TextFeatures(["good room", "good room"])
    assert features.rows_of(["bad", "", "good bad"]).getnnz(axis=1).tolist() == [0, 0, 1]


def test_the_nearest_text_is_trusted_and_has_the_likely_label() -> None:
    found = ["the lift is slow", "the lift is very slow", "the lift is slow here", "nice pool", "x"]
    found += [f"another {number // 2} word {number // 2}" for number in range(60)]
    rows = TextFeatures(found).rows
    labels = np.array([0, *([1] * (len(found) - 1))])
    suspects = np.array([0])

    def nearest(*trusted: int) -> int:
        mask = np.isin(np.arange(len(found)), trusted)
        return int(nearest_texts(rows, labels, mask, suspects, np.array([1]))[0])

    assert nearest(1, 2, 3) == 2
    assert nearest(1, 3) == 1
    assert nearest(3, 4) == -1
