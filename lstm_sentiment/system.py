"""Calls of the operating system: CPUs, memory, descriptors, and files that appear whole."""

import ctypes
import errno
import math
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lstm_sentiment.cgroup import cpu_limit
from lstm_sentiment.unfinished import clear_once, lock, unfinished_path

if sys.platform != "win32":
    import resource

# What Linux allows a process at most by itself.
_MOST_DESCRIPTORS = 2**20
# What `select` of Windows watches at most, by which asyncio waits for sockets there:
# https://docs.python.org/3/library/asyncio-platforms.html#windows
_MOST_SELECTED = 512
_SECONDS_BETWEEN_SIGNALS = 0.5
# How long a reader or a virus scanner may keep a file open on Windows, where it cannot be replaced.
_SECONDS_TO_REPLACE, _SECONDS_BETWEEN_TRIES = 2.0, 0.05

NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
"""Errors of a process, and of a system, that has no descriptor left."""

# Of malloc.h.
_M_ARENA_MAX = -8


def usable_cpus() -> int:
    """Returns the number of CPUs that this process may use, for numbers of threads.

    `taskset` and the like set the CPUs that it may run on; the limit of a container, as of
    Kubernetes, sets for how long. More threads would spend that time early and then wait.
    """
    limit = cpu_limit()
    return _runnable_cpus() if limit is None else min(_runnable_cpus(), max(1, math.ceil(limit)))


def _runnable_cpus() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def write_whole(path: Path) -> Iterator[BinaryIO]:
    """Opens a file beside `path` that takes its place when it is complete and on the disk.

    Where writing fails, what was at `path` stays as it was. A file that is replaced keeps owner and
    permissions, and one that may not be written is not replaced; a link to it stays a link. Pipes
    and devices are written directly. What killed processes left in the folder is deleted with the
    first file that a process writes there.

    Args:
        path: A file in an existing folder.

    Raises:
        OSError: If it cannot be written.
    """
    before = _status(path)
    if before is not None and stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if _is_device(path, before):
        with path.open("wb") as device:
            yield device
        return
    if before is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    path = Path(os.path.realpath(path))
    clear_once(path.parent)
    file, beside = _locked_file(path)
    try:
        with file:
            if before is not None:
                _keep_access(file.fileno(), before)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if sys.platform != "win32":
                os.replace(beside, path)
        if sys.platform == "win32":  # where no open file can be renamed
            _replace_soon(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    # After a loss of power the new name is there too. Not every file system can be asked for it.
    with suppress(OSError):
        sync_to_disk(path.parent)


def _replace_soon(source: Path, target: Path) -> None:
    """Renames a file over another, as soon as no other program has the other open."""
    last = time.monotonic() + _SECONDS_TO_REPLACE
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if time.monotonic() > last:
                raise
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _locked_file(path: Path) -> tuple[BinaryIO, Path]:
    """Makes a file beside `path`, locked against deletion by others; returns it and its path."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        beside = unfinished_path(path)
        file = os.fdopen(os.open(beside, flags, 0o666), "wb")
        if lock(file.fileno(), beside):
            return file, beside
        file.close()


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _is_device(path: Path, status: os.stat_result | None) -> bool:
    """Returns whether a path is a pipe or device, or a name such as `/dev/stdout`."""
    if status is not None and not stat.S_ISREG(status.st_mode):
        return True
    return os.path.abspath(path).startswith(("/dev/std", "/dev/fd/", "/proc/"))


def _keep_access(descriptor: int, before: os.stat_result) -> None:
    """Gives a file the owner and permissions of the one that it replaces, where that is allowed."""
    if sys.platform != "win32":
        with suppress(OSError):  # only root may give a file away
            os.fchown(descriptor, before.st_uid, before.st_gid)
        with suppress(OSError):
            os.fchmod(descriptor, before.st_mode & 0o7777)


def sync_to_disk(path: Path) -> None:
    """Waits until a file's content, or a folder's list of entries, is on the disk.

    On Windows, where no folder can be opened, nothing is done for a folder.
    """
    if sys.platform == "win32" and path.is_dir():
        return
    # Windows writes out only what is opened to write.
    descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def wait_for(event: threading.Event, timeout_seconds: float | None = None) -> bool:
    """Waits for an event; Ctrl-C interrupts the wait on Windows too, within half a second.

    Args:
        event: The event.
        timeout_seconds: Longest wait; `None` for no limit.

    Returns:
        Whether the event has come.
    """
    if sys.platform != "win32" or timeout_seconds is not None:
        return event.wait(timeout_seconds)
    while not event.wait(_SECONDS_BETWEEN_SIGNALS):
        pass  # a signal handler runs only between waits there
    return True


def read_at(descriptor: int, size: int, position: int) -> bytes:
    """Reads at most `size` bytes of an open file from a position on; b"" at its end.

    Safe to call from several threads.
    """
    if sys.platform != "win32":
        return os.pread(descriptor, size, position)
    with _reading:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.read(descriptor, size)


_reading = threading.Lock()


def use_one_arena() -> None:
    """Lets all threads allocate from one arena of glibc; to be called before they start.

    By default there are up to eight a CPU, and each keeps most of what is freed in it. Does nothing
    where another C library is used, or the user has set `MALLOC_ARENA_MAX`.
    """
    if "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Returns freed memory to the operating system, where the C library keeps it for later."""
    with suppress(OSError, AttributeError, TypeError):  # only glibc has this function
        ctypes.CDLL(None).malloc_trim(0)


def raise_descriptor_limit() -> None:
    """Lets this process, and those it starts, open as many files as the system allows it."""
    if sys.platform != "win32":
        limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        infinity = resource.RLIM_INFINITY
        wanted = _MOST_DESCRIPTORS if most == infinity else min(most, _MOST_DESCRIPTORS)
        if limit != infinity and limit < wanted:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def descriptor_limit() -> int:
    """Returns how many files this process may have open; a large number where nothing limits it.

    On Windows, where sockets are no files, it is how many sockets an event loop can watch.
    """
    if sys.platform == "win32":
        return _MOST_SELECTED
    else:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return _MOST_DESCRIPTORS if limit == resource.RLIM_INFINITY else limit


def free_descriptors() -> int:
    """Returns how many more files this process can open, nearly: a file gets the lowest number."""
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError as error:
        return 0 if error.errno in NO_DESCRIPTORS else descriptor_limit()
    os.close(lowest)
    return descriptor_limit() - lowest
