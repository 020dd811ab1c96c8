from collections import Counter

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import UnigramTokenizer, Vocabulary
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
    assert 1 - sum(row_lengths) / cells < 0.15


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
