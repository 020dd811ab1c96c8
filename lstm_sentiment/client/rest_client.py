"""The client of a server's REST API, with or without TLS, by the standard library alone."""

import json
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    BaseHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from lstm_sentiment.checks import positive_seconds
from lstm_sentiment.client.access import (
    AccessRefusedError,
    TLSConfig,
    check_token,
    is_loopback_host,
    ssl_context,
    tls_config,
)
from lstm_sentiment.client.address import read_place
from lstm_sentiment.client.peer import rest_hint
from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableUnavailableError,
)
from lstm_sentiment.timeouts import timeout_or_none

_UNAUTHORIZED, _FORBIDDEN = 401, 403
_LONGEST_ANSWER_BYTES = 64 * 2**20
_LONGEST_QUOTE = 200
# What the 400 of a port with TLS holds, in the answers of this server and of nginx.
_NEEDS_HTTPS = b"HTTPS"
_RULE = "the server must be HOST:PORT, or a URL that begins with http:// or https://"


class RefusedError(InvalidInputError):
    """A refusal of a request by the server.

    Attributes:
        status: The HTTP status code.
        reason: The server's own words, or the status code where there are none.
    """

    def __init__(self, address: str, status: int, reason: str) -> None:
        """Builds the message, which begins with the server's address."""
        super().__init__(f"{address}: {reason}")
        self.status = status
        self.reason = reason


class RestClient:
    """Sends requests with JSON to one server and returns the JSON of its answers.

    Redirects are not followed, so that a token reaches no other server.
    """

    def __init__(
        self,
        address: str,
        rule: str,
        *,
        tls: TLSConfig | bool = False,
        token: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        """Checks the arguments; each request opens a connection of its own.

        Args:
            address: `host:port`, or a URL that begins with `http://` or `https://`.
            rule: The rule for every answer, such as `must be X`, for the errors.
            tls: As `PredictClient` takes it, with the authorities of the system in the place of
                gRPC's. An `https` URL has TLS without it.
            token: As `PredictClient` takes it.
            timeout_seconds: Timeout of one request.

        Raises:
            InvalidInputError: If an argument breaks a rule, or a file of `tls` cannot be used.
        """
        positive_seconds(timeout_seconds=timeout_seconds)
        config = tls_config(tls or address.startswith("https://"))
        if config is not None and address.startswith("http://"):
            raise InvalidInputError(f"{address}: must begin with https:// where `tls` is given.")
        self._address = address
        self._url = rest_url(address, "http" if config is None else "https")
        self._rule = rule
        self._timeout = timeout_or_none(timeout_seconds)
        self._headers: dict[str, str] = {}
        self._has_proxy = True
        handlers: list[BaseHandler] = [_NoRedirects()]
        if config is not None:
            handlers.append(HTTPSHandler(context=ssl_context(config)))
        if token is not None:
            stays_here = is_loopback_host(urlsplit(self._url).hostname or "")
            check_token(token, address, in_the_clear=config is None and not stays_here)
            self._headers["Authorization"] = f"Bearer {token}"
            if config is None:
                handlers.append(ProxyHandler({}))  # a proxy would read the token
                self._has_proxy = False
        self._opener = build_opener(*handlers)

    def get(self, path: str) -> Any:
        """Sends a GET request, see `post`."""
        return self._ask(Request(self._url + path, headers=self._headers))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Sends a POST request.

        Args:
            path: Begins with `/`, quoted as a URL needs it.
            body: Sent as JSON.

        Returns:
            The answer, parsed.

        Raises:
            AccessRefusedError: If the server does not accept the caller's token or certificate.
            RefusedError: If the server answers with another status of 300 or more.
            InvalidInputError: If the answer is no JSON.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._ask(Request(self._url + path, json.dumps(body).encode(), headers))

    def unexpected(self, received: str) -> InvalidInputError:
        """Returns the error about an answer that breaks the rule."""
        shown = received if len(received) <= _LONGEST_QUOTE else f"{received[:_LONGEST_QUOTE]}…"
        return InvalidInputError(f"{self._address}: {self._rule}. Received: {shown}.")

    def _ask(self, request: Request) -> Any:
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                answer = response.read(_LONGEST_ANSWER_BYTES)
        except HTTPError as error:
            raise self._refusal(error) from error
        except (OSError, HTTPException, UnicodeError) as error:
            reason = getattr(error, "reason", None) or repr(error)
            hint = rest_hint(self._url, has_proxy=self._has_proxy)
            raise ServableUnavailableError(
                f"{self._address}: cannot be reached. {hint} ({reason})"
                if hint
                else f"{self._address}: cannot be reached: {reason}."
            ) from error
        try:
            return json.loads(answer)
        except ValueError as error:
            raise self.unexpected(f"no JSON: {error}") from error

    def _refusal(self, error: HTTPError) -> LstmSentimentError:
        with error:
            body = error.read(_LONGEST_ANSWER_BYTES)
        if self._url.startswith("http://") and _NEEDS_HTTPS in body:
            hint = rest_hint(self._url, has_proxy=self._has_proxy)
            if hint:
                return ServableUnavailableError(f"{self._address}: cannot be reached. {hint}")
        if error.code == _UNAUTHORIZED:
            received = "another" if "Authorization" in self._headers else "none"
            return AccessRefusedError(
                f"{self._address}: requires a bearer token that the server accepts. "
                f"Received: {received}."
            )
        try:
            reason = str(json.loads(body)["error"])
        except (ValueError, KeyError, TypeError):
            reason = f"status {error.code}"
        if error.code == _FORBIDDEN:
            return AccessRefusedError(f"{self._address}: {reason}")
        return RefusedError(self._address, error.code, reason)


def rest_url(address: str, scheme: str = "http") -> str:
    """Returns the URL of a server's REST address, without a slash at its end.

    Args:
        address: As `RestClient` takes it.
        scheme: That of an address without one.

    Raises:
        InvalidInputError: If it is no address.
    """
    has_scheme = address.startswith(("http://", "https://"))
    url = (address if has_scheme else f"{scheme}://{address}").rstrip("/")
    place = url.partition("://")[2].partition("/")[0]
    if not address.isprintable() or " " in address:
        place = address
    read_place(place, address, _RULE)
    return url


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None
