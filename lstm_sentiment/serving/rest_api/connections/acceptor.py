"""Accepts connections as long as there is space for them."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from lstm_sentiment.serving.access.crowding import Crowding
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.rest_api.connections.open_connections import (
    OpenConnection,
    OpenConnections,
)
from lstm_sentiment.serving.rest_api.connections.request_head import MAX_HEAD_BYTES, refusal
from lstm_sentiment.system import NO_DESCRIPTORS

logger = get_logger(__name__)

MakeProtocol = Callable[[OpenConnection], asyncio.Protocol]

# Accepted at once, before the loop goes on.
_AT_ONCE = 8
_PAUSE_SECONDS = 0.1
_LOOK_SECONDS = 1.0
_HANDSHAKE_SECONDS = 20.0
_NEEDS_TLS = "this port accepts only HTTPS: begin the URL with https."


class Acceptor:
    """Accepts the connections of one listening socket, on the running event loop.

    An event loop that accepts by itself tries again at once, and for ever, while the process has no
    descriptor left.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: MakeProtocol,
        connections: OpenConnections,
        crowding: Crowding,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        """Starts to accept.

        Args:
            listener: The listening socket; it must not block.
            make_protocol: Makes the protocol of a connection.
            connections: All connections.
            crowding: Told of pauses.
            ssl_context: Context for TLS; `None` for none.
        """
        self._listener, self._make_protocol = listener, make_protocol
        self._connections, self._crowding = connections, crowding
        self._tls: dict[str, Any] = {}
        if ssl_context is not None:
            self._tls = {"ssl": ssl_context, "ssl_handshake_timeout": _HANDSHAKE_SECONDS}
        self._loop = asyncio.get_running_loop()
        self._opening: dict[asyncio.Task[None], OpenConnection] = {}
        self._waiting: asyncio.Task[None] | None = None
        self._looking = self._loop.create_task(self._look())
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Accepts no more; connections go on, and the socket stays open."""
        self._loop.remove_reader(self._listener)
        self._looking.cancel()
        if self._waiting is not None:
            self._waiting.cancel()

    def _accept(self) -> None:
        """Accepts what waits; called as long as something does and there is space for it."""
        for _ in range(_AT_ONCE):
            if self._connections.are_full():
                self._wait(self._connections.room())
                return
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:  # the caller has gone already
                continue
            except OSError as error:
                self._wait(self._recover(error))
                return
            connection.setblocking(False)
            entry = self._connections.opened(connection.fileno(), connection.close)
            opening = self._loop.create_task(self._open(connection, entry))
            # Until the protocol has its transport, the task is what there is to close.
            entry.close = partial(_cancel, opening)
            self._opening[opening] = entry
            opening.add_done_callback(self._opened)

    def _wait(self, until: Coroutine[Any, Any, None]) -> None:
        self._loop.remove_reader(self._listener)
        self._waiting = self._loop.create_task(self._go_on(until))

    async def _go_on(self, until: Coroutine[Any, Any, None]) -> None:
        await until
        self._waiting = None
        self._loop.add_reader(self._listener, self._accept)

    async def _recover(self, error: OSError) -> None:
        why = f"no connection can be accepted ({error.strerror})"
        if error.errno in NO_DESCRIPTORS:
            self._connections.make_room(why)
        else:
            self._crowding.paused(f"{why}: new ones wait")
        await asyncio.sleep(_PAUSE_SECONDS)

    async def _open(self, connection: socket.socket, entry: OpenConnection) -> None:
        if self._tls:
            try:
                is_plain = (await self._first_byte(connection)).isalpha()
                if is_plain:
                    await self._refuse_plain(connection)
            except BaseException:
                connection.close()
                raise
            if is_plain:
                connection.close()
                entry.ended()
                return
        await self._loop.connect_accepted_socket(
            lambda: self._make_protocol(entry), connection, **self._tls
        )

    async def _first_byte(self, connection: socket.socket) -> bytes:
        """Returns the first byte that arrives, which stays to be read; nothing at the end."""
        arrived: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(connection, _note, arrived)
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                await arrived
        finally:
            self._loop.remove_reader(connection)
        return connection.recv(1, socket.MSG_PEEK)

    async def _refuse_plain(self, connection: socket.socket) -> None:
        """Answers a client that sends HTTP without TLS, which could not read a failed handshake."""
        connection.recv(MAX_HEAD_BYTES)  # unread, it could cost the client the answer
        await self._loop.sock_sendall(connection, refusal(400, _NEEDS_TLS))

    def _opened(self, opening: asyncio.Task[None]) -> None:
        entry = self._opening.pop(opening)
        error = None if opening.cancelled() else opening.exception()
        if opening.cancelled() or error is not None:
            entry.ended()
        # A handshake that failed is the caller's affair.
        if error is not None and not isinstance(error, OSError):
            logger.error("a connection could not be opened", exc_info=error)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._crowding.look()


def _note(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
