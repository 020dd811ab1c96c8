import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lstm_sentiment import InvalidInputError, TrainingError
from lstm_sentiment.training.records.checkpoint import (
    Checkpoint,
    before,
    has_checkpoint,
    load_checkpoint,
    load_last,
    save_checkpoint,
)
from tests.recorder import Recorder

FIRST = Checkpoint({"model": [np.arange(3.0)]}, {"step": 1})
SECOND = Checkpoint({"model": [np.ones(3)]}, {"step": 2})

lists_of_arrays = st.lists(
    arrays.arrays(
        st.sampled_from([np.float32, np.int64, np.uint32]),
        arrays.array_shapes(min_dims=0, max_dims=2, max_side=3),
    ),
    min_size=1,
    max_size=12,
)
values = st.dictionaries(
    st.text(max_size=3), st.integers() | st.lists(st.floats(allow_nan=False)), max_size=3
)


@given(st.dictionaries(st.sampled_from(["model", "best"]), lists_of_arrays), values)
def test_what_is_saved_is_what_is_loaded(
    tmp_path_factory: pytest.TempPathFactory,
    stored: dict[str, list[np.ndarray]],
    more: dict[str, object],
) -> None:
    path = tmp_path_factory.mktemp("checkpoint") / "below" / "last.npz"
    save_checkpoint(Checkpoint(stored, more), path)
    loaded = load_checkpoint(path)
    assert loaded.values == more
    assert loaded.arrays.keys() == stored.keys()
    for name, expected in stored.items():
        for ours, theirs in zip(expected, loaded.arrays[name], strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)


def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.npz"
    save_checkpoint(FIRST, path)

    def full(file: object, **kept: object) -> None:
        file.write(b"some")  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(TrainingError, match=r"No space left on device\. The checkpoint before"):
        save_checkpoint(SECOND, path)
    monkeypatch.undo()
    assert load_checkpoint(path).values == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.npz"]


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"cannot be written: .* There is none yet"):
        save_checkpoint(FIRST, tmp_path / "file" / "last.npz")


def test_a_damaged_checkpoint_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "last.npz"
    with pytest.raises(InvalidInputError, match=r"last\.npz: there is no such checkpoint"):
        load_checkpoint(path)
    save_checkpoint(FIRST, path)
    whole = path.read_bytes()
    for damaged in (b"", b"PK\x03\x04 not a zip", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(InvalidInputError, match=r"must be a whole checkpoint"):
            load_checkpoint(path)


@given(st.data())
def test_any_flipped_bit_is_seen_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("checkpoint") / "last.npz"
    save_checkpoint(FIRST, path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        found = load_checkpoint(path)
    except InvalidInputError as error:
        assert "must be a whole checkpoint" in str(error)
    else:
        assert found.values == FIRST.values
        np.testing.assert_array_equal(found.arrays["model"][0], FIRST.arrays["model"][0])


def test_in_the_place_of_a_damaged_checkpoint_the_one_before_is_taken(tmp_path: Path) -> None:
    path, recorder = tmp_path / "checkpoints" / "last.npz", Recorder()
    assert not has_checkpoint(path)
    save_checkpoint(FIRST, path)
    save_checkpoint(SECOND, path)
    assert load_last(path, recorder).values == {"step": 2} and recorder.said == []
    path.write_bytes(path.read_bytes()[:-1])
    assert load_last(path, recorder).values == {"step": 1}
    (said,) = recorder.said
    assert said.startswith(f"{path} is damaged")

    path.unlink()  # as a process leaves it that was killed between two renames
    assert has_checkpoint(path) and load_last(path).values == {"step": 1}
    save_checkpoint(SECOND, path)
    assert load_last(path).values == {"step": 2}
    for damaged in (path, before(path)):
        damaged.write_bytes(b"none")
    with pytest.raises(InvalidInputError, match=r"damaged\. Delete .*checkpoints, and the run"):
        load_last(path)
