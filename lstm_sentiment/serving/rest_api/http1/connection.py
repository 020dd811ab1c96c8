"""One HTTP/1.1 connection: plain requests are parsed here at once, all others by h11.

h11 is written in Python, checks every rule of RFC 9112, and takes longer for a small request than
all the rest of the server. httptools, which is fast, loses the body of a request that offers HTTP/2
(0.9.0), as Java's client does with every request.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lstm_sentiment.serving.asgi import AsgiApp, Scope
from lstm_sentiment.serving.rest_api.http1.plain_exchange import PlainExchange
from lstm_sentiment.serving.rest_api.http1.plain_head import PlainHead, parse_plain_head
from lstm_sentiment.serving.rest_api.http1.time_limit import TimeLimit

_MAX_HEAD_BYTES = 65536
_CLOSE = (b"connection", b"close")
_IDLE = {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}


def http_protocol(
    receive_timeout_seconds: float, keep_alive_seconds: float
) -> Callable[..., asyncio.Protocol]:
    """Makes the protocol of a server's connections, for uvicorn.

    Args:
        receive_timeout_seconds: Limit of the time from the connection, or from the first byte of a
            later request, to the end of the body.
        keep_alive_seconds: Limit of the time that a connection may stay idle after an answer.
    """

    class Protocol(HttpConnection):
        receive_seconds, idle_seconds = receive_timeout_seconds, keep_alive_seconds

    return Protocol


class HttpConnection(H11Protocol):
    """A connection whose client must send whole requests in time.

    A request goes to h11 if it is not plain, and so does what follows it until h11 is idle again.

    Attributes:
        receive_seconds: Limit of the time until a whole request is there.
        idle_seconds: Limit of the time between an answer and the next request.
    """

    receive_seconds: float
    idle_seconds: float
    cycle: Any
    _head_bytes = 0
    _is_with_h11 = False
    _missing_bytes = 0
    _body: bytearray
    # Sent by the client before it had the answer to the request before.
    _held = b""

    def connection_made(self, transport: Any) -> None:
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._receiving = TimeLimit(self.loop, self.receive_seconds, self._give_up)
        self._idling = TimeLimit(self.loop, self.idle_seconds, self.timeout_keep_alive_handler)
        self._receiving.set()

    def data_received(self, data: bytes) -> None:
        """Takes what the client sent."""
        exchange = self.cycle
        if self._is_with_h11:
            self._receive_by_h11(data)
        elif exchange is None or exchange.response_complete:
            self._begin(data)
        elif exchange.more_body:
            self._add_to_body(exchange, data)
        else:
            self._hold(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets the application know that nobody waits any more."""
        self._receiving.close()
        self._idling.close()
        exchange = self.cycle
        if isinstance(exchange, PlainExchange):
            exchange.disconnect()
            if exchange.more_body:
                self._run(exchange)
            # uvicorn knows only exchanges of its own.
            self.cycle = None
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Waits for the next request; called after each answer by h11."""
        super().on_response_complete()
        if self.conn.states == _IDLE and not self.conn.trailing_data[0]:
            self._is_with_h11, self._head_bytes = False, 0
            if self.timeout_keep_alive_task is not None:
                self._unset_keepalive_if_required()
                self._idling.set()

    def shutdown(self) -> None:
        """Closes the connection, after the answer to a request that is under way."""
        if self.cycle is not None and not isinstance(self.cycle, PlainExchange):
            # Without this header h11's protocol closes silently, which connection pools report.
            self.cycle.default_headers = [*self.cycle.default_headers, _CLOSE]
        super().shutdown()

    def _begin(self, data: bytes) -> None:
        self._idling.lift()
        head = parse_plain_head(data)
        if head is None:
            self._is_with_h11 = True
            self._receive_by_h11(data)
            return
        exchange = self.cycle = PlainExchange(
            head,
            self._scope(head),
            self.transport.write,
            self.flow,
            self.server_state.default_headers,
            self._answered,
        )
        self._body, self._missing_bytes = bytearray(), head.body_bytes
        self._add_to_body(exchange, data[head.head_bytes :])

    def _scope(self, head: PlainHead) -> Scope:
        path, _, query = head.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": head.method,
            "root_path": "",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "headers": head.headers,
        }

    def _add_to_body(self, exchange: PlainExchange, data: bytes) -> None:
        missing = self._missing_bytes
        if len(data) > missing:
            self._hold(data[missing:])
            data = data[:missing]
        self._missing_bytes = missing - len(data)
        if self._missing_bytes or self._body:
            self._body += data
        if self._missing_bytes:
            self._receiving.set()
            return
        self._receiving.lift()
        exchange.body, exchange.more_body = bytes(self._body) or data, False
        self._run(exchange)

    def _hold(self, data: bytes) -> None:
        self._held += data
        self.flow.pause_reading()

    def _run(self, exchange: PlainExchange) -> None:
        app: AsgiApp = self.app
        task = self.loop.create_task(exchange.run(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _answered(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if not self.cycle.keep_alive:
            self.transport.close()
            return
        self._idling.set()
        if self._held:
            held, self._held = self._held, b""
            self.flow.resume_reading()
            self.data_received(held)

    def _receive_by_h11(self, data: bytes) -> None:
        before = self.cycle
        is_head = before is None or not before.more_body
        super().data_received(data)
        is_head = is_head and self.cycle is before
        self._head_bytes = self._head_bytes + len(data) if is_head else 0
        if self._head_bytes > _MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of a request is too long.")
        elif self.cycle is None or self.cycle.more_body or self.cycle.response_complete:
            self._receiving.set()
        else:
            self._receiving.lift()

    def _unsupported_upgrade_warning(self) -> None:
        """Logs nothing: clients that offer HTTP/2 do so with every request."""

    def _give_up(self) -> None:
        self.transport.abort()
