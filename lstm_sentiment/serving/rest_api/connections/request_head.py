"""What the head of a request must be, whoever parses it."""

import json
import re
from http import HTTPStatus

from lstm_sentiment.serving.access.browsers import TARGET_HOST
from lstm_sentiment.serving.asgi import Headers

MAX_HEAD_BYTES = 65536
"""Limit of the head of a request."""

_VERSIONS = ("1.0", "1.1")
_ABSOLUTE_FORM = re.compile(rb"(?i)([a-z][a-z0-9+.-]*)://([^/?#]*)")
_SCHEMES = (b"http", b"https")
_SENT_BEFORE_BODY = b"100-continue"

STOPPING = "the server is stopping."
"""The error of a request that is not answered because the server stops."""

CROWDED = "all connections are in use, and this request was arriving slowly: send it again."
"""The error of a request that is given up for a new connection."""


class RefusedHeadError(Exception):
    """The head of a request is refused; the connection ends with the answer.

    Attributes:
        status: The HTTP status of the answer.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        """Refuses a request, with the message of the answer."""
        super().__init__(message)
        self.status = status


def check_head(version: str, headers: Headers) -> None:
    """Checks the head of a request by RFC 9112: its version, `Host`, and where its body ends.

    Args:
        version: The HTTP version, such as `1.1`.
        headers: The headers, with names in lower case.

    Raises:
        RefusedHeadError: If the request must not be answered.
    """
    if version not in _VERSIONS:
        raise RefusedHeadError(f"the HTTP version must be 1.0 or 1.1. Received: {version}.")
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts > 1 or (hosts == 0 and version != "1.0"):
        raise RefusedHeadError("a request must have one header Host.")
    lengths = names.count(b"content-length")
    if lengths > 1:
        raise RefusedHeadError("a request must have at most one header Content-Length.")
    if b"transfer-encoding" in names:
        codings = [value for name, value in headers if name == b"transfer-encoding"]
        if lengths or version == "1.0" or [coding.lower() for coding in codings] != [b"chunked"]:
            raise RefusedHeadError(
                "Transfer-Encoding must be chunked, in HTTP/1.1 and without Content-Length."
            )
    if b"expect" in names and any(
        name == b"expect" and value.lower() != _SENT_BEFORE_BODY for name, value in headers
    ):
        raise RefusedHeadError("Expect must be 100-continue.", 417)


def origin_form(target: bytes) -> tuple[bytes, Headers]:
    """Returns the target of a request from its path on: proxies send whole URLs.

    A fragment, which no client should send, is left out.

    Returns:
        The target, and what its host is added to the headers as, for it counts as `Host` does.

    Raises:
        RefusedHeadError: If the target is a URL, but none of HTTP.
    """
    target = target.partition(b"#")[0]
    found = None if target.startswith(b"/") else _ABSOLUTE_FORM.match(target)
    if found is None:
        return target, []
    if found[1].lower() not in _SCHEMES:
        raise RefusedHeadError("the target of a request must be a path or a URL of http or https.")
    path = target[found.end() :]
    return path if path.startswith(b"/") else b"/" + path, [(TARGET_HOST, found[2])]


def too_slow(seconds: float) -> str:
    """Returns the error of a request that has not arrived in time, which is answered with 408."""
    return f"a whole request must arrive within {seconds:g} seconds."


def error_body(message: str) -> bytes:
    """Returns the body `{"error": message}`."""
    return json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "replace")


def refusal(status: int, message: str) -> bytes:
    """Returns the whole answer to a request that is refused, as it is sent; the connection ends."""
    body = error_body(message)
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
