import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lstm_sentiment.export.staging import staging_folder

MINUTES_AGO = time.time() - 300

EXPORT = """
import sys
from pathlib import Path
from lstm_sentiment.export.staging import staging_folder

with staging_folder(Path(sys.argv[1])) as folder:
    (folder / "saved_model.pb").write_bytes(b"half")
    print(folder.name, flush=True)
    sys.stdin.read()
"""


def make_old(folder: Path) -> Path:
    os.utime(folder, (MINUTES_AGO, MINUTES_AGO))
    return folder


def left_over(base: Path, name: str) -> Path:
    """What a killed export left a while ago."""
    folder = base / name
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    return make_old(folder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_it_is_beside_the_versions_and_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    with ExitStack() as exports:
        folders = [exports.enter_context(staging_folder(tmp_path)) for _ in range(3)]
        assert {folder.parent for folder in folders} == {tmp_path}
        assert len({folder.name for folder in folders}) == 3
        assert all(folder.name.startswith(".") and not names(folder) for folder in folders)
        (folders[0] / "saved_model.pb").touch()
    assert names(tmp_path) == {"1"}


def test_it_is_gone_after_an_exception_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staging_folder(tmp_path) as folder:
        (folder / "saved_model.pb").touch()
        raise KeyboardInterrupt
    assert names(tmp_path) == set()


def test_what_has_got_its_number_stays(tmp_path: Path) -> None:
    with staging_folder(tmp_path) as folder:
        (folder / "saved_model.pb").touch()
        folder.rename(tmp_path / "1")
    assert (tmp_path / "1" / "saved_model.pb").exists()


def test_what_nobody_writes_to_any_more_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    left_over(tmp_path, ".writing-a")
    left_over(tmp_path, ".writing-b")
    busy = left_over(tmp_path, ".writing-busy")
    (tmp_path / ".writing-new").mkdir()  # as it is a moment before its lock
    others = {"1", "writing-c", ".other", "best"}
    for name in others:
        left_over(tmp_path, name)
    with locked(busy):
        for _ in range(2):
            with staging_folder(tmp_path) as folder:
                assert names(tmp_path) == others | {".writing-busy", ".writing-new", folder.name}
    with staging_folder(tmp_path) as folder:
        assert names(tmp_path) == others | {".writing-new", folder.name}
    assert names(tmp_path) == others | {".writing-new"}


def test_a_long_export_is_not_taken_for_one_that_was_killed(tmp_path: Path) -> None:
    with staging_folder(tmp_path) as long:
        make_old(long)
        with staging_folder(tmp_path):
            pass
        assert long.is_dir()


def test_where_nothing_can_be_locked_all_but_the_cleaning_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(38, "Function not implemented")  # as on Lustre without its option `flock`

    monkeypatch.setattr(fcntl, "flock", refuse)
    left_over(tmp_path, ".writing-a")
    with staging_folder(tmp_path) as folder:
        (folder / "saved_model.pb").touch()
    assert names(tmp_path) == {".writing-a"}


def test_a_killed_export_leaves_no_version_and_the_next_one_clears_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", EXPORT, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as export:
        assert export.stdout is not None
        half = make_old(tmp_path / export.stdout.readline().strip())
        with staging_folder(tmp_path):  # of another process, while the first still writes
            assert (half / "saved_model.pb").read_bytes() == b"half"
        assert names(tmp_path) == {half.name}
        export.kill()
    assert names(tmp_path) == {half.name}
    assert not half.name.isdigit()
    with staging_folder(tmp_path) as folder:
        assert names(tmp_path) == {folder.name}
    assert names(tmp_path) == set()
