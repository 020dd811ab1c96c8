"""A folder to write a version in, beside where it is to appear."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has none: there, what a killed export left stays
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".writing-"
_SECONDS_TO_LOCK = 60.0


@contextmanager
def staging_folder(base: Path) -> Iterator[Path]:
    """A new folder under `base` whose name no server takes for a version; gone at the end.

    It is locked while it is there. One without a lock was left by an export that was killed, and is
    deleted by the next.

    Args:
        base: The servable's folder.

    Raises:
        OSError: If the folder cannot be made.
    """
    for folder in base.glob(f"{_PREFIX}*"):
        if _is_left_over(folder):
            shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if fcntl is not None:
                with suppress(OSError):  # some network file systems have no locks either
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(descriptor)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_left_over(folder: Path) -> bool:
    """Whether nobody writes to it. A moment lies between the making of a folder and its lock."""
    with suppress(OSError):
        if fcntl is None or time.time() - folder.stat().st_mtime < _SECONDS_TO_LOCK:
            return False
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        finally:
            os.close(descriptor)
    return False
