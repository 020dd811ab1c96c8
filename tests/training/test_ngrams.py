import tracemalloc
from functools import cache, partial
from typing import Literal

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from lstm_sentiment import InvalidInputError, pad_token_ids
from lstm_sentiment.model.ngram_view import NgramView, NgramWeights, ngram_keys
from lstm_sentiment.training import ngrams
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.ngrams import best_shares, fit_ngrams, mixed_logits
from tests.training.reference_classifier import reference_of

texts = st.lists(st.integers(1, 2**21 - 1), min_size=1, max_size=6)


def some_texts(count: int, seed: int = 0) -> tuple[list[list[int]], list[int]]:
    """Texts whose class shows in one bigram alone: 2 before 3, or 3 before 2."""
    generator = np.random.default_rng(seed)
    rows, labels = [], []
    for index in range(count):
        filler = generator.integers(4, 20, 8).tolist()
        pair = [2, 3] if index % 2 else [3, 2]
        place = int(generator.integers(0, 8))
        rows.append([*filler[:place], *pair, *filler[place:]])
        labels.append(index % 2)
    return rows, labels


def view_of(weights: NgramWeights | None, longest: int, classes: int = 2) -> NgramView:
    assert weights is not None
    view = NgramView(len(weights.keys), classes, longest)
    view.build()
    view.load_ngrams(weights)
    return view


@cache
def view_of_trigrams() -> NgramView:
    rows, labels = some_texts(20)
    weights = fit_ngrams(
        TokenRows.from_lists(rows), labels, num_classes=2, vocabulary_size=20, longest=3
    )
    return view_of(weights, 3)


@given(st.lists(texts, min_size=1, max_size=4), st.integers(1, 3))
def test_ngrams_have_one_key_if_and_only_if_they_are_equal(
    rows: list[list[int]], longest: int
) -> None:
    padded = pad_token_ids(rows, max(map(len, rows)))
    keys = ngram_keys(tf.constant(padded), longest).numpy()
    found: dict[tuple[int, ...], set[int]] = {}
    for row, line in zip(rows, keys, strict=True):
        width = padded.shape[1]
        for n in range(1, longest + 1):
            for start in range(len(row) - n + 1):
                ngram = tuple(row[start : start + n])
                found.setdefault(ngram, set()).add(int(line[(n - 1) * width + start]))
        real = sum(max(0, len(row) - n + 1) for n in range(1, longest + 1))
        assert (line >= 0).sum() == real
    assert all(len(numbers) == 1 for numbers in found.values())
    assert len(set.union(*found.values())) == len(found)


@pytest.mark.parametrize(("texts", "use_idf"), [(60, False), (2_000, True)])
def test_it_is_scikit_learns_classifier_in_the_graph(texts: int, use_idf: bool) -> None:
    rows, labels = some_texts(texts)
    weights = fit_ngrams(
        TokenRows.from_lists(rows), labels, num_classes=2, vocabulary_size=20, longest=2
    )
    view = view_of(weights, 2)
    written = [" ".join(map(str, row)) for row in rows]
    vectorizer = TfidfVectorizer(
        binary=True, min_df=2, ngram_range=(1, 2), token_pattern=r"\S+", norm="l2", use_idf=use_idf
    )
    features = vectorizer.fit_transform(written)
    reference = reference_of(features, labels)
    unseen = [[7, 2, 3, 7, 7], [3, 2], [19]]
    expected = reference(vectorizer.transform([" ".join(map(str, row)) for row in unseen]))
    logits = view.ngram_logits(pad_token_ids(unseen, 7)).numpy()
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected, atol=1e-3)
    assert (logits[:2].argmax(axis=1) == [1, 0]).all()


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_soft_labels_that_are_sure_teach_what_labels_teach(
    class_weights: Literal["none", "balanced"],
) -> None:
    rows, labels = some_texts(60)
    kept = [place for place, label in enumerate(labels) if label or place % 3]
    rows, labels = [rows[place] for place in kept], [labels[place] for place in kept]
    by_labels, by_targets = (
        fit_ngrams(
            TokenRows.from_lists(rows),
            labels,
            num_classes=2,
            vocabulary_size=20,
            longest=2,
            class_weights=class_weights,
            targets=targets,
        )
        for targets in (None, np.eye(2, dtype=np.float32)[labels])
    )
    assert by_labels is not None and by_targets is not None
    np.testing.assert_allclose(by_targets.kernel, by_labels.kernel, atol=1e-2)
    np.testing.assert_allclose(by_targets.bias, by_labels.bias, atol=1e-2)


def test_soft_labels_outweigh_the_hard_ones_that_they_contradict() -> None:
    rows, labels = some_texts(60)
    targets = np.eye(2, dtype=np.float32)[labels]
    targets = 0.25 * targets + 0.75 * targets[:, ::-1]
    view = view_of(
        fit_ngrams(
            TokenRows.from_lists(rows),
            labels,
            num_classes=2,
            vocabulary_size=20,
            longest=2,
            targets=targets,
        ),
        2,
    )
    logits = view.ngram_logits(pad_token_ids(rows, 10)).numpy()
    assert (logits.argmax(axis=1) == 1 - np.array(labels)).all()


@given(st.lists(texts, min_size=1, max_size=3), st.integers(0, 4))
def test_padding_on_either_side_changes_nothing(rows: list[list[int]], more: int) -> None:
    view = view_of_trigrams()
    padded = pad_token_ids([[token % 20 + 1 for token in row] for row in rows], 6)
    plain = view.ngram_logits(padded).numpy()
    for sides in ((0, more), (more, 0)):
        wider = np.pad(padded, [(0, 0), sides])
        np.testing.assert_allclose(view.ngram_logits(wider).numpy(), plain, atol=1e-6)


def test_its_share_decides_how_much_it_says() -> None:
    rows, labels = some_texts(40)
    weights = fit_ngrams(
        TokenRows.from_lists(rows), labels, num_classes=2, vocabulary_size=20, longest=2
    )
    view = view_of(weights, 2)
    ids, logits = pad_token_ids(rows[:4], 10), tf.constant([[1.0, -1.0]] * 4)
    np.testing.assert_allclose(view(ids, logits), logits)
    view.set_share(0.25)
    expected = 0.75 * logits + 0.25 * view.ngram_logits(ids)
    np.testing.assert_allclose(view(ids, logits), expected, rtol=1e-6)


def test_the_share_goes_to_the_view_that_is_right() -> None:
    labels = [0, 1] * 500
    generator = np.random.default_rng(0)
    noise, errors = generator.normal(0, 2, (2, 1000, 2)).astype(np.float32)
    right = np.eye(2, dtype=np.float32)[labels] * 4 + errors
    assert best_shares(right, [], labels) == ()
    assert best_shares(right, [noise], labels)[0] < 0.2
    assert best_shares(noise, [right], labels)[0] > 0.7
    shares = best_shares(noise, [noise[::-1], right], labels)
    assert shares[0] < 0.2 < 0.6 < shares[1]
    assert sum(shares) <= 0.9 + 1e-9
    mixed = mixed_logits(noise, [noise[::-1], right], shares)
    assert (mixed.argmax(axis=1) == labels).mean() > (noise.argmax(axis=1) == labels).mean()


def test_few_texts_leave_shares_to_all_and_many_texts_to_those_that_are_right() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 3000)
    right = np.eye(2)[labels] + generator.normal(0, 1, (3000, 2))
    logits, view = (generator.normal(0, 1, (2, 3000, 2))).astype(np.float32)
    good = right.astype(np.float32)
    few = best_shares(logits[:20], [view[:20], good[:20]], labels[:20])
    many = best_shares(logits, [view, good], labels)
    assert few[0] > 0.2
    assert many[0] < 0.1 and many[1] > 0.7


def test_two_views_that_complete_each_other_both_get_a_share() -> None:
    labels = [0, 1] * 50
    generator = np.random.default_rng(0)
    right = np.eye(2, dtype=np.float32)[labels] * 2
    first, second = (right + generator.normal(0, 2, (100, 2)).astype(np.float32) for _ in range(2))
    shares = best_shares(np.zeros((100, 2), np.float32), [first, second], labels)
    assert min(shares) > 0


@given(st.floats(0.05, 20.0))
def test_the_shares_do_not_depend_on_how_confident_the_lstm_is(confidence: float) -> None:
    labels = [0, 1] * 50
    generator = np.random.default_rng(0)
    right = np.eye(2, dtype=np.float32)[labels] * 2
    lstm, view = (right + generator.normal(0, 2, (100, 2)).astype(np.float32) for _ in range(2))
    answers = []
    for logits in (lstm, np.float32(confidence) * lstm):
        mixed = mixed_logits(logits, [view], best_shares(logits, [view], labels))
        answers.append(mixed.argmax(axis=1))
    np.testing.assert_array_equal(*answers)


def test_of_too_many_tokens_a_sample_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = some_texts(200)
    monkeypatch.setattr(ngrams, "MOST_NGRAMS", 2_000)  # of 1 and 2 tokens: 100 texts of 10
    ids = TokenRows.from_lists(rows)
    train = partial(fit_ngrams, ids, labels, num_classes=2, vocabulary_size=20, longest=2)
    weights, again = train(), train()
    monkeypatch.undo()
    whole = train()
    assert weights is not None and again is not None and whole is not None
    np.testing.assert_array_equal(weights.keys, again.keys)
    assert len(weights.keys) < len(whole.keys)
    assert set(weights.keys) < set(whole.keys)
    logits = view_of(weights, 2).ngram_logits(pad_token_ids(rows, 10)).numpy()
    assert (logits.argmax(axis=1) == labels).mean() > 0.95


def test_without_a_frequent_ngram_there_is_no_view() -> None:
    rows = [[2], [3]]
    assert (
        fit_ngrams(TokenRows.from_lists(rows), [0, 1], num_classes=2, vocabulary_size=4, longest=3)
        is None
    )


def test_too_many_tokens_for_the_keys_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="at most 2,097,152 different tokens"):
        fit_ngrams(
            TokenRows.from_lists([[2]]), [0], num_classes=2, vocabulary_size=2**21 + 1, longest=3
        )


def test_training_takes_some_forty_bytes_an_ngram() -> None:
    generator = np.random.default_rng(0)
    texts, length, longest = 2_000, 30, 3
    ids = (2 + 20_000 * generator.random(texts * length) ** 3).astype(np.int32)
    rows = TokenRows.from_lengths(ids, np.full(texts, length))
    labels = generator.integers(0, 2, texts)
    train = partial(fit_ngrams, num_classes=2, vocabulary_size=20_002, longest=longest)
    train(rows.select(np.arange(50)), labels[:50])  # imports and traces
    tracemalloc.start()
    try:
        train(rows, labels)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 55 * longest * len(ids)
