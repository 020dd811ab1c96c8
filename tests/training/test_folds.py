import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lstm_sentiment.training.folds import (
    FEW_DEV_TEXTS,
    MOST_TEXTS,
    NEVER_HELD_OUT,
    deal_folds,
    number_of_folds,
)

TEXTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=80)
"""The label and the digest of each text."""


def dealt(texts: list[tuple[int, int]], folds: int, seed: int = 0) -> NDArray[np.int64]:
    labels = np.array([label for label, _ in texts], np.int64)
    digests = np.array([digest for _, digest in texts], np.uint64)
    return deal_folds(labels, digests, folds, seed)


def distinct_texts(*counts: int) -> list[tuple[int, int]]:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    return list(zip(labels, range(len(labels)), strict=True))


@given(TEXTS, st.integers(2, 10), st.integers(0, 3))
def test_near_duplicates_share_a_fold_and_every_classifier_knows_every_class(
    texts: list[tuple[int, int]], folds: int, seed: int
) -> None:
    fold = dealt(texts, folds, seed)
    held_out = fold[fold != NEVER_HELD_OUT]
    assert set(held_out) == set(range(int(fold.max()) + 1)) or not len(held_out)
    assert fold.max() < folds
    for digest in {digest for _, digest in texts}:
        assert len({int(fold[i]) for i, text in enumerate(texts) if text[1] == digest}) == 1
    classes = {label for label, _ in texts}
    for number in set(held_out):
        assert {text[0] for text, own in zip(texts, fold, strict=True) if own != number} == classes


@given(st.lists(st.integers(2, 30), min_size=2, max_size=5), st.integers(2, 10))
def test_different_texts_are_each_in_one_fold_stratified_by_class(
    counts: list[int], folds: int
) -> None:
    fold = dealt(distinct_texts(*counts), folds)
    assert (fold != NEVER_HELD_OUT).all()
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1
    labels = np.repeat(np.arange(len(counts)), counts)
    for label in range(len(counts)):
        of_class = np.bincount(fold[labels == label], minlength=len(sizes))
        assert of_class.max() - of_class.min() <= 1


def test_the_seed_deals_the_folds() -> None:
    texts = distinct_texts(20, 20)
    assert dealt(texts, 5, 0).tolist() == dealt(texts, 5, 0).tolist()
    assert dealt(texts, 5, 0).tolist() != dealt(texts, 5, 1).tolist()


def test_a_class_of_one_text_is_never_held_out() -> None:
    fold = dealt(distinct_texts(6, 1, 6), 3)
    assert fold[6] == NEVER_HELD_OUT
    assert sorted(np.bincount(np.delete(fold, 6))) == [4, 4, 4]


def test_soft_labels_make_trainings_longer_so_that_folds_are_fewer() -> None:
    assert number_of_folds("auto", train_texts=90, dev_texts=10, soft_texts=MOST_TEXTS - 100) == 5
    assert number_of_folds("auto", train_texts=90, dev_texts=10, soft_texts=MOST_TEXTS) == 3
    assert number_of_folds("auto", train_texts=90, dev_texts=FEW_DEV_TEXTS, soft_texts=9_000) == 0


@pytest.mark.parametrize(
    ("setting", "train_texts", "dev_texts", "folds"),
    [
        ("auto", 90, 10, 5),
        ("auto", MOST_TEXTS - FEW_DEV_TEXTS, FEW_DEV_TEXTS, 0),
        ("auto", MOST_TEXTS - FEW_DEV_TEXTS, FEW_DEV_TEXTS - 1, 5),
        ("auto", MOST_TEXTS, 1, 0),
        ("off", 90, 10, 0),
        (3, 9_000, 1_000, 3),
    ],
)
def test_auto_is_for_few_texts(
    setting: str | int, train_texts: int, dev_texts: int, folds: int
) -> None:
    assert (
        number_of_folds(setting, train_texts=train_texts, dev_texts=dev_texts)  # type: ignore[arg-type]
        == folds
    )
