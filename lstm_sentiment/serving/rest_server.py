"""Runs an ASGI application in a thread of its own, on a socket opened beforehand."""

import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from lstm_sentiment.errors import ServableUnavailableError


class RestServer:
    """An HTTP server that leaves signals and logging to the program it runs in."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        """Prepares to serve.

        Args:
            app: What answers.
            listener: A listening socket; closed when the server stops.
        """
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False
        )
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

        Args:
            grace_seconds: How long requests under way may still take.
        """
        # uvicorn takes whole seconds.
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_seconds))
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            # In a thread that is not the main one uvicorn installs no signal handlers.
            self._server.run(sockets=[self._listener])
        finally:
            self._server.ready.set()


class _UvicornServer(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
