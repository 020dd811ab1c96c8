"""Locks of files and folders among processes: `flock`, and on Windows `msvcrt.locking`.

A lock ends with the process that holds it, whatever kills the process.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FOLDERS_CAN_BE_LOCKED = sys.platform != "win32"
"""True where a folder can be opened and locked itself; on Windows, a file in it is locked."""

LOCK_FILE = ".lock"
"""Name of the file that stands for its folder on Windows."""

_SECONDS_BETWEEN_TRIES = 0.05


def wait_for_lock(descriptor: int) -> None:
    """Locks an open file or folder, as soon as no other process has it locked.

    Raises:
        OSError: If the file system has no locks.
    """
    if sys.platform == "win32":
        while not try_lock(descriptor):
            time.sleep(_SECONDS_BETWEEN_TRIES)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_lock(descriptor: int) -> bool:
    """Locks an open file or folder at once; returns False if another process has it locked.

    Raises:
        OSError: If the file system has no locks.
    """
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except PermissionError:
        if sys.platform == "win32":  # EACCES: the byte is locked
            return False
        raise
    return True


@contextmanager
def opened_for_lock(folder: Path) -> Iterator[int]:
    """Opens what stands for a folder in `wait_for_lock` and `try_lock`, and closes it at the end.

    On Windows that is a file in the folder, which the last process to close it removes.

    Yields:
        The descriptor. A lock on it ends with the block.

    Raises:
        OSError: If the folder is missing or cannot be opened.
    """
    if sys.platform == "win32":
        file = folder / LOCK_FILE
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT)
    else:
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        if sys.platform == "win32":
            with suppress(OSError):  # another process has it open
                file.unlink()
