"""A connection whose requests httptools parses, until one of them offers an upgrade.

httptools loses the body of a request that offers to go on as HTTP/2 (0.9.0), as Java's client does
with every request. h11 does not, and takes such a connection over.
"""

import re
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lstm_sentiment.serving.asgi import WHEN_GONE
from lstm_sentiment.serving.rest_api.connections.h11_connection import H11Connection
from lstm_sentiment.serving.rest_api.connections.open_connections import OpenConnection
from lstm_sentiment.serving.rest_api.connections.receive_timer import ReceiveTimer
from lstm_sentiment.serving.rest_api.connections.request_head import (
    CROWDED,
    MAX_HEAD_BYTES,
    STOPPING,
    RefusedHeadError,
    check_head,
    origin_form,
    refusal,
    too_slow,
)

_INVALID = "Invalid HTTP request received."
_UNKNOWN_METHOD = "the method of the request is not known."
_ANY_METHOD = re.compile(rb"[A-Za-z]+ ")
_KEEP_ALIVE = (b"connection", b"keep-alive")
_TOO_LONG = "The head of a request is too long."
_EARLY_OFFER = "A request that offers an upgrade must wait for the answer to the one before."


class HttpToolsConnection(HttpToolsProtocol):
    """uvicorn's connection by httptools, with limits on the time and the head of a request.

    Attributes:
        running: The request that is answered, or was answered last; `None` before the first. Later
            ones that have come already are in `pipeline`.
    """

    cycle: Any
    pipeline: Any
    running: Any = None
    # From the first byte of a request to its last one.
    _is_receiving = False
    # What has come of a head, if it began while no request was under way.
    _head: bytes | None = None
    _is_offer = False
    # What has come since the last byte that was the first of a request, or of a body.
    _head_bytes = 0
    _has_advanced = False
    # No more than the request that is under way is answered.
    _is_deaf = False
    _when_gone: Callable[[], None] | None = None

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
        self._receive_seconds, self._entry = receive_seconds, entry
        self._timer = ReceiveTimer(self.loop, receive_seconds, self._refuse_late)

    def connection_made(self, transport: Any) -> None:
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._entry.close, self._entry.refuse = transport.abort, self._give_way
        self._entry.is_idle()
        self._timer.start()

    def data_received(self, data: bytes) -> None:
        """Takes what the client sent."""
        self._stop_waiting()
        if self._is_deaf or self.transport.is_closing():
            return
        if not (self._is_receiving or self._is_under_way()):
            self._head = data
        elif self._head is not None:
            self._head += data
        self._has_advanced = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._take_offer()
            return
        except httptools.HttpParserError as error:
            refused = _refused_head(error, self._head or b"")
            self.logger.warning(_INVALID)
            self._refuse(str(refused), refused.status)
            return
        self._head_bytes = 0 if self._has_advanced else self._head_bytes + len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_TOO_LONG)
        else:
            self._limit_time()

    def shutdown(self) -> None:
        """Closes the connection, after the answer to a request that is running or arriving."""
        if self._is_arriving():
            self._refuse(STOPPING, 503)
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets the application know that nobody waits any more."""
        self._timer.stop()
        self._entry.ended()
        super().connection_lost(exc)
        running = self.running
        if self._is_under_way():
            # uvicorn tells only the last request that came.
            running.disconnected = True
            running.message_event.set()
        self.tell_gone()

    def tell_gone(self) -> None:
        """Lets the application of the running request know that nobody waits any more."""
        callback, self._when_gone = self._when_gone, None
        if callback is not None:
            callback()

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        extensions: dict[str, Any] = {WHEN_GONE: self._set_when_gone}
        self.scope["extensions"] = extensions
        self._is_receiving = self._has_advanced = True
        if self._is_under_way():
            self._head = None

    def on_headers_complete(self) -> None:
        """Begins to answer a request, unless it offers an upgrade."""
        version = self.parser.get_http_version()
        check_head(version, self.headers)
        if self.parser.should_upgrade():
            self._is_offer = True
            return
        self._head = None
        self.url, added = origin_form(self.url)
        self.headers.extend(added)
        starts = not self._is_under_way()
        super().on_headers_complete()
        if starts:
            self.running = self.cycle
        if version == "1.0" and self.parser.should_keep_alive():
            # uvicorn would close the connection.
            self.cycle.keep_alive = True
            self.cycle.default_headers = [*self.cycle.default_headers, _KEEP_ALIVE]
        # Trailers are no headers: they are dropped.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Takes a part of a body."""
        self._has_advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request."""
        if not self._is_offer:
            self._is_receiving = False
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Goes on with the next request; called after each answer."""
        self._when_gone = None
        follows = bool(self.pipeline) and not self.transport.is_closing()
        following = self.pipeline[-1][0] if follows else self.running
        super().on_response_complete()
        self.running = following
        if self._is_receiving and not self.transport.is_closing():
            self._stop_waiting()
            self._limit_time()
        elif not self._is_under_way():
            self._entry.is_idle()

    def _stop_waiting(self) -> None:
        """Stops uvicorn's limit of the time between two requests."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _set_when_gone(self, callback: Callable[[], None]) -> None:
        if self.running.disconnected:
            callback()
            return
        self._when_gone = callback
        if not self.pipeline:
            # While nothing is read, nobody sees that a client leaves.
            self.flow.resume_reading()

    def _is_under_way(self) -> bool:
        return self.running is not None and not self.running.response_complete

    def _is_arriving(self) -> bool:
        """Returns whether a part of a head has come, and no earlier request is under way."""
        is_begun = self._head is not None or (
            self._is_receiving and self.running is not None and not self.running.more_body
        )
        return is_begun and not self._is_under_way()

    def _limit_time(self) -> None:
        if self._is_under_way() and not self.running.more_body:
            self._timer.stop()
            self._entry.is_busy()
        else:
            self._timer.start()
            self._entry.is_receiving()

    def _take_offer(self) -> None:
        if self._head is None:
            self._refuse(_EARLY_OFFER)
            return
        self._timer.stop()
        self.connections.discard(self)
        successor = H11Connection(
            self.config,
            self.server_state,
            self.app_state,
            self.loop,
            receive_seconds=self._receive_seconds,
            entry=self._entry,
        )
        self.transport.set_protocol(successor)
        successor.connection_made(self.transport)
        successor.data_received(self._head)

    def send_400_response(self, msg: str) -> None:
        """Refuses a request with an error in JSON, and closes the connection."""
        self._send_error(msg, 400)

    def _send_error(self, message: str, status: int) -> None:
        self.transport.write(refusal(status, message))
        self.transport.close()

    def _give_way(self) -> None:
        self._refuse(CROWDED, 503)
        # A client that does not read must not keep the descriptor.
        self.transport.abort()

    def _refuse_late(self) -> None:
        if self._head is None and not self._is_receiving:
            self.transport.abort()
        else:
            self._refuse(too_slow(self._receive_seconds), 408)

    def _refuse(self, message: str, status: int = 400) -> None:
        self._is_deaf = True
        running = self.running
        if self._is_under_way() and not running.more_body:
            # An answer now would be taken for the one to the running request.
            last = running if self.cycle.more_body else self.cycle
            last.keep_alive = False
            self._timer.stop()
        elif running is not None and running.more_body and running.response_started:
            self.transport.abort()
        else:
            self._send_error(message, status)


def _refused_head(error: httptools.HttpParserError, head: bytes) -> RefusedHeadError:
    """Returns why the parser gave up: what a callback raised, or what it found itself."""
    if isinstance(error.__context__, RefusedHeadError):
        return error.__context__
    if isinstance(error, httptools.HttpParserInvalidMethodError) and _ANY_METHOD.match(head):
        return RefusedHeadError(_UNKNOWN_METHOD, 501)
    return RefusedHeadError(_INVALID)
