"""Responses, and the HTTP status of each error."""

import json
from dataclasses import dataclass, field

from lstm_sentiment.serving.asgi import Headers, Send
from lstm_sentiment.serving.canonical_code import Code

HTTP_STATUSES: dict[Code, int] = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INTERNAL: 500,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
"""The HTTP status of each canonical code."""


_JSON = [(b"content-type", b"application/json")]


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response.

    Attributes:
        body: The body.
        headers: Its headers but for the length.
        status: The HTTP status.
    """

    body: bytes
    headers: Headers = field(default_factory=list)
    status: int = 200

    def with_header(self, name: bytes, value: bytes) -> "Response":
        """Returns the response with one header more."""
        return Response(self.body, [*self.headers, (name, value)], self.status)

    async def send(self, send: Send) -> None:
        """Sends the response."""
        length = (b"content-length", b"%d" % len(self.body))
        headers = self.headers if self.status == 304 else [*self.headers, length]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def json_response(content: str, status: int = 200) -> Response:
    """Makes a response of a JSON document."""
    # Undecodable bytes in a path come back as they came; no answer may fail for them.
    return Response(content.encode("utf-8", errors="replace"), _JSON, status)


def text_response(content: str, status: int = 200) -> Response:
    """Makes a response of plain text."""
    return Response(content.encode(), [(b"content-type", b"text/plain; charset=utf-8")], status)


def error_response(status: int, message: str) -> Response:
    """Makes the response `{"error": message}`."""
    return json_response(json.dumps({"error": message}, ensure_ascii=False), status)
