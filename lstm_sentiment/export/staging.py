"""A temporary folder for writing a version, beside its place."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has none: leftovers of killed exports stay there
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".writing-"
_SECONDS_TO_LOCK = 60.0


@contextmanager
def staging_folder(base: Path) -> Iterator[Path]:
    """Yields a new folder under `base` that no server reads, and removes it at the end.

    The folder is locked meanwhile. Folders without a lock, left by killed exports, are deleted.

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
    """Returns True if no export holds the folder's lock, which a new folder gets a moment later."""
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
