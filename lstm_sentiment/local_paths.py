"""Paths of files and folders of this machine, where a URL or a device may have been given."""

import os
import re
import stat
import sys
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError

# `Path` makes one slash of several. One letter alone is a drive of Windows.
_URL = re.compile(r"([a-zA-Z][0-9a-zA-Z.+-]+):(/+)(.*)", re.DOTALL)
_SQLITE = re.compile(r"sqlite(\+\w+)?:", re.IGNORECASE)
_BEFORE_PATH = "///"


def url_refusal(path: str) -> str | None:
    """Returns what a path must be that is a URL of another tool; `None` for any other path.

    Args:
        path: As typed, or as `Path` writes it. The name of a file that exists is no URL.
    """
    found = _URL.match(path)
    if found is None or os.path.exists(path):
        return None
    scheme, _, rest = found.groups()
    match scheme.lower():
        case "file":
            return f"a path: write /{rest} without `file:`"
        case "http" | "https" | "ftp":
            return "a file or folder of this machine: download it first"
    return "a file or folder of this machine: mount what is elsewhere, or copy it"


def endless_refusal(path: str) -> str | None:
    """Returns what a path must be that is one of a pipe or device; `None` for any other path.

    Nobody may ever write into a pipe, and devices such as /dev/zero never end. Pipes of the shell
    (`<(command)`, /dev/stdin), terminals and /dev/null may be given.

    Args:
        path: As typed. It need not exist.
    """
    try:
        status = os.stat(path)
        real = os.path.realpath(path)
    except (OSError, ValueError):
        return None
    if stat.S_ISFIFO(status.st_mode):
        is_shells = os.path.abspath(path).startswith(("/dev/", "/proc/"))
        return None if is_shells else "a file or folder: read a pipe as standard input"
    if stat.S_ISBLK(status.st_mode):
        return "a file or folder, not a device"
    if stat.S_ISCHR(status.st_mode):
        if sys.platform == "win32":  # NUL, CON
            return None
        is_null = status.st_rdev == os.stat(os.devnull).st_rdev
        is_terminal = real.startswith(("/dev/tty", "/dev/pts/", "/dev/console"))
        return None if is_null or is_terminal else "a file or folder, not a device"
    return None


def sqlite_path(storage: str | os.PathLike[str]) -> Path:
    """Returns the path of an SQLite file, which is given as a path or as SQLAlchemy's URL.

    Args:
        storage: A path; or `sqlite:///PATH`, with a fourth slash for an absolute path.

    Raises:
        InvalidInputError: If it is another URL, or names no file.
    """
    text = os.fspath(storage)
    if _SQLITE.match(text):
        _, slashes, path = text.partition(_BEFORE_PATH)
        if not slashes or not path.strip("/") or path.startswith(":memory:") or "?" in path:
            raise InvalidInputError(
                "`storage` must be the path of an SQLite file, or sqlite:///PATH. "
                f"Received: {text!r}."
            )
        return Path(path)
    found = _URL.match(text)
    if found is not None:
        scheme, _, rest = found.groups()
        without_password = f"{scheme}://{rest.rpartition('@')[2]}"
        raise InvalidInputError(
            "`storage` must be the path of an SQLite file, or sqlite:///PATH: other databases are "
            f"not used. Received: {without_password!r}."
        )
    return Path(text)
