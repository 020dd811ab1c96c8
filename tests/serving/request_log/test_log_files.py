import errno
import os
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment.serving.request_log.log_files import LogFiles, NotWrittenError

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def log_files(folder: Path, **options: Any) -> LogFiles:
    defaults: dict[str, Any] = {"max_bytes": 100, "max_age_seconds": 60.0, "now": lambda: NOW}
    return LogFiles(str(folder / "log"), **{**defaults, **options})


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_a_file_begins_with_its_first_record_and_is_its_owners_alone(tmp_path: Path) -> None:
    files = log_files(tmp_path)
    assert contents(tmp_path) == []
    files.append([b"one", b"two"])
    (path,) = tmp_path.iterdir()
    assert re.fullmatch(rf"log-20260304T050607-{os.getpid()}-\d+", path.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # At once, before the file is closed.
    assert path.read_bytes() == b"onetwo"
    files.close()


@given(sizes=st.lists(st.integers(1, 30), max_size=40), parts=st.integers(1, 5))
@settings(max_examples=50)
def test_no_record_is_lost_split_or_out_of_order_by_rotation(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], parts: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    records = [bytes([at]) * size for at, size in enumerate(sizes, 1)]
    files = log_files(folder, max_bytes=20)
    for begin in range(0, len(records), parts):
        files.append(records[begin : begin + parts])
    files.close()
    found = contents(folder)
    assert b"".join(found) == b"".join(records)
    for content in found:
        whole = [record for record in records if record in content]
        assert b"".join(whole) == content
        assert len(content) <= 20 or len(whole) == 1


def test_an_old_file_takes_no_more_records(tmp_path: Path) -> None:
    seconds = [0.0]
    files = log_files(tmp_path, clock=lambda: seconds[0])
    for seconds[0], record in ((0.0, b"a"), (59.0, b"b"), (60.0, b"c"), (119.0, b"d")):
        files.append([record])
    files.close()
    assert contents(tmp_path) == [b"ab", b"cd"]


@pytest.mark.parametrize("take_away", [Path.unlink, lambda path: path.rename(path.parent / "old")])
def test_a_file_that_somebody_takes_away_gets_no_more_records(
    tmp_path: Path, take_away: Callable[[Path], object]
) -> None:
    files = log_files(tmp_path)
    files.append([b"a"])
    (path,) = tmp_path.iterdir()
    take_away(path)
    files.append([b"b"])
    files.close()
    assert b"b" in contents(tmp_path)
    assert b"ab" not in contents(tmp_path)


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    log_files(tmp_path).append([b"a"])
    log_files(tmp_path).append([b"b"])
    assert contents(tmp_path) == [b"a", b"b"]


def test_a_relative_prefix_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = LogFiles("log", max_bytes=1, max_age_seconds=60)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    files.append([b"a"])
    assert len([*tmp_path.glob("log-*")]) == 1


def test_an_error_leaves_whole_records_and_tells_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, room = log_files(tmp_path), 7
    write = os.write

    def write_until_full(file: int, content: memoryview) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(file, content[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", write_until_full)
    with pytest.raises(NotWrittenError) as caught:
        files.append([b"one", b"two", b"three"])
    assert (caught.value.written, caught.value.reason) == (2, "No space left on device")
    assert contents(tmp_path) == [b"onetwo"]


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    files = log_files(tmp_path / "absent")
    with pytest.raises(NotWrittenError, match="No such file") as caught:
        files.append([b"a"])
    assert caught.value.written == 0
