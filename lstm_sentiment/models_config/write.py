"""Writes a `models.config`: one process at a time, and the whole file at once."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.system import write_whole

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Locks a file against other processes that call this, from reading to writing.

    The lock is on the file's folder, since each write replaces the file. Without the folder, or on
    a system without such locks, nothing is locked.
    """
    if sys.platform == "win32":
        yield
        return
    try:
        folder = os.open(os.path.dirname(os.path.realpath(path)), os.O_RDONLY)
    except (OSError, ValueError):
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def write_config(path: Path, text: str) -> None:
    """Replaces the text of a file, keeping links, owner and permissions.

    A missing folder is created.

    Raises:
        ConfigError: If the file cannot be written. The message is one line that starts with the
            path.
    """
    try:
        Path(os.path.realpath(path)).parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}.") from error
