"""Files and folders that a process is writing, beside their place, and those of killed processes.

    .NAME.PID.TOKEN.writing     a file or folder that becomes NAME
    .writing-TOKEN              a folder that becomes a version, or a part of one

The writer locks what it writes (`flock`). The lock ends with the process, whatever kills it, and
holds for other containers and for other machines on a shared disk, where a process number says
nothing: another process has it, or has it now. What is not locked is of a process that has ended,
and whoever writes to the folder next deletes it. `TOKEN` begins with a mark of the running kernel:
some file systems keep locks on one machine, so what another machine wrote, or this one before it
was started anew, must also have been left alone for a day. Where nothing can be locked, nothing is
deleted. On Windows an open file cannot be deleted, and a folder cannot be locked: what has been
left alone for a day is deleted.
"""

import hashlib
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from lstm_sentiment.file_locks import FOLDERS_CAN_BE_LOCKED, try_lock, wait_for_lock

_STAGING = ".writing-"
_NAME = re.compile(
    r"\..*\.(?P<pid>\d+)(\.(?P<kernel>[0-9a-f]{8})[0-9a-f]{8})?\.writing"
    r"|\.writing-((?P<of_staging>[0-9a-f]{8})[0-9a-f]{8}|.*)",
    re.DOTALL,
)
_LONGEST_NAME = 255  # bytes, in all usual file systems
_SECONDS_OF_OTHERS = 24 * 60 * 60


def unfinished_path(path: Path) -> Path:
    """Returns a new name beside `path` for what becomes `path`."""
    ending = f".{os.getpid()}.{_token()}.writing"
    name = os.fsencode(path.name)[: _LONGEST_NAME - len(ending) - 1]
    # Half a character may be left at the end.
    return path.with_name(f".{name.decode(sys.getfilesystemencoding(), 'ignore')}{ending}")


@contextmanager
def unfinished_folder(path: Path) -> Iterator[Path]:
    """Yields a new, locked folder beside `path`, to be renamed or emptied; removes it at the end.

    Raises:
        OSError: If the folder cannot be made.
    """
    with _locked_folder(lambda: unfinished_path(path), mode=0o777) as folder:
        yield folder


@contextmanager
def staging_folder(base: Path) -> Iterator[Path]:
    """Yields a new, locked folder under `base` that no server reads, and removes it at the end.

    What killed processes left under `base` is deleted.

    Raises:
        OSError: If the folder cannot be made.
    """
    clear_unfinished(base)
    with _locked_folder(lambda: base / f"{_STAGING}{_token()}", mode=0o700) as folder:
        yield folder


def lock(descriptor: int, path: Path) -> bool:
    """Locks a file that this process has just made, where files must be locked to stay.

    Returns:
        False if another process has deleted it meanwhile, which took it for one of a killed
        process: make another.
    """
    if not FOLDERS_CAN_BE_LOCKED:
        return True
    with suppress(OSError):  # some network file systems have no locks
        wait_for_lock(descriptor)
    return _is_at(descriptor, path)


def clear_unfinished(folder: Path) -> None:
    """Deletes what killed processes have left in a folder, as far as that is possible."""
    with suppress(OSError), os.scandir(folder) as entries:
        for path in [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name)]:
            with suppress(OSError):
                _delete_if_left(path)


@cache
def clear_once(folder: Path) -> None:
    """Calls `clear_unfinished` for a folder, once in a process."""
    clear_unfinished(folder)


def _delete_if_left(path: Path) -> None:
    if path.is_symlink():
        return
    if not FOLDERS_CAN_BE_LOCKED:
        if _is_left_alone(path):
            _delete(path)
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        # The lock stays until all is deleted: a writer that waits for it then makes another.
        if try_lock(descriptor) and _is_at(descriptor, path) and _is_abandoned(path):
            _delete(path)
    finally:
        os.close(descriptor)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def _is_abandoned(path: Path) -> bool:
    """Returns whether nobody writes to a path that is not locked, as far as its name shows."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return False
    kernel = found["kernel"] or found["of_staging"]
    if kernel is None and found["pid"] is not None:
        return not _is_process(int(found["pid"]))  # of an earlier release, which locked nothing
    return kernel in (None, _kernel()) or _is_left_alone(path)


def _is_left_alone(path: Path) -> bool:
    """Returns whether nothing in a file or folder has changed for a day."""
    inner = path.rglob("*") if path.is_dir() else ()
    changed = max(entry.stat().st_mtime for entry in (path, *inner))
    return time.time() - changed > _SECONDS_OF_OTHERS


def _is_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is somebody else's
        return True
    return True


@contextmanager
def _locked_folder(new_path: Callable[[], Path], *, mode: int) -> Iterator[Path]:
    while True:
        folder = new_path()
        folder.mkdir(mode, parents=True)
        with _held(folder) as is_ours:
            if is_ours:
                yield folder
                return


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Locks a new folder and removes it at the end; yields False if it has been deleted."""
    try:
        descriptor = os.open(folder, os.O_RDONLY) if FOLDERS_CAN_BE_LOCKED else None
    except FileNotFoundError:
        yield False
        return
    try:
        yield descriptor is None or lock(descriptor, folder)
    finally:
        if descriptor is not None:
            os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _token() -> str:
    return _kernel() + os.urandom(4).hex()


@cache
def _kernel() -> str:
    """Returns eight digits that name the running kernel, the same in all of its containers."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        name = socket.gethostname().encode()
    return hashlib.sha256(name).hexdigest()[:8]
