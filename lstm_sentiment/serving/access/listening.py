"""Listening sockets, and the errors where a socket cannot listen."""

import errno
import os
import socket

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.errors import CannotListenError

# Windows has numbers for errors of sockets that `os.strerror` lacks.
_REASONS = {
    errno.EADDRINUSE: "address already in use",
    errno.EADDRNOTAVAIL: "cannot assign requested address",
}


def check_port(name: str, port: int) -> None:
    """Checks that a port, an argument called `name`, is from 0, for any free port, to 65535.

    Raises:
        InvalidInputError: If the port is out of range.
    """
    if not 0 <= port <= 65535:
        raise InvalidInputError(f"`{name}` must be in 0..65535. Received: {name}={port}.")


def address_of(host: str, port: int) -> str:
    """Formats `host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """Opens a TCP socket that listens on an address, IPv4 or IPv6, or a host's name.

    Args:
        host: The address or name.
        port: The port; 0 for any free one.
        reuse_port: Whether other processes of this user may listen there too.

    Raises:
        CannotListenError: If the socket cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, reuse_port=reuse_port)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    # asyncio disables Nagle's algorithm, which costs 40 ms a request, only if a socket names TCP.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach())


def cannot_listen(host: str, port: int, reason: OSError | str) -> CannotListenError:
    """Returns the error for an address that cannot be listened on.

    Args:
        host: The address or name.
        port: The port.
        reason: The error of the system; a text where another program has the port.
    """
    is_the_port = isinstance(reason, str) or reason.errno in (errno.EADDRINUSE, errno.EACCES)
    told = reason if isinstance(reason, str) else system_reason(reason)
    return CannotListenError(
        f"cannot listen on {address_of(host, port)}: {told}.", port if is_the_port else 0
    )


def system_reason(error: OSError) -> str:
    """Returns the system's message for an error of a socket, without the address."""
    # Python adds the address to the system's message, and has its own numbers for unknown hosts.
    if error.errno is None or isinstance(error, socket.gaierror):
        return str(error.strerror or error).lower()
    return _REASONS.get(error.errno) or os.strerror(error.errno).lower()
