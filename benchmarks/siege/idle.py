"""Attacks by connections that are opened and say nothing."""

import contextlib
import selectors
import socket
import time
from collections.abc import Callable

from benchmarks.siege.attack import Attack, Target

_CONNECTIONS = 2_000
_DESCRIPTORS = 256
_HELD_SECONDS = 12.0
_PATIENCE_SECONDS = 10.0
_PAUSE_EVERY, _PAUSE_SECONDS = 50, 0.02


def idle_connections(
    name: str, protocol: str, address: Callable[[Target], tuple[str, int]]
) -> Attack:
    """Returns the attack by more connections that say nothing than the server has descriptors.

    Args:
        name: Of the attack.
        protocol: What the port speaks, such as `REST`.
        address: Returns the host and the port of a server.
    """
    return Attack(
        name=name,
        stands_for="A3",
        what=(
            f"{_CONNECTIONS:,} connections to {protocol} that say nothing; {_DESCRIPTORS} "
            "descriptors."
        ),
        run=lambda target: _hold_idle(address(target), _CONNECTIONS, _HELD_SECONDS),
        seconds=60.0,
        max_descriptors=_DESCRIPTORS,
    )


def _hold_idle(address: tuple[str, int], count: int, seconds: float) -> str:
    """Opens connections, says nothing on any of them, and tells how many the server closed.

    Args:
        address: Host and port.
        count: How many are opened; each stays as long as the server lets it.
        seconds: How long they are held once all are open.
    """
    opened: list[socket.socket] = []
    refused, began = 0, time.monotonic()
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as held:
        for number in range(count):
            try:
                connection = socket.create_connection(address, _PATIENCE_SECONDS)
            except OSError:
                refused += 1
                continue
            held.enter_context(connection)
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
            opened.append(connection)
            if number % _PAUSE_EVERY == 0:
                time.sleep(_PAUSE_SECONDS)
        took, closed = time.monotonic() - began, 0
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if _is_closed(key.fileobj):
                    closed += 1
                    selector.unregister(key.fileobj)
    return (
        f"{len(opened):,} connections opened in {took:.1f} s, {refused} refused; the server closed "
        f"{closed:,} of them"
    )


def _is_closed(connection: object) -> bool:
    assert isinstance(connection, socket.socket)
    try:
        return connection.recv(1 << 16) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
