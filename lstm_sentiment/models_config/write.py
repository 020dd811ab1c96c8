"""Writes a `models.config`: one process at a time, and the whole file at once."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.file_locks import opened_for_lock, wait_for_lock
from lstm_sentiment.system import write_whole


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Locks a file against other processes that call this, from reading to writing.

    The lock is on the file's folder, since each write replaces the file. Without the folder, or on
    a file system without locks, nothing is locked.
    """
    with ExitStack() as until_written:
        with suppress(OSError, ValueError):
            folder = Path(os.path.realpath(path)).parent
            wait_for_lock(until_written.enter_context(opened_for_lock(folder)))
        yield


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
