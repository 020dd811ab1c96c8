"""Runs an ASGI application in a thread of its own, on a socket opened beforehand."""

import asyncio
import json
import logging
import socket
import ssl
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from lstm_sentiment.errors import ServableUnavailableError

logger = logging.getLogger(__name__)

_MAX_HEAD_BYTES = 65536
_DRAIN_POLL_SECONDS = 0.01
_CLOSE = (b"connection", b"close")


class RestServer:
    """An HTTP server that leaves signals and logging to the program it runs in.

    A connection over which no whole request comes in time is closed, so that slow or silent
    callers cannot hold more and more of them.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        *,
        ssl_context: ssl.SSLContext | None = None,
        receive_timeout_seconds: float = 60.0,
        keep_alive_seconds: float = 5.0,
    ) -> None:
        """Prepares to serve.

        Args:
            app: What answers.
            listener: A listening socket; closed when the server stops.
            ssl_context: For HTTPS; `None` for HTTP.
            receive_timeout_seconds: How long a request may take to arrive, from the first byte or
                the connection to the end of its body.
            keep_alive_seconds: How long a connection may stay idle after an answer.
        """
        config = uvicorn.Config(
            app,
            # Not httptools where it is installed: it loses the body of a request that offers to go
            # on as HTTP/2, as Java's client does.
            http=_impatient_protocol(receive_timeout_seconds),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            # Who asks is who is connected, whatever a header says.
            proxy_headers=False,
        )
        config.load()
        # uvicorn makes its own context of files only, and takes whole seconds.
        config.ssl = ssl_context
        config.timeout_keep_alive = keep_alive_seconds  # type: ignore[assignment]
        self._server = _UvicornServer(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="rest-server")

    def start(self) -> None:
        """Starts answering.

        Raises:
            ServableUnavailableError: If the server ended before it began.
        """
        self._thread.start()
        self._server.ready.wait()
        if not self._server.started:
            raise ServableUnavailableError("the REST server could not start; see the log.")

    def stop(self, grace_seconds: float) -> None:
        """Stops answering; returns when the socket is closed.

        Idle connections are closed at once. A request that is under way is answered, and its
        connection closed; one that takes longer than the grace is answered with 503, though what
        computes for it may go on in its thread until it is done.

        Args:
            grace_seconds: How long requests under way may still take.
        """
        self._server.grace_seconds = max(0.0, grace_seconds)
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._server.closed.wait()
        self._listener.close()

    def _run(self) -> None:
        try:
            # In a thread that is not the main one uvicorn installs no signal handlers.
            self._server.run(sockets=[self._listener])
        finally:
            self._server.ready.set()
            self._server.closed.set()


class _UvicornServer(uvicorn.Server):
    """Says when it is ready and when all connections are closed; drains to the fraction."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.closed = threading.Event()
        self.grace_seconds = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Not uvicorn's own: that one cancels what is late, tells its caller "Internal Server
        # Error", and then waits for threads that cannot be cancelled.
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            _close_after_answer(connection)
        try:
            async with asyncio.timeout(self.grace_seconds):
                while self.server_state.connections:
                    await asyncio.sleep(_DRAIN_POLL_SECONDS)
        except TimeoutError:
            await self._cut_off()
        self.closed.set()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks)

    async def _cut_off(self) -> None:
        late = 0
        connections: list[Any] = list(self.server_state.connections)
        for connection in connections:
            cycle = connection.cycle
            late += cycle is not None and not cycle.response_complete
            if cycle is None or cycle.response_started or connection.flow.write_paused:
                connection.transport.abort()
            else:
                await _answer_that_server_stops(connection)
        if late:
            logger.warning("%s REST requests were not answered within the grace", late)


def _close_after_answer(connection: Any) -> None:
    if connection.cycle is not None:
        # h11's protocol would close it without a word, which a pool of connections minds.
        connection.cycle.default_headers = [*connection.cycle.default_headers, _CLOSE]
    connection.shutdown()


async def _answer_that_server_stops(connection: Any) -> None:
    cycle = connection.cycle
    body = json.dumps({"error": "the server is stopping."}).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await cycle.send({"type": "http.response.start", "status": 503, "headers": headers})
    await cycle.send({"type": "http.response.body", "body": body})
    # What the application says later goes nowhere, and is no error.
    cycle.disconnected = True
    connection.transport.close()


def _impatient_protocol(receive_timeout_seconds: float) -> type[asyncio.Protocol]:
    """Uvicorn's protocol, which has no limit on how a request arrives itself, made impatient."""

    class ImpatientProtocol(H11Protocol):
        _timer: asyncio.TimerHandle | None = None
        _head_bytes = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._expect_request()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            is_head = before is None or not before.more_body
            super().data_received(data)
            is_head = is_head and self.cycle is before
            self._head_bytes = self._head_bytes + len(data) if is_head else 0
            if self._head_bytes > _MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of a request is too long.")
            elif self.cycle is None or self.cycle.more_body or self.cycle.response_complete:
                self._expect_request()
            else:
                self._request_is_there()

        def connection_lost(self, exc: Exception | None) -> None:
            self._request_is_there()
            super().connection_lost(exc)

        def _unsupported_upgrade_warning(self) -> None:
            """Says nothing: who offers HTTP/2 does so with each request, and is answered."""

        def _expect_request(self) -> None:
            if self._timer is None:
                self._timer = self.loop.call_later(receive_timeout_seconds, self._give_up)

        def _request_is_there(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            self._timer = None
            self.transport.abort()

    return ImpatientProtocol
