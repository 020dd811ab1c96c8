import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError, pad_token_ids
from lstm_sentiment.text.graph_padding import pad_ragged, strip_padding
from lstm_sentiment.version_folder import OOV_ID, PAD_ID
from tests import strategies

lengths = st.integers(min_value=1, max_value=60)


def test_the_contracts_example() -> None:
    padded = pad_token_ids([[5, 6], []], length=3)
    assert padded.tolist() == [[5, 6, 0], [1, 0, 0]]
    assert padded.dtype == np.int32


@given(strategies.id_batches, lengths)
def test_keeps_the_first_ids_and_fills_with_padding(batch: list[list[int]], length: int) -> None:
    padded = pad_token_ids(batch, length)
    assert padded.shape == (len(batch), length)
    for row, sequence in zip(padded.tolist(), batch, strict=True):
        kept = sequence[:length] or [OOV_ID]
        assert row == kept + [PAD_ID] * (length - len(kept))


@given(strategies.id_batches, lengths)
def test_padding_what_is_padded_changes_nothing(batch: list[list[int]], length: int) -> None:
    padded = pad_token_ids(batch, length)
    assert np.array_equal(pad_token_ids(padded.tolist(), length), padded)


@given(st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=4), lengths)
def test_no_row_is_all_padding(batch: list[list[int]], length: int) -> None:
    assert (pad_token_ids(batch, length) != PAD_ID).any(axis=1).all()


@given(strategies.id_batches, lengths)
def test_the_graph_pads_as_python_does(batch: list[list[int]], length: int) -> None:
    ragged = tf.ragged.constant(batch, dtype=tf.int32, ragged_rank=1)
    in_graph = pad_ragged(ragged, max_length=length).numpy()
    assert np.array_equal(in_graph, pad_token_ids(batch, in_graph.shape[1]))


def test_an_empty_batch_still_has_a_time_step() -> None:
    ragged = tf.RaggedTensor.from_row_lengths(tf.constant([], tf.int32), tf.constant([], tf.int64))
    assert pad_ragged(ragged).shape == (0, 1)


@given(strategies.id_batches, st.integers(0, 5), st.integers(0, 5))
def test_stripping_gives_the_ids_back_whatever_the_padding(
    batch: list[list[int]], left: int, right: int
) -> None:
    longest = max(map(len, batch)) + left + right
    dense = tf.constant(
        [
            [PAD_ID] * left + sequence + [PAD_ID] * (longest - left - len(sequence))
            for sequence in batch
        ],
        dtype=tf.int64,
        shape=(len(batch), longest),
    )
    assert strip_padding(dense).to_list() == batch


@pytest.mark.parametrize("length", [0, -3])
def test_refuses_a_length_that_holds_nothing(length: int) -> None:
    with pytest.raises(InvalidInputError, match=rf"positive integer\. Received: length={length}\."):
        pad_token_ids([[1]], length)


def test_refuses_no_sequences() -> None:
    with pytest.raises(InvalidInputError, match="at least one sequence"):
        pad_token_ids([], 3)


@pytest.mark.parametrize("bad", [-1, 2**31])
def test_refuses_ids_that_int32_cannot_hold(bad: int) -> None:
    with pytest.raises(InvalidInputError, match=f"non-negative `int32`.*{bad}"):
        pad_token_ids([[5, bad]], 2)
