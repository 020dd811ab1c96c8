"""Bearer tokens, required over gRPC and over REST.

The token stands in the header `authorization: Bearer TOKEN` (RFC 6750), which is metadata in gRPC.
Health checks need no token. The page of metrics needs one, since it shows the models and their use;
the web page and the description of the API need none, since they show nothing.
"""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import grpc
import grpc.aio

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.serving.access.refusal import send_refusal
from lstm_sentiment.serving.access.secret_file import read_secret_file
from lstm_sentiment.serving.access.watched_files import WatchedFiles
from lstm_sentiment.serving.asgi import AsgiApp, Receive, Scope, Send
from lstm_sentiment.serving.errors import UnauthenticatedError

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})
"""Paths that are answered without a token."""

OPEN_SERVICES = frozenset({"grpc.health.v1.Health"})
"""gRPC services that answer without a token."""

OPEN_METHODS = frozenset(
    f"/inference.GRPCInferenceService/{name}" for name in ("ServerLive", "ServerReady")
)
"""gRPC methods of other services that answer without a token: they tell what health checks tell."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_TOKEN_RULE = "must be letters, digits and any of -._~+/, with = at the end only"
_REFUSED = "a valid bearer token is required."


class BearerTokens:
    """The accepted tokens, kept only as digests.

    Those that were loaded from a file can be read again: `reload`. Safe to share among threads.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        """Keeps the digests of the tokens.

        Args:
            tokens: At least one, of letters, digits and `-._~+/`, with `=` at the end only.

        Raises:
            InvalidInputError: If there is no token, or one of other characters. It quotes no token.
        """
        tokens = list(tokens)
        if not tokens:
            raise InvalidInputError("there must be at least one bearer token. Received: none.")
        if not all(map(_TOKEN.fullmatch, tokens)):
            raise InvalidInputError(f"a bearer token {_TOKEN_RULE}. Received: something else.")
        self._digests = [_digest(token.encode()) for token in tokens]
        self._path: str | Path | None = None
        self._files: WatchedFiles | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> "BearerTokens":
        """Loads tokens from a file: see `load_bearer_tokens`."""
        files = WatchedFiles(path)
        tokens = cls(_read_tokens(path))
        tokens._path, tokens._files = path, files
        return tokens

    def reload(self) -> bool:
        """Reads the file again if it has changed; the next request must have one of its tokens.

        Returns:
            Whether it was read; never for tokens that came from no file.

        Raises:
            ConfigError: As `load_bearer_tokens`; the old tokens stay in force.
        """
        if self._path is None or self._files is None or not self._files.have_changed():
            return False
        self._digests = [_digest(token.encode()) for token in _read_tokens(self._path)]
        return True

    def check(self, authorizations: Iterable[bytes]) -> None:
        """Checks the values of a request's `authorization` headers.

        Raises:
            UnauthenticatedError: Unless there is exactly one, with an accepted token.
        """
        given = list(authorizations)
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        digest = _digest(token.strip())
        # Compares with all digests, so that the time taken reveals nothing of the tokens.
        found = [hmac.compare_digest(digest, known) for known in self._digests]
        if scheme.lower() != b"bearer" or not any(found):
            raise UnauthenticatedError(_REFUSED)


def load_bearer_tokens(path: str | Path) -> BearerTokens:
    """Loads tokens from a file.

    Args:
        path: One token a line, ASCII; empty lines and lines that begin with `#` are skipped.

    Raises:
        ConfigError: One line that starts with the path and the number of the bad line, if the file
            cannot be read, holds no token, or holds a bad one. It quotes no token.
    """
    return BearerTokens.from_file(path)


def _read_tokens(path: str | Path) -> list[str]:
    tokens = []
    for number, raw in enumerate(read_secret_file(path).splitlines(), start=1):
        line = raw.decode("latin-1").strip()
        if not line or line.startswith("#"):
            continue
        if not _TOKEN.fullmatch(line):
            raise ConfigError(f"{path}:{number}: a bearer token {_TOKEN_RULE}.")
        tokens.append(line)
    if not tokens:
        raise ConfigError(f"{path}: must hold at least one bearer token. Received: none.")
    return tokens


class BearerTokenInterceptor(grpc.aio.ServerInterceptor):
    """Rejects gRPC calls without a token as UNAUTHENTICATED, before their message is read."""

    def __init__(self, tokens: BearerTokens) -> None:
        """Creates the interceptor."""
        self._tokens = tokens

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Checks the token of one call; returns its handler."""
        method = handler_call_details.method
        service = method.rpartition("/")[0].removeprefix("/")
        if service not in OPEN_SERVICES and method not in OPEN_METHODS:
            metadata = handler_call_details.invocation_metadata or ()
            try:
                self._tokens.check(
                    value if isinstance(value, bytes) else value.encode()
                    for key, value in metadata
                    if key == "authorization"
                )
            except UnauthenticatedError:
                return _REFUSAL
        return await continuation(handler_call_details)


class BearerTokenMiddleware:
    """Rejects HTTP requests without a token with status 401, before their body is read."""

    def __init__(
        self, app: AsgiApp, tokens: BearerTokens, open_paths: AbstractSet[str] = frozenset()
    ) -> None:
        """Wraps an application.

        Args:
            app: The application that accepted requests are passed to.
            tokens: The accepted tokens.
            open_paths: Paths that need no token, besides `OPEN_PATHS`.
        """
        self._app = app
        self._tokens = tokens
        self._open_paths = OPEN_PATHS | open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Rejects a request, or passes it to the application."""
        if scope["type"] == "http" and scope["raw_path"].decode("latin-1") not in self._open_paths:
            try:
                self._tokens.check(
                    value for name, value in scope["headers"] if name == b"authorization"
                )
            except UnauthenticatedError as error:
                await send_refusal(send, 401, str(error), (b"www-authenticate", b"Bearer"))
                return
        await self._app(scope, receive, send)


async def _refuse(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> NoReturn:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, _REFUSED)


# A handler for calls of any kind: of all kinds, only this one runs before a message has arrived.
_REFUSAL: _Handler = grpc.stream_stream_rpc_method_handler(_refuse)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
