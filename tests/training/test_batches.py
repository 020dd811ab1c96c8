from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import UnigramTokenizer, Vocabulary, build_vocabulary, read_corpus
from lstm_sentiment.training.batches import Batches, encode_texts, make_batches

lengths = st.lists(st.integers(1, 30), min_size=1, max_size=50)


def ragged(row_lengths: list[int]) -> tf.RaggedTensor:
    """Rows of ids by which each row can be told from the others."""
    return tf.ragged.constant(
        [[row + 1] * length for row, length in enumerate(row_lengths)], dtype=tf.int32
    )


def rows(batches: Batches) -> list[tuple[tuple[int, ...], int]]:
    return [
        (tuple(int(i) for i in ids if i), int(label))
        for token_ids, labels in batches.dataset
        for ids, label in zip(token_ids.numpy(), labels.numpy(), strict=True)
    ]


@given(lengths, st.integers(1, 16), st.sampled_from([None, 0, 1]))
@settings(max_examples=15)
def test_every_text_comes_once_with_its_label(
    row_lengths: list[int], batch_size: int, seed: int | None
) -> None:
    labels = list(range(len(row_lengths)))
    batches = make_batches(ragged(row_lengths), labels, batch_size=batch_size, shuffle_seed=seed)
    expected = [((row + 1,) * length, row) for row, length in enumerate(row_lengths)]
    assert Counter(rows(batches)) == Counter(expected)
    shapes = [ids.shape for ids, _ in batches.dataset]
    assert len(shapes) == batches.steps
    assert all(size <= batch_size for size, _ in shapes)


def test_texts_of_like_length_are_together() -> None:
    row_lengths = np.random.default_rng(0).integers(1, 200, 2_000).tolist()
    batches = make_batches(ragged(row_lengths), [0] * 2_000, batch_size=64, shuffle_seed=0)
    cells = sum(ids.shape[0] * ids.shape[1] for ids, _ in batches.dataset)
    padding = 1 - sum(row_lengths) / cells
    assert padding < 0.15
    assert batches.padding_share == pytest.approx(padding, abs=0.01)


@given(lengths, st.integers(1, 16))
@settings(max_examples=15)
def test_the_padding_of_unshuffled_batches_is_counted_exactly(
    row_lengths: list[int], batch_size: int
) -> None:
    batches = make_batches(ragged(row_lengths), [0] * len(row_lengths), batch_size=batch_size)
    cells = sum(ids.shape[0] * ids.shape[1] for ids, _ in batches.dataset)
    assert batches.padding_share == pytest.approx(1 - sum(row_lengths) / cells)


def test_the_hotel_sets_batches_hold_little_padding(real_data: Path) -> None:
    corpus = read_corpus([real_data / "hotel_reviews.csv"], text_column="review")
    train, _, _ = corpus.drop_empty().drop_duplicates().split(seed=0)
    tokenizer = UnigramTokenizer(build_vocabulary(train.texts, "unigram"))
    ids = encode_texts(tokenizer, train.texts, max_length=200)
    batches = make_batches(ids, train.labels, batch_size=64, shuffle_seed=0)
    assert batches.padding_share < 0.15


def test_each_epoch_is_shuffled_anew_and_the_seed_decides_how() -> None:
    def epochs(seed: int) -> list[list[tuple[tuple[int, ...], int]]]:
        batches = make_batches(ragged([3] * 40), range(40), batch_size=8, shuffle_seed=seed)
        return [rows(batches), rows(batches)]

    first, second = epochs(0)
    assert first != second
    assert epochs(0) == [first, second]
    assert epochs(1)[0] != first


def test_texts_are_cut_to_the_longest_wanted() -> None:
    tokenizer = UnigramTokenizer(Vocabulary(["很", "好"]))
    ids = encode_texts(tokenizer, ["很好很好", "", "好"], max_length=3)
    assert ids.to_list() == [[2, 3, 2], [1], [3]]


class Counting(UnigramTokenizer):
    """Counts the texts that it tokenizes."""

    texts = 0

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        self.texts += len(texts)
        return super().__call__(texts)


def test_ids_on_disk_are_found_by_the_next_run_and_by_no_other(tmp_path: Path) -> None:
    texts, words = ["很好很好", "", "好"], ["很", "好"]
    first = Counting(Vocabulary(words))
    ids = encode_texts(first, texts, cache_dir=tmp_path)
    again = Counting(Vocabulary(words))
    assert encode_texts(again, texts, cache_dir=tmp_path).to_list() == ids.to_list()
    assert (first.texts, again.texts) == (3, 0)

    others = (
        (Counting(Vocabulary(["好", "很"])), texts, None),
        (Counting(Vocabulary(words), normalization="none"), texts, None),
        (Counting(Vocabulary(words)), ["很好很", "好", "好"], None),
        (Counting(Vocabulary(words)), texts, 2),
    )
    for tokenizer, other_texts, max_length in others:
        found = encode_texts(tokenizer, other_texts, max_length=max_length, cache_dir=tmp_path)
        assert tokenizer.texts == 3
        plain = encode_texts(tokenizer, other_texts, max_length=max_length)
        assert found.to_list() == plain.to_list()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip"])
def test_damaged_ids_on_disk_are_made_anew(tmp_path: Path, damage: bytes) -> None:
    tokenizer = UnigramTokenizer(Vocabulary(["很", "好"]))
    ids = encode_texts(tokenizer, ["很好"], cache_dir=tmp_path)
    (cached,) = tmp_path.iterdir()
    whole = cached.read_bytes()
    for content in (damage, whole[: len(whole) // 2]):
        cached.write_bytes(content)
        assert encode_texts(tokenizer, ["很好"], cache_dir=tmp_path).to_list() == ids.to_list()
        assert cached.read_bytes() == whole
