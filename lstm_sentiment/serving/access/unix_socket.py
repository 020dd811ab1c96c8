"""UNIX sockets to listen on, in place of files of sockets that nobody listens on any more."""

import os
import socket
import stat
import sys
from pathlib import Path
from urllib.parse import quote

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.access.listening import system_reason

SOCKET_SCHEME = "unix:"
"""What the address of a UNIX socket begins with for gRPC."""

MAX_PATH_BYTES = 107
"""Limit of the path of a UNIX socket: `sun_path` has 108 bytes, with the zero at the end."""


def check_socket_path(path: str | Path) -> Path:
    """Returns the path of a UNIX socket, checked.

    Raises:
        InvalidInputError: If it is empty, too long, or none that the platform has sockets at.
    """
    name = os.fsencode(path)
    if not 0 < len(name) <= MAX_PATH_BYTES or b"\0" in name:
        raise InvalidInputError(
            f"the path of a UNIX socket must be of 1 to {MAX_PATH_BYTES} bytes. "
            f"Received: {len(name)} bytes, {os.fspath(path)!r}."
        )
    if not hasattr(socket, "AF_UNIX"):
        raise InvalidInputError("this platform has no UNIX sockets; leave the socket's path out.")
    return Path(path)


def socket_address(path: Path) -> str:
    """Formats the path of a UNIX socket as an address for gRPC."""
    return f"{SOCKET_SCHEME}{quote(os.fsencode(path))}"


def make_way(path: Path, *, is_needed: bool) -> bool:
    """Removes the file of a UNIX socket that nobody listens on, if there is one.

    Args:
        path: Where a socket is to be.
        is_needed: Whether the socket of another server is an error.

    Returns:
        `False` if another server listens there: its socket stays.

    Raises:
        InvalidInputError: If something else is there, a needed socket is another server's, or the
            folder is missing or closed.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise cannot_listen(path, "no such folder") from None
        return True
    except OSError as error:
        raise cannot_listen(path, system_reason(error)) from error
    if not stat.S_ISSOCK(mode):
        raise cannot_listen(path, "a file that is no socket is there")
    if not _is_listened_on(path):
        _remove(path)
        return True
    if is_needed:
        raise cannot_listen(path, "another server listens there")
    return False


def _is_listened_on(path: Path) -> bool:
    try:
        if sys.platform != "win32":  # where `check_socket_path` refuses sockets
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.setblocking(False)
                probe.connect(os.fspath(path))
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except (BlockingIOError, PermissionError):
        # Its queue is full, or it is another user's.
        return True
    except OSError as error:
        raise cannot_listen(path, system_reason(error)) from error
    return True


def cannot_listen(path: Path, reason: str) -> InvalidInputError:
    """Returns the error for a UNIX socket that cannot be listened on."""
    return InvalidInputError(f"cannot listen on unix:{path}: {reason}.")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_listen(path, system_reason(error)) from error
