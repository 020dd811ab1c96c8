"""Runs an ASGI application on the server's event loop, on a socket opened beforehand."""

import asyncio
import socket
import ssl
import threading
from functools import partial
from typing import Any

import uvicorn

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.serving.access.connection_limit import connection_limit
from lstm_sentiment.serving.access.crowding import Crowding
from lstm_sentiment.serving.asgi import ADDED_HEADERS, AsgiApp
from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.rest_api.connections.acceptor import Acceptor
from lstm_sentiment.serving.rest_api.connections.answered_app import AnsweredApp
from lstm_sentiment.serving.rest_api.connections.httptools_connection import HttpToolsConnection
from lstm_sentiment.serving.rest_api.connections.open_connections import (
    OpenConnection,
    OpenConnections,
)
from lstm_sentiment.serving.rest_api.connections.request_head import STOPPING, error_body

logger = get_logger(__name__)

_DRAIN_POLL_SECONDS = 0.01


class RestServer:
    """An HTTP server that leaves signals and logging to its program.

    Connections without a whole request in time are closed, so that slow or silent clients cannot
    exhaust them.
    """

    def __init__(
        self,
        event_loop: EventLoop,
        app: AsgiApp,
        listener: socket.socket,
        *,
        ssl_context: ssl.SSLContext | None = None,
        receive_timeout_seconds: float = 60.0,
        keep_alive_seconds: float = 75.0,
        max_connections: int | None = None,
        crowding: Crowding | None = None,
    ) -> None:
        """Prepares to serve.

        Args:
            event_loop: The loop, which must run while the server does.
            app: The application.
            listener: A listening socket; closed when the server stops.
            ssl_context: Context for HTTPS; `None` for HTTP.
            receive_timeout_seconds: Limit of the time from the connection, or from the first byte
                of a later request, to the end of the body.
            keep_alive_seconds: Limit of the time that a connection may stay idle after an answer.
            max_connections: Limit of connections; at it, idle ones are closed for new ones. `None`
                for as many as the descriptors of the process allow.
            crowding: Told of what happens at the limit; `None` to log it alone.
        """
        config = uvicorn.Config(
            AnsweredApp(app),
            http=partial(HttpToolsConnection, receive_seconds=receive_timeout_seconds),  # type: ignore[arg-type]
            # uvicorn would guess, and take only coroutine functions for it.
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            # The caller is whoever is connected, whatever a header says.
            proxy_headers=False,
        )
        config.load()
        # uvicorn makes TLS contexts of files only, and takes whole seconds only.
        config.ssl = ssl_context
        config.timeout_keep_alive = keep_alive_seconds  # type: ignore[assignment]
        limit = connection_limit(None, 1) if max_connections is None else max_connections
        self._server = _UvicornServer(config, limit, crowding or Crowding("REST"))
        self._event_loop, self._listener = event_loop, listener
        self._is_started = False

    def start(self) -> None:
        """Starts answering.

        Raises:
            ServableUnavailableError: If the server ended before it began.
        """
        self._is_started = True
        self._event_loop.submit(self._serve())
        self._server.ready.wait()
        if not self._server.started:
            raise ServableUnavailableError("the REST server could not start; see the log.")

    def stop(self, grace_seconds: float) -> None:
        """Stops answering; returns when the socket is closed.

        Idle connections are closed at once, and a request of which only a part of the head has
        arrived is answered with 503. Running requests are answered and their connections closed. A
        request that takes longer than the grace period is answered with 503, though a thread may go
        on computing for it.

        Args:
            grace_seconds: Limit of the time that running requests may still take.
        """
        self._server.grace_seconds = max(0.0, grace_seconds)
        self._server.should_exit = True
        if self._is_started:
            self._server.closed.wait()
        self._listener.close()

    async def _serve(self) -> None:
        try:
            # In a thread that is not the main one uvicorn installs no signal handlers.
            await self._server.serve(sockets=[self._listener])
        except Exception:
            logger.exception("the REST server failed")
        finally:
            self._server.ready.set()
            self._server.closed.set()


class _UvicornServer(uvicorn.Server):
    """uvicorn's server with events for the start and the end, and a grace period of its own."""

    def __init__(self, config: uvicorn.Config, max_connections: int, crowding: Crowding) -> None:
        super().__init__(config)
        self._max_connections, self._crowding = max_connections, crowding
        self._acceptors: list[Acceptor] = []
        self.ready = threading.Event()
        self.closed = threading.Event()
        self.grace_seconds = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn's own startup lets the event loop accept, whatever the number of connections.
        await self.lifespan.startup()
        config, crowding, loop = self.config, self._crowding, asyncio.get_running_loop()
        connections = OpenConnections(self._max_connections, crowding)

        def make_protocol(entry: OpenConnection) -> asyncio.Protocol:
            make: Any = config.http_protocol_class
            protocol: asyncio.Protocol = make(
                config=config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                _loop=loop,
                entry=entry,
            )
            return protocol

        for listener in sockets or []:
            listener.setblocking(False)
            listener.listen(config.backlog)
            self._acceptors.append(
                Acceptor(listener, make_protocol, connections, crowding, config.ssl)
            )
        self.started = True
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn's own shutdown cancels late requests, answers them "Internal Server Error", and
        # then waits for threads that cannot be cancelled.
        for acceptor in self._acceptors:
            acceptor.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.grace_seconds):
                while self.server_state.connections:
                    await asyncio.sleep(_DRAIN_POLL_SECONDS)
        except TimeoutError:
            await self._cut_off()
        self.closed.set()

    async def _cut_off(self) -> None:
        late = 0
        connections: list[Any] = list(self.server_state.connections)
        for connection in connections:
            cycle = connection.running
            late += cycle is not None and not cycle.response_complete
            if cycle is None or cycle.response_started or connection.flow.write_paused:
                connection.transport.abort()
            else:
                await _answer_that_server_stops(connection)
        # Connections that are closed now end in the loop's next turn.
        await asyncio.sleep(0)
        if late:
            logger.warning("%s REST requests were not answered within the grace", late)


async def _answer_that_server_stops(connection: Any) -> None:
    cycle = connection.running
    body = error_body(STOPPING)
    length = str(len(body)).encode()
    added = cycle.scope.get(ADDED_HEADERS, [])
    headers = [(b"content-type", b"application/json"), (b"content-length", length), *added]
    connection.tell_gone()
    cycle.keep_alive = False
    await cycle.send({"type": "http.response.start", "status": 503, "headers": headers})
    await cycle.send({"type": "http.response.body", "body": body})
    # A later answer of the application is discarded, without an error.
    cycle.disconnected = True
    connection.transport.close()
