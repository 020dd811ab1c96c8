"""Calls of the operating system: usable CPUs, and files that appear whole or not at all."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# Of malloc.h.
_M_ARENA_MAX = -8


def usable_cpus() -> int:
    """Returns the number of CPUs that this process may run on, as `taskset` and the like allow."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def write_whole(path: Path) -> Iterator[BinaryIO]:
    """Opens a file beside `path` that takes its place when it is complete and on the disk.

    Where writing fails, what was at `path` stays as it was.

    Args:
        path: A file in an existing folder.

    Raises:
        OSError: If it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def sync_to_disk(path: Path) -> None:
    """Waits until a file's content, or a folder's list of entries, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
