"""A connection whose requests h11 parses: those of clients that offer an upgrade."""

from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from lstm_sentiment.serving.rest_api.connections.open_connections import OpenConnection
from lstm_sentiment.serving.rest_api.connections.receive_timer import ReceiveTimer
from lstm_sentiment.serving.rest_api.connections.request_head import (
    CROWDED,
    MAX_HEAD_BYTES,
    STOPPING,
    RefusedHeadError,
    check_head,
    error_body,
    origin_form,
    too_slow,
)

_CLOSE = (b"connection", b"close")


class H11Connection(H11Protocol):
    """uvicorn's connection by h11, with limits on the time and the head of a request."""

    cycle: Any
    _head_bytes = 0

    def __init__(
        self, *args: Any, receive_seconds: float, entry: OpenConnection, **kwargs: Any
    ) -> None:
        """Prepares for a connection.

        Args:
            *args: What uvicorn's protocol takes.
            receive_seconds: Limit of the time until a whole request is there.
            entry: Told what the connection does.
            **kwargs: What uvicorn's protocol takes.
        """
        super().__init__(*args, **kwargs)
        self._entry = entry
        self.conn: _CheckedConnection = _CheckedConnection(h11.SERVER)
        self._receive_seconds = receive_seconds
        self._timer = ReceiveTimer(self.loop, receive_seconds, self._refuse_late)

    @property
    def running(self) -> Any:
        """The request that is answered, or was answered last; `None` before the first."""
        return self.cycle

    def connection_made(self, transport: Any) -> None:
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._entry.refuse = self._give_way
        self._timer.start()

    def data_received(self, data: bytes) -> None:
        """Takes what the client sent."""
        before = self.cycle
        is_head = before is None or not before.more_body
        super().data_received(data)
        is_head = is_head and self.cycle is before
        self._head_bytes = self._head_bytes + len(data) if is_head else 0
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of a request is too long.")
        elif self.cycle is None or self.cycle.more_body or self.cycle.response_complete:
            self._timer.start()
            self._entry.is_receiving()
        else:
            self._timer.stop()
            self._entry.is_busy()

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets the application know that nobody waits any more."""
        self._timer.stop()
        self._entry.ended()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Goes on with the next request; called after each answer."""
        super().on_response_complete()
        # The next one may have come already.
        if self.cycle.response_complete:
            self._entry.is_idle()

    def shutdown(self) -> None:
        """Closes the connection, after the answer to a request that is running or arriving."""
        if self._head_bytes and (self.cycle is None or self.cycle.response_complete):
            self._refuse(503, STOPPING)
            return
        if self.cycle is not None:
            # Without this header h11's protocol closes silently, which connection pools report.
            self.cycle.default_headers = [*self.cycle.default_headers, _CLOSE]
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuses a request with an error in JSON, and closes the connection."""
        refused = self.conn.refused
        self._refuse(*((400, msg) if refused is None else (refused.status, str(refused))))

    def _give_way(self) -> None:
        self._refuse(503, CROWDED)
        # A client that does not read must not keep the descriptor.
        self.transport.abort()

    def _refuse_late(self) -> None:
        self._refuse(408, too_slow(self._receive_seconds))

    def _refuse(self, status: int, message: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            # The request has been answered, or an answer has begun.
            self.transport.abort()
            return
        body = error_body(message)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            _CLOSE,
        ]
        for event in (
            h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def tell_gone(self) -> None:
        """Does nothing: the application of a request by h11 awaits `http.disconnect`."""


class _CheckedConnection(h11.Connection):
    """h11's connection, which refuses heads that are to be refused.

    Attributes:
        refused: Why the last request was refused; `None` where h11 itself refused it.
    """

    refused: RefusedHeadError | None = None

    def next_event(self) -> Any:
        event = super().next_event()
        if not isinstance(event, h11.Request):
            return event
        try:
            check_head(event.http_version.decode("ascii"), list(event.headers))
            target, added = origin_form(event.target)
        except RefusedHeadError as error:
            self.refused = error
            raise h11.RemoteProtocolError(str(error)) from error
        # uvicorn would log a warning about each offer, which clients make with every request.
        kept = [(name, value) for name, value in event.headers if name != b"upgrade"]
        if target == event.target and len(kept) == len(event.headers):
            return event
        return h11.Request(
            method=event.method,
            target=target,
            headers=[*kept, *added],
            http_version=event.http_version,
        )
