"""Rows of ids: the same in memory, selected, and mapped from a file."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import pad_token_ids
from lstm_sentiment.training.inputs.token_rows import TokenRows, save_token_rows, token_rows

rows_of_ids = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=7), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


@given(rows_of_ids, st.data())
def test_a_batch_is_padded_to_its_longest_row(rows: list[list[int]], data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=40))
    wanted = [rows[i] for i in positions]
    found = TokenRows.from_lists(rows).padded(np.array(positions))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, pad_token_ids(wanted, length=max(map(len, wanted))))
    selected = TokenRows.from_lists(rows).select(np.array(positions))
    assert selected.to_list() == wanted
    np.testing.assert_array_equal(selected.padded(np.arange(len(positions))), found)


@given(rows_of_ids, st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=20)
def test_a_file_gives_back_what_was_written_in_parts(
    folder: Path, rows: list[list[int]], parts: int, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = TokenRows.from_lists(rows).select(order)
    cuts = np.array_split(np.arange(len(rows)), parts)
    stored = save_token_rows((shuffled.select(cut) for cut in cuts), folder / "ids")
    assert isinstance(stored.flat, np.memmap)
    again = TokenRows.load(folder / "ids")
    assert stored.to_list() == again.to_list() == [rows[i] for i in order]
    assert [path.name for path in folder.iterdir()] == ["ids"]


@given(rows_of_ids)
def test_ids_are_counted(rows: list[list[int]]) -> None:
    ids = TokenRows.from_lists(rows)
    counts = Counter(i for row in rows for i in row)
    assert ids.counts(10).tolist() == [counts[i] for i in range(10)]
    assert ids.oov_rate == pytest.approx(counts[1] / sum(counts.values()))
    assert len(ids) == len(rows)


def test_ragged_tensors_are_put_one_after_the_other() -> None:
    parts = [tf.ragged.constant(rows, dtype=tf.int32) for rows in ([[2], [3, 4]], [[5, 6, 7]])]
    assert token_rows(parts).to_list() == [[2], [3, 4], [5, 6, 7]]
    assert token_rows([]).to_list() == []


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    save_token_rows([TokenRows.from_lists([[2, 3]])], tmp_path / "ids")

    def broken() -> Iterator[TokenRows]:
        yield TokenRows.from_lists([[4]])
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        save_token_rows(broken(), tmp_path / "ids")
    assert TokenRows.load(tmp_path / "ids").to_list() == [[2, 3]]
    assert [path.name for path in tmp_path.iterdir()] == ["ids"]


def test_lengths_that_do_not_fit_the_ids_are_damage(tmp_path: Path) -> None:
    save_token_rows([TokenRows.from_lists([[2, 3], [4]])], tmp_path / "ids")
    np.save(tmp_path / "ids" / "lengths.npy", np.array([2, 2]))
    with pytest.raises(ValueError, match="lengths and ids must agree"):
        TokenRows.load(tmp_path / "ids")


def test_the_oov_rate_of_each_row_is_its_own() -> None:
    rows = TokenRows.from_lists([[1], [2, 1, 2, 3], [2, 3]])
    np.testing.assert_array_equal(rows.oov_rates, [1.0, 0.25, 0.0])
    assert TokenRows.from_lists([]).oov_rates.shape == (0,)
