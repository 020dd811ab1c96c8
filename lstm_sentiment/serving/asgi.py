"""The types of ASGI, the interface between an HTTP server and its application.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
"""What is known of a connection or a request before its body."""

Message = MutableMapping[str, Any]
"""An event that a server or an application sends."""

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

Header = tuple[bytes, bytes]
"""A name in lower case, with its value."""

Headers = list[Header]
"""All headers of a request or an answer."""

WHEN_GONE = "lstm_sentiment.when_gone"
"""Name of an extension in `scope["extensions"]`, a function that takes a callback.

It calls back once if the client leaves before its answer is sent, and saves the application a task
that waits for `http.disconnect`.
"""

ADDED_HEADERS = "lstm_sentiment.added_headers"
"""Key of a scope, with the headers that every answer to the request must have, as `Headers`."""
