"""Sockets that a server listens on, and what is said where it cannot."""

import os
import socket

from lstm_sentiment.errors import InvalidInputError


def check_port(name: str, port: int) -> None:
    """Refuses what is no port.

    Args:
        name: What it is called, for the message.
        port: A port; 0 stands for any free one.

    Raises:
        InvalidInputError: If it is out of range.
    """
    if not 0 <= port <= 65535:
        raise InvalidInputError(f"`{name}` must be in 0..65535. Received: {name}={port}.")


def address_of(host: str, port: int) -> str:
    """Writes `host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """Opens a listening TCP socket.

    Args:
        host: The address, IPv4 or IPv6, or a name.
        port: The port; 0 for any free one.

    Returns:
        The socket.

    Raises:
        InvalidInputError: If it cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise cannot_listen(host, port, _reason(error)) from error
    # asyncio turns Nagle's algorithm off, some 40 ms a request, only where a socket names TCP.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach())


def cannot_listen(host: str, port: int, reason: str) -> InvalidInputError:
    """Says that an address cannot be listened on.

    Args:
        host: The address.
        port: The port.
        reason: Why not.

    Returns:
        The error, to be raised.
    """
    return InvalidInputError(f"cannot listen on {address_of(host, port)}: {reason}.")


def _reason(error: OSError) -> str:
    # Python adds the address to the system's words, and numbers unknown hosts in its own way.
    if error.errno is None or isinstance(error, socket.gaierror):
        return str(error.strerror or error).lower()
    return os.strerror(error.errno).lower()
