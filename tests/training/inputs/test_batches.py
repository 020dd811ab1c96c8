from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import OOV_ID, UnigramTokenizer, build_vocabulary, read_corpus
from lstm_sentiment.training.inputs.batches import NO_LABEL, make_batches
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.inputs.token_rows import TokenRows

lengths = st.lists(st.integers(1, 30), min_size=1, max_size=50)


def ragged(row_lengths: list[int]) -> TokenRows:
    """Rows of ids by which each row can be told from the others."""
    return TokenRows.from_lists([[row + 1] * length for row, length in enumerate(row_lengths)])


def rows(dataset: tf.data.Dataset) -> list[tuple[tuple[int, ...], int]]:
    return [
        (tuple(int(i) for i in ids if i), int(label))
        for token_ids, labels, _ in dataset
        for ids, label in zip(token_ids.numpy(), labels.numpy(), strict=True)
    ]


def padding_share(row_lengths: list[int], dataset: tf.data.Dataset) -> float:
    cells = sum(ids.shape[0] * ids.shape[1] for ids, *_ in dataset)
    return 1 - sum(row_lengths) / cells


@given(lengths, st.integers(1, 16), st.integers(0, 2**32 - 1))
@settings(max_examples=5)
def test_every_text_comes_once_an_epoch_with_its_label_and_the_padding_is_counted_exactly(
    row_lengths: list[int], batch_size: int, seed: int
) -> None:
    labels = list(range(len(row_lengths)))
    batches = make_batches(ragged(row_lengths), labels, batch_size=batch_size, seed=seed)
    expected = [((row + 1,) * length, row) for row, length in enumerate(row_lengths)]
    # Three epochs of one dataset, as making one takes long; the first must be whole in itself.
    three = list(batches.dataset(3))
    one = three[: batches.steps]
    assert Counter(rows(one)) == Counter(expected)
    assert Counter(rows(three)) == Counter(3 * expected)
    assert batches.padding_share == pytest.approx(padding_share(row_lengths, one))
    sizes = [len(ids) for ids, *_ in one]
    assert len(sizes) == batches.steps
    assert sorted(sizes)[1:] == [batch_size] * (len(sizes) - 1)
    assert max(sizes) <= batch_size


def test_targets_go_with_their_texts_and_a_share_without_texts_has_none() -> None:
    targets = np.arange(12, dtype=np.float32).reshape(3, 4)
    batches = make_batches(ragged([3, 1, 2]), [0, 1, 2], batch_size=2, targets=targets)
    found = {}
    for share in (0, 1):
        for ids, labels, place, rows in batches.dataset(1, replicas=2, shares=[share]):
            if labels[0] == NO_LABEL:
                assert rows.numpy().tolist() == [[0, 0, 0, 0]]
                continue
            assert int(place[0]) == share or int(place[1]) == 1
            for label, first, row in zip(
                labels.numpy(), ids.numpy()[:, 0], rows.numpy(), strict=True
            ):
                assert first == label + 1
                found[int(label)] = row.tolist()
    assert found == dict(enumerate(targets.tolist()))


@given(lengths, st.integers(1, 16), st.integers(2, 5), st.data())
@settings(max_examples=3)
def test_replicas_share_each_batch_and_miss_no_text(
    row_lengths: list[int], batch_size: int, replicas: int, data: st.DataObject
) -> None:
    """Whichever workers have which replicas, put together the shares are the whole batches."""
    batches = make_batches(ragged(row_lengths), row_lengths, batch_size=batch_size)
    cut = data.draw(st.integers(1, replicas - 1))
    workers = [range(cut), range(cut, replicas)]
    shares = [
        list(batches.dataset(1, replicas=replicas, shares=own).as_numpy_iterator())
        for own in workers
    ]
    for step, (_, labels, (first, size)) in enumerate(batches.dataset(1).as_numpy_iterator()):
        assert (first, size) == (0, len(labels))
        found: list[int] = []
        sizes: list[int] = []
        for own, own_shares in zip(workers, shares, strict=True):
            for place in range(len(own)):
                ids, own_labels, (own_first, all_texts) = own_shares[step * len(own) + place]
                assert all_texts == size
                assert own_first == sum(sizes)
                real = own_labels != NO_LABEL
                if not real.any():
                    assert ids.tolist() == [[OOV_ID]]
                sizes.append(int(real.sum()))
                found += own_labels[real].tolist()
        assert found == labels.tolist()
        assert max(sizes) - min(sizes) <= 1


@given(lengths, st.integers(1, 16), st.integers(0, 9), st.data())
@settings(max_examples=4)
def test_the_order_goes_on_from_any_step(
    row_lengths: list[int], batch_size: int, seed: int, data: st.DataObject
) -> None:
    batches = make_batches(ragged(row_lengths), row_lengths, batch_size=batch_size, seed=seed)
    first_step = data.draw(st.integers(0, 2 * batches.steps))
    whole = [ids.numpy().tolist() for ids, *_ in batches.dataset(2)]
    rest = [ids.numpy().tolist() for ids, *_ in batches.dataset(2, first_step=first_step)]
    assert rest == whole[first_step:]


def test_the_hotel_sets_batches_hold_little_padding(real_data: Path) -> None:
    corpus = read_corpus([real_data / "hotel_reviews.csv"], text_column="review")
    train, _, _ = corpus.drop_empty().drop_duplicates().split(seed=0)
    tokenizer = UnigramTokenizer(build_vocabulary(train.texts, "unigram"))
    ids = encode_texts(tokenizer, train.texts, max_length=200)
    batches = make_batches(ids, train.labels, batch_size=64)
    assert batches.padding_share < 0.06
    in_third_epoch = padding_share(
        ids.lengths.tolist(), batches.dataset(3, first_step=2 * batches.steps)
    )
    assert in_third_epoch < 0.06


def test_each_epoch_is_shuffled_anew_and_the_seed_decides_how() -> None:
    def two_epochs(seed: int) -> list[tuple[tuple[int, ...], int]]:
        return rows(make_batches(ragged([3] * 40), range(40), batch_size=8, seed=seed).dataset(2))

    first = two_epochs(0)
    assert first[:40] != first[40:]
    assert two_epochs(0) == first
    assert two_epochs(1)[:40] != first[:40]
