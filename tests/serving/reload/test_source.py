import logging
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.version_policy import All, Latest, ServableToMonitor, Specific
from lstm_sentiment.serving.reload.source import FileSystemStoragePathSource


class Callback:
    def __init__(self) -> None:
        self.aspired: dict[str, Mapping[int, Path]] = {}
        self.calls = 0
        self.called_twice = threading.Event()

    def __call__(self, name: str, versions: Mapping[int, Path]) -> None:
        self.aspired[name] = versions
        self.calls += 1
        if self.calls == 2:
            self.called_twice.set()


@pytest.fixture
def callback() -> Callback:
    return Callback()


def test_only_folders_with_plain_decimal_names_are_versions(
    tmp_path: Path, callback: Callback
) -> None:
    too_big = str(2**63)
    for name in ("1", "02", "10", ".3.tmp", "4a", "-5", "+6", " 7", "8.0", "٩", too_big, "assets"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("a file is no version")
    FileSystemStoragePathSource([ServableToMonitor("m", tmp_path, All())], callback).poll_once()
    assert callback.aspired == {"m": {1: tmp_path / "1", 2: tmp_path / "02", 10: tmp_path / "10"}}


def test_each_poll_sees_what_is_there_now(tmp_path: Path, callback: Callback) -> None:
    source = FileSystemStoragePathSource([ServableToMonitor("m", tmp_path, Latest())], callback)
    (tmp_path / "9").mkdir()
    source.poll_once()
    assert set(callback.aspired["m"]) == {9}
    (tmp_path / "10").mkdir()
    source.poll_once()
    assert set(callback.aspired["m"]) == {10}
    (tmp_path / "10").rmdir()
    (tmp_path / "9").rmdir()
    source.poll_once()
    assert callback.aspired["m"] == {}


def test_a_base_path_that_cannot_be_read_changes_nothing_and_is_told_once(
    tmp_path: Path, callback: Callback, caplog: pytest.LogCaptureFixture
) -> None:
    base_path, other = tmp_path / "m", tmp_path / "other"
    (other / "1").mkdir(parents=True)
    source = FileSystemStoragePathSource(
        [ServableToMonitor("m", base_path), ServableToMonitor("other", other)], callback
    )
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            source.poll_once()
    assert set(callback.aspired) == {"other"}
    [record] = caplog.records
    assert "cannot be read (No such file or directory)" in record.message
    (base_path / "1").mkdir(parents=True)
    source.poll_once()
    assert set(callback.aspired["m"]) == {1}


def test_an_empty_base_path_aspires_nothing_and_is_told_once(
    tmp_path: Path, callback: Callback, caplog: pytest.LogCaptureFixture
) -> None:
    source = FileSystemStoragePathSource([ServableToMonitor("m", tmp_path)], callback)
    source.poll_once()
    source.poll_once()
    assert callback.aspired == {"m": {}}
    [record] = caplog.records
    assert "no versions of model m found" in record.message


def test_a_missing_specific_version_is_told_and_the_others_aspired(
    tmp_path: Path, callback: Callback, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "1").mkdir()
    source = FileSystemStoragePathSource(
        [ServableToMonitor("m", tmp_path, Specific(frozenset({1, 7})))], callback
    )
    source.poll_once()
    source.poll_once()
    assert set(callback.aspired["m"]) == {1}
    [record] = caplog.records
    assert "version 7 of model m" in record.message


def test_started_it_polls_until_stopped(tmp_path: Path, callback: Callback) -> None:
    before = set(threading.enumerate())
    source = FileSystemStoragePathSource(
        [ServableToMonitor("m", tmp_path)], callback, file_system_poll_wait_seconds=0.001
    )
    source.start()
    assert callback.called_twice.wait(30)
    source.stop()
    assert set(threading.enumerate()) <= before


def test_a_pause_of_zero_polls_once(tmp_path: Path, callback: Callback) -> None:
    before = set(threading.enumerate())
    source = FileSystemStoragePathSource(
        [ServableToMonitor("m", tmp_path)], callback, file_system_poll_wait_seconds=0
    )
    source.start()
    assert set(threading.enumerate()) <= before
    assert callback.calls == 1
    source.stop()


def test_a_negative_pause_is_refused(callback: Callback) -> None:
    with pytest.raises(InvalidInputError, match="must be at least 0"):
        FileSystemStoragePathSource([], callback, file_system_poll_wait_seconds=-1)


def test_other_base_paths_can_be_watched_instead(tmp_path: Path, callback: Callback) -> None:
    for name in ("old", "kept", "new"):
        (tmp_path / name / "1").mkdir(parents=True)
    old, kept, new = (ServableToMonitor(name, tmp_path / name) for name in ("old", "kept", "new"))
    source = FileSystemStoragePathSource([old, kept], callback)
    source.poll_once()
    source.set_servables([kept, new])
    assert {name: set(found) for name, found in callback.aspired.items()} == {
        "old": set(),
        "kept": {1},
        "new": {1},
    }
    calls = callback.calls
    source.poll_once()
    assert callback.calls == calls + 2
