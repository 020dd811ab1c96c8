"""How a `models.config` is written: by one process at a time, and as a whole."""

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
    """Has a file to itself among all who come here, from reading it to writing it.

    What is locked is its folder: the file itself is another one after each write. Where the folder
    is not there, or the system knows no such locks, it goes without.

    Args:
        path: The file; need not exist.
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
    """Writes a text beside a file and renames it.

    A link stays one, and who may read the file stays too.

    Args:
        path: The file; its folder is made where there is none.
        text: What it is to hold.

    Raises:
        ConfigError: One line that starts with the path, if it cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        before = target.stat() if target.exists() else None
        target.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(target) as file:
            if before is not None:
                with suppress(PermissionError):  # only root may give a file away
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), before.st_mode & 0o7777)
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}.") from error
