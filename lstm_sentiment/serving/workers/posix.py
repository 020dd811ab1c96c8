"""All that processes which share ports need of a POSIX system."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.access.listening import cannot_listen, listen
from lstm_sentiment.system import descriptor_limit

if sys.platform != "win32":
    import fcntl

# More than the connections that a worker is likely to have.
_MANY_FILES = 4096

# A worker that has been stopped must not hold up the parent.
_SECONDS_TO_SEND = 10


def check_can_share_ports(workers: int) -> None:
    """Checks that so many processes can listen on one port here.

    Raises:
        InvalidInputError: If the platform has no `SO_REUSEPORT`, or does not pass sockets on.
    """
    can_share = hasattr(socket, "SO_REUSEPORT") and os.name == "posix"
    if workers > 1 and not can_share:
        raise InvalidInputError(
            "`workers` must be 1 on a system whose processes cannot share a port. "
            f"Received: {workers}, on {sys.platform}."
        )


def reserve_port(host: str, port: int) -> socket.socket:
    """Binds a socket that does not listen, so that only processes of this user share the port.

    Args:
        host: The address, IPv4 or IPv6, or a host's name.
        port: The port; 0 for any free one.

    Returns:
        The socket, which holds the port until it is closed.

    Raises:
        InvalidInputError: If somebody has the port already, or it cannot be bound.
    """
    # Servers that share their ports would silently let each other in.
    with listen(host, port) as probe:
        family, address = probe.family, probe.getsockname()
    place = address if port else (address[0], 0)
    try:
        return _bound(family, place, reuse_address=False)
    except OSError:
        # Connections that a server has closed a minute ago are in the way, and no server.
        try:
            return _bound(family, place, reuse_address=True)
        except OSError as error:
            raise cannot_listen(host, port, error) from error


@contextmanager
def high_descriptors() -> Iterator[None]:
    """Gives what is opened inside the block higher numbers than what is opened after it.

    Linux closes the files of a process that is killed from the highest number down. A port that is
    closed before the connections is not found by callers that connect again at once; otherwise
    some would be let in, and lose that connection too.
    """
    wanted = min(_MANY_FILES, descriptor_limit() // 2)
    null = os.open(os.devnull, os.O_RDONLY)
    taken = [null]
    try:
        while taken[-1] < wanted:
            taken.append(os.dup(null))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)


def _bound(family: int, place: Any, *, reuse_address: bool) -> socket.socket:
    # Linux lets sockets that do not listen share a port if all of them reuse addresses: so this one
    # does not, where it can be helped.
    holder = socket.socket(family, socket.SOCK_STREAM)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse_address))
        if sys.platform != "win32":
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(place)
    except OSError:
        holder.close()
        raise
    return holder


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Makes two connected local sockets, which no other process can open."""
    pair = socket.socketpair()
    timeout = _SECONDS_TO_SEND.to_bytes(8, sys.byteorder) + bytes(8)
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
    return pair


def spawn(module: str, arguments: Sequence[str], keep: Sequence[int]) -> subprocess.Popen[bytes]:
    """Starts a module as a fresh Python process, which finds modules where this process does.

    Args:
        module: The module.
        arguments: Its arguments.
        keep: Open files that the process inherits.
    """
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return subprocess.Popen(
        [sys.executable, *flags, "-P", "-m", module, *arguments],
        pass_fds=keep,
        env=_environment(os.environ),
        stdin=subprocess.DEVNULL,
    )


def exit_reason(code: int) -> str:
    """Describes how a process ended.

    Args:
        code: The exit code, as `subprocess` returns it: negative for a signal.
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    paths = [path or os.getcwd() for path in sys.path]
    return {**own, "PYTHONPATH": os.pathsep.join(paths)}


@contextmanager
def unnamed_file() -> Iterator[int]:
    """Opens a file for `file_lock`, which is gone when the last process has closed it."""
    if hasattr(os, "memfd_create"):  # there may be no folder to write to
        descriptor = os.memfd_create("lstm-sentiment")
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    else:
        with TemporaryFile() as file:
            yield file.fileno()


@contextmanager
def file_lock(descriptor: int) -> Iterator[None]:
    """Holds a lock among the processes that have a file open, but not among their threads."""
    if sys.platform == "win32":  # which `check_can_share_ports` refuses
        yield
    else:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(descriptor, fcntl.LOCK_UN)


def write_all(descriptor: int, content: bytes) -> None:
    """Writes to an open file, in as many pieces as it takes."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
