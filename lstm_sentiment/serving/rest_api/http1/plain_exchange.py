"""One plain request with its answer, as an ASGI application sees them."""

import asyncio
import http
import logging
from collections.abc import Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from lstm_sentiment.serving.asgi import WHEN_GONE, AsgiApp, Headers, Message, Scope
from lstm_sentiment.serving.rest_api.http1.plain_head import PlainHead

logger = logging.getLogger(__name__)

_CLOSE = (b"connection", b"close")
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    for status in http.HTTPStatus
}
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
# Answers of these statuses have no body, and no length.
_BODILESS = frozenset({204, 304})


class PlainExchange:
    """Receives one plain request, runs the application once, and sends its answer in one write.

    The attributes that are not described here are those of uvicorn's `RequestResponseCycle`, which
    does the same for the requests that h11 parses; the server reads and sets them when it stops.

    Attributes:
        body: The body; complete once `more_body` is `False`.
        keep_alive: Whether the connection stays open after the answer.
    """

    def __init__(
        self,
        head: PlainHead,
        scope: Scope,
        write: Callable[[bytes], None],
        flow: FlowControl,
        default_headers: Headers,
        when_answered: Callable[[], None],
    ) -> None:
        """Begins with a head.

        Args:
            head: The head of the request.
            scope: The ASGI scope of the request.
            write: Writes to the connection.
            flow: Tells whether the connection takes more to write.
            default_headers: Headers of every answer.
            when_answered: Called once the answer is written.
        """
        self.head, self.scope = head, scope
        self.body = b""
        self.more_body = True
        self.keep_alive = head.keep_alive
        self.default_headers = default_headers
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self._write, self._flow, self._when_answered = write, flow, when_answered
        self._is_body_given = False
        self._status = 0
        self._headers: Headers = []
        self._parts: list[bytes] = []
        self._when_gone: list[Callable[[], None]] = []
        self._ended: asyncio.Event | None = None
        scope["extensions"] = {WHEN_GONE: self.when_gone}

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Calls back once the client has left before its answer is there."""
        if self.disconnected:
            callback()
        else:
            self._when_gone.append(callback)

    def disconnect(self) -> None:
        """Notes that the client has left, and tells the application if it has not answered."""
        self.disconnected = True
        if not self.response_complete:
            self._end()

    def cut_off(self, status: int, headers: Headers, body: bytes) -> None:
        """Answers in place of the application, whose own answer is dropped.

        Args:
            status: The HTTP status.
            headers: Headers of the answer.
            body: Body of the answer.
        """
        callbacks, self._when_gone = self._when_gone, []
        self._respond(status, headers, body)
        self.disconnected = True
        for callback in callbacks:
            callback()

    async def run(self, app: AsgiApp) -> None:
        """Runs the application; what it raises is logged and answered with status 500."""
        try:
            await app(self.scope, self.receive, self.send)
            problem = "The application returned without a whole answer."
        except Exception:
            logger.exception("Exception in ASGI application")
            problem = ""
        if self.response_complete or self.disconnected:
            return
        if problem:
            logger.error(problem)
        self._respond(500, [_TEXT, _CLOSE], b"Internal Server Error")

    async def receive(self) -> Message:
        """Returns the whole body, and later that the client has left or has its answer."""
        if not (self._is_body_given or self.disconnected):
            self._is_body_given = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        if not (self.disconnected or self.response_complete):
            self._ended = self._ended or asyncio.Event()
            await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Takes the answer of the application; it is written as a whole."""
        if self.disconnected:
            return
        if self.response_complete:
            raise RuntimeError("an answer was sent already.")
        if message["type"] == "http.response.start":
            self.response_started = True
            self._status, self._headers = message["status"], list(message.get("headers", ()))
            return
        self._parts.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        if self._flow.write_paused:
            await self._flow.drain()
        if not self.disconnected:
            self._respond(self._status, self._headers, b"".join(self._parts))

    def _respond(self, status: int, headers: Headers, body: bytes) -> None:
        if _CLOSE in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers = [*headers, _CLOSE]
        if status not in _BODILESS and not any(name == b"content-length" for name, _ in headers):
            headers = [*headers, (b"content-length", b"%d" % len(body))]
        lines = [b"%b: %b\r\n" % header for header in (*self.default_headers, *headers)]
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            raise ValueError("a header must be one line.")
        if self.head.method == "HEAD" or status in _BODILESS:
            body = b""
        self.response_started = self.response_complete = True
        self._when_gone = []
        self._write(b"%b%b\r\n%b" % (_status_line(status), head, body))
        self._end()
        self._when_answered()

    def _end(self) -> None:
        if self._ended is not None:
            self._ended.set()
        callbacks, self._when_gone = self._when_gone, []
        for callback in callbacks:
            callback()


def _status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
