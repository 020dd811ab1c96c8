"""Cross-origin requests: lets pages of other origins ask the REST API from a browser.

https://fetch.spec.whatwg.org/#http-cors-protocol. `Access-Control-Allow-Credentials` is never
sent, so that browsers add neither cookies nor client certificates; a page sends its token itself.
"""

import json
import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.asgi import (
    ADDED_HEADERS,
    AsgiApp,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
)

ANY_ORIGIN: Final = "*"
"""Stands for all origins, as in TensorFlow Serving."""

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@,*\s]+")
_METHODS = b"POST, GET"
_MAX_AGE_SECONDS = b"600"


class AllowedOrigins:
    """The origins whose pages may ask."""

    def __init__(self, origins: Iterable[str]) -> None:
        """Keeps the origins.

        Args:
            origins: At least one, such as `https://example.org` or `http://localhost:3000`, each as
                a browser sends it, in any case; or `*` for all.

        Raises:
            InvalidInputError: If there is no origin, or one of another form.
        """
        self._origins = frozenset(origin.lower() for origin in origins)
        if not self._origins:
            raise InvalidInputError("there must be at least one allowed origin. Received: none.")
        for origin in sorted(self._origins - {ANY_ORIGIN}):
            if not _ORIGIN.fullmatch(origin):
                raise InvalidInputError(
                    "an allowed origin must be `*`, or a scheme, a host and perhaps a port, such "
                    f"as https://example.org:8443, without a path. Received: {origin}."
                )

    def headers_for(self, origin: bytes | None) -> Headers:
        """Returns the headers of an answer for browsers and caches.

        Args:
            origin: The request's `Origin`; `None` for none.
        """
        if ANY_ORIGIN in self._origins:
            return [(b"access-control-allow-origin", b"*")]
        vary = (b"vary", b"Origin")
        if origin is None or not self.allows(origin):
            return [vary]
        return [(b"access-control-allow-origin", origin), vary]

    def allows(self, origin: bytes) -> bool:
        """Returns whether the pages of an origin may ask."""
        known = self._origins
        return ANY_ORIGIN in known or origin.decode("latin-1").lower() in known


class CorsMiddleware:
    """Answers preflight requests, and adds to every other answer which origins may read it."""

    def __init__(self, app: AsgiApp, origins: AllowedOrigins, *, with_tokens: bool) -> None:
        """Wraps an application.

        Args:
            app: The application that all requests but preflights are passed to.
            origins: The allowed origins.
            with_tokens: Whether the application requires bearer tokens. Preflights never have one.
        """
        self._app, self._origins = app, origins
        headers = b"Content-Type, Authorization" if with_tokens else b"Content-Type"
        self._preflight: Headers = [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", headers),
            (b"access-control-max-age", _MAX_AGE_SECONDS),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a preflight request, or passes the request to the application."""
        given = dict(reversed(scope["headers"]))
        origin = given.get(b"origin")
        added = self._origins.headers_for(origin)
        if (
            scope["method"] == "OPTIONS"
            and origin is not None
            and b"access-control-request-method" in given
        ):
            await self._answer_preflight(origin, added, send)
            return
        scope[ADDED_HEADERS] = added
        await self._app(scope, receive, partial(_send_with, added, send))

    async def _answer_preflight(self, origin: bytes, added: Headers, send: Send) -> None:
        if self._origins.allows(origin):
            status, body, headers = 200, b"", [*added, *self._preflight]
        else:
            # A browser shows neither status nor body to the page, but to who looks for the reason.
            message = f"the origin is not allowed. Received: {origin.decode('latin-1')}."
            body = json.dumps({"error": message}).encode()
            status, headers = 403, [*added, (b"content-type", b"application/json")]
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _send_with(added: Headers, send: Send, message: Message) -> None:
    if message["type"] == "http.response.start":
        message = {**message, "headers": [*message["headers"], *added]}
    await send(message)
