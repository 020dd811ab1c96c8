"""Bearer tokens, required over gRPC and over REST.

The token stands in the header `authorization: Bearer TOKEN` (RFC 6750), which is metadata in gRPC.
Health checks need no token. The page of metrics needs one, since it shows the models and their use;
the web page and the description of the API need none, since they show nothing. What else a token
may do, its roles tell: see `roles`.
"""

import codecs
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import compress
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import grpc
import grpc.aio

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.serving.access.refusal import send_refusal
from lstm_sentiment.serving.access.roles import ANY, Role, Roles, roles_of_method
from lstm_sentiment.serving.access.secret_file import read_secret_file
from lstm_sentiment.serving.access.watched_files import WatchedFiles
from lstm_sentiment.serving.asgi import AsgiApp, Receive, Scope, Send
from lstm_sentiment.serving.errors import PermissionDeniedError, UnauthenticatedError

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SEPARATORS = re.compile(r"[\s,]+")
_TOKEN_RULE = "must be letters, digits and any of -._~+/, with = at the end only"
_ROLES_RULE = f"perhaps its roles, of {', '.join(Role)}"
_REFUSED = "a valid bearer token is required."


class BearerTokens:
    """The accepted tokens with their roles; of the tokens, only digests are kept.

    Those that were loaded from a file can be read again: `reload`. Safe to share among threads.
    """

    def __init__(self, tokens: Iterable[str] | Mapping[str, Iterable[str]]) -> None:
        """Keeps the digests of the tokens.

        Args:
            tokens: At least one, of letters, digits and `-._~+/`, with `=` at the end only. A
                mapping holds the roles of each, which are `Role`s or their names; without it, a
                token has all roles.

        Raises:
            InvalidInputError: If there is no token, one of other characters, or one without a role
                or with one that there is not. It quotes no token.
        """
        roles_of: Mapping[str, Iterable[str]] = (
            tokens if isinstance(tokens, Mapping) else dict.fromkeys(tokens, ANY)
        )
        if not roles_of:
            raise InvalidInputError("there must be at least one bearer token. Received: none.")
        if not all(map(_TOKEN.fullmatch, roles_of)):
            raise InvalidInputError(f"a bearer token {_TOKEN_RULE}. Received: something else.")
        given = [(token, frozenset(roles)) for token, roles in roles_of.items()]
        if not all(roles and roles <= ANY for _, roles in given):
            raise InvalidInputError(
                f"the roles of a token must be among {', '.join(Role)}. Received: something else."
            )
        self._known = _digested(given)
        self._path: str | Path | None = None
        self._files: WatchedFiles | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> "BearerTokens":
        """Loads tokens from a file: see `load_bearer_tokens`."""
        files = WatchedFiles(path)
        known = _read_tokens(path)
        tokens = cls(token for token, _ in known)
        tokens._known, tokens._path, tokens._files = _digested(known), path, files
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
        self._known = _digested(_read_tokens(self._path))
        return True

    def check(self, authorizations: Iterable[bytes], needed: frozenset[Role] = ANY) -> None:
        """Checks the values of a request's `authorization` headers.

        Args:
            authorizations: The values.
            needed: Roles of which the token must have one.

        Raises:
            UnauthenticatedError: Unless there is exactly one, with an accepted token.
            PermissionDeniedError: If the token has none of the roles.
        """
        given = list(authorizations)
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        digest = _digest(token.strip())
        # Compares with all digests, so that the time taken reveals nothing of the tokens.
        found = [hmac.compare_digest(digest, known) for known, _ in self._known]
        if scheme.lower() != b"bearer" or not any(found):
            raise UnauthenticatedError(_REFUSED)
        # A token that stands in two lines has the roles of both.
        roles = frozenset[Role]().union(*(each for _, each in compress(self._known, found)))
        if not roles & needed:
            raise PermissionDeniedError(
                f"a token with the role {_listed(needed, ' or ')} is required. "
                f"Received: one with {_listed(roles, ' and ')}."
            )


def load_bearer_tokens(path: str | Path) -> BearerTokens:
    """Loads tokens from a file.

    Args:
        path: One token a line, ASCII, then perhaps the names of its roles, as in
            `TOKEN ask,status`; without one it has all. Empty lines and lines that begin with `#`
            are skipped.

    Raises:
        ConfigError: One line that starts with the path and the number of the bad line, if the file
            cannot be read, holds no token, or holds a bad one. It quotes no token.
    """
    return BearerTokens.from_file(path)


def _read_tokens(path: str | Path) -> list[tuple[str, frozenset[Role]]]:
    tokens = []
    # Editors of Windows begin a file with a mark.
    lines = read_secret_file(path).removeprefix(codecs.BOM_UTF8).splitlines()
    for number, raw in enumerate(lines, start=1):
        line = raw.decode("latin-1").strip()
        if not line or line.startswith("#"):
            continue
        token, *roles = filter(None, _SEPARATORS.split(line))
        if not _TOKEN.fullmatch(token) or not ANY.issuperset(roles):
            raise ConfigError(f"{path}:{number}: a bearer token {_TOKEN_RULE}, then {_ROLES_RULE}.")
        tokens.append((token, frozenset(map(Role, roles)) or ANY))
    if not tokens:
        raise ConfigError(f"{path}: must hold at least one bearer token. Received: none.")
    return tokens


class BearerTokenInterceptor(grpc.aio.ServerInterceptor):
    """Rejects gRPC calls before their message is read.

    Those without a token are UNAUTHENTICATED, those whose token has not the role PERMISSION_DENIED.
    """

    def __init__(self, tokens: BearerTokens) -> None:
        """Creates the interceptor."""
        self._tokens = tokens

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Checks the token of one call; returns its handler."""
        needed = roles_of_method(handler_call_details.method)
        if needed is not None:
            metadata = handler_call_details.invocation_metadata or ()
            try:
                self._tokens.check(
                    (
                        value if isinstance(value, bytes) else value.encode()
                        for key, value in metadata
                        if key == "authorization"
                    ),
                    needed,
                )
            except UnauthenticatedError:
                return _UNAUTHENTICATED
            except PermissionDeniedError as error:
                return _refusal(grpc.StatusCode.PERMISSION_DENIED, str(error))
        return await continuation(handler_call_details)


class BearerTokenMiddleware:
    """Rejects HTTP requests by status, before their body is read.

    The status is 401 without a token, 403 for one that has not the role which is needed.
    """

    def __init__(
        self, app: AsgiApp, tokens: BearerTokens, roles_of: Callable[[Scope], Roles]
    ) -> None:
        """Wraps an application.

        Args:
            app: The application that accepted requests are passed to.
            tokens: The accepted tokens.
            roles_of: Returns the roles that a request requires.
        """
        self._app, self._tokens, self._roles_of = app, tokens, roles_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Rejects a request, or passes it to the application."""
        needed = self._roles_of(scope)
        if needed is not None:
            try:
                self._tokens.check(
                    (value for name, value in scope["headers"] if name == b"authorization"), needed
                )
            except UnauthenticatedError as error:
                await send_refusal(send, 401, str(error), (b"www-authenticate", b"Bearer"))
                return
            except PermissionDeniedError as error:
                await send_refusal(send, 403, str(error), _TOO_FEW_ROLES)
                return
        await self._app(scope, receive, send)


# RFC 6750, 3.1.
_TOO_FEW_ROLES = (b"www-authenticate", b'Bearer error="insufficient_scope"')


def _refusal(code: grpc.StatusCode, message: str) -> _Handler:
    """Makes a handler for calls of any kind: of all kinds, only this one runs before a message."""

    async def refuse(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> NoReturn:
        await context.abort(code, message)

    return grpc.stream_stream_rpc_method_handler(refuse)


_UNAUTHENTICATED = _refusal(grpc.StatusCode.UNAUTHENTICATED, _REFUSED)


def _listed(roles: frozenset[Role], word: str) -> str:
    return word.join(role for role in Role if role in roles)


def _digested(
    tokens: Iterable[tuple[str, frozenset[str]]],
) -> list[tuple[bytes, frozenset[Role]]]:
    return [(_digest(token.encode()), frozenset(map(Role, roles))) for token, roles in tokens]


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
