import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lstm_sentiment.system import write_whole
from lstm_sentiment.unfinished import clear_unfinished, staging_folder, unfinished_folder

EXPORT = """
import sys
from pathlib import Path
from lstm_sentiment.unfinished import staging_folder

with staging_folder(Path(sys.argv[1])) as folder:
    (folder / "saved_model.pb").write_bytes(b"half")
    print(folder.name, flush=True)
    sys.stdin.read()
"""

WRITE = """
import sys
from pathlib import Path
from lstm_sentiment.system import write_whole

with write_whole(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    sys.stdin.read()
"""


def left_over(base: Path, name: str) -> Path:
    """What a killed export left."""
    folder = base / name
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    return folder


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
    others = {"1", "writing-c", ".other", "best"}
    for name in others:
        left_over(tmp_path, name)
    with locked(busy):
        for _ in range(2):
            with staging_folder(tmp_path) as folder:
                assert names(tmp_path) == others | {".writing-busy", folder.name}
    with staging_folder(tmp_path) as folder:
        assert names(tmp_path) == others | {folder.name}
    assert names(tmp_path) == others


def test_a_long_export_is_not_taken_for_one_that_was_killed(tmp_path: Path) -> None:
    with staging_folder(tmp_path) as long:
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
        half = tmp_path / export.stdout.readline().strip()
        with staging_folder(tmp_path):  # of another process, while the first still writes
            assert (half / "saved_model.pb").read_bytes() == b"half"
        assert names(tmp_path) == {half.name}
        export.kill()
    assert names(tmp_path) == {half.name}
    assert not half.name.isdigit()
    with staging_folder(tmp_path) as folder:
        assert names(tmp_path) == {folder.name}
    assert names(tmp_path) == set()


@contextmanager
def written_by_another(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that has half written a file; it is killed at the end."""
    command = [sys.executable, "-c", WRITE, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "half\n"
        try:
            yield writer
        finally:
            writer.kill()


def unfinished_of(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.endswith(".writing")]


def test_what_a_killed_process_wrote_is_gone_with_the_next_file_and_what_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    target = tmp_path / "scores.jsonl"
    target.write_text("earlier")
    with written_by_another(target):
        (half,) = unfinished_of(tmp_path)
        clear_unfinished(tmp_path)
        assert half.read_bytes() == b"half" and target.read_text() == "earlier"
    clear_unfinished(tmp_path)
    assert names(tmp_path) == {"scores.jsonl"}

    with written_by_another(target):
        pass
    assert len(unfinished_of(tmp_path)) == 1
    again = [sys.executable, "-c", WRITE, str(tmp_path / "other.jsonl")]
    subprocess.run(again, input="", text=True, check=True, capture_output=True)
    assert names(tmp_path) == {"scores.jsonl", "other.jsonl"}


def test_the_number_of_a_process_says_nothing_of_who_writes(tmp_path: Path) -> None:
    """As another process has it by now, or one in another container."""
    with written_by_another(tmp_path / "a"):
        (half,) = unfinished_of(tmp_path)
    token = half.name.split(".")[-2]
    reused = half.rename(tmp_path / f".a.{os.getpid()}.{token}.writing")
    clear_unfinished(tmp_path)
    assert not reused.exists()

    with written_by_another(tmp_path / "a"):
        (half,) = unfinished_of(tmp_path)
        nobodys = half.rename(tmp_path / f".a.{2**22 + 1}.{token}.writing")
        clear_unfinished(tmp_path)
        assert nobodys.exists()


def test_what_another_machine_writes_is_left_alone_for_a_day(tmp_path: Path) -> None:
    file, folder = tmp_path / f".a.7.{'f' * 16}.writing", tmp_path / f".writing-{'f' * 16}"
    file.write_bytes(b"half")
    (folder / "variables").mkdir(parents=True)
    (folder / "variables" / "data").touch()
    clear_unfinished(tmp_path)
    assert names(tmp_path) == {file.name, folder.name}

    days_ago = time.time() - 2 * 24 * 60 * 60
    for path in (file, folder, folder / "variables"):
        os.utime(path, (days_ago, days_ago))
    clear_unfinished(tmp_path)
    assert names(tmp_path) == {folder.name}  # a file in it is new
    os.utime(folder / "variables" / "data", (days_ago, days_ago))
    clear_unfinished(tmp_path)
    assert names(tmp_path) == set()


def test_files_of_an_earlier_release_go_with_their_process(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f".test.csv.{ended.pid}.writing").touch()
    (tmp_path / f".token-ids-7f.{ended.pid}.writing").mkdir()
    kept = {f".test.csv.{os.getpid()}.writing", "notes.writing", ".vimrc.writing", "a.7.writing"}
    for name in kept:
        (tmp_path / name).touch()
    (tmp_path / ".link.7.writing").symlink_to(tmp_path / "notes.writing")
    clear_unfinished(tmp_path)
    assert names(tmp_path) == kept | {".link.7.writing"}


def test_who_loses_a_new_file_or_folder_to_another_that_clears_up_makes_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Path] = []

    def lock(descriptor: int, operation: int) -> None:
        if len(taken) < 2:  # between the name and the lock
            (path,) = [path for path in tmp_path.iterdir() if path.name.endswith(".writing")]
            taken.append(path)
            path.rmdir() if path.is_dir() else path.unlink()

    monkeypatch.setattr(fcntl, "flock", lock)
    with write_whole(tmp_path / "a") as file:
        file.write(b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"
    taken.clear()
    with unfinished_folder(tmp_path / "b") as folder:
        (folder / "c").touch()
    assert len(taken) == 2 and names(tmp_path) == {"a"}
