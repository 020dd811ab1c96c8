"""Requests that a browser sends for a page of somebody else's are refused.

Whoever opens a page lets it send requests from his machine, to servers that only he can reach: it
cannot read their answers, but a request counts as soon as it has come. Browsers tell which page
asks: by `Origin` (https://fetch.spec.whatwg.org/#origin-header) and `Sec-Fetch-Site`
(https://www.w3.org/TR/fetch-metadata/). Who is no browser sends neither, and is not affected.
"""

import re
from collections.abc import Awaitable

from lstm_sentiment.serving.access.cors import AllowedOrigins
from lstm_sentiment.serving.access.hosts import ServedHosts
from lstm_sentiment.serving.access.refusal import send_refusal
from lstm_sentiment.serving.asgi import AsgiApp, Headers, Receive, Scope, Send

TARGET_HOST = b"x-target-host"
"""Name of a header that connections add: the host of a target in absolute form."""

_HOST, _ORIGIN, _SITE = b"host", b"origin", b"sec-fetch-site"
_FORWARDED_HOST = b"x-forwarded-host"
_OF_A_BROWSER = frozenset({_ORIGIN, _SITE})
_OF_A_HOST = frozenset({_HOST, TARGET_HOST})
# The page itself asks, or whoever sits before the browser typed the address.
_OWN_SITES = (b"same-origin", b"none")
# Load balancers and orchestrators probe by names of their own; a page learns no more by them than
# that there is a server.
_PROBED = (b"/healthz", b"/readyz", b"/v2/health/live", b"/v2/health/ready")
_SAFE_METHODS = ("GET", "HEAD")
_DEFAULT_PORT = re.compile(rb":(?:80|443)?$")
_ANY_OTHER_ORIGIN = b"null"
_MOST_SHOWN = 200


class BrowserCheckMiddleware:
    """Refuses requests with a foreign `Host`, or for pages of other origins, with 403."""

    def __init__(self, app: AsgiApp, hosts: ServedHosts, origins: AllowedOrigins | None) -> None:
        """Wraps an application.

        Args:
            app: The application that all other requests are passed to.
            hosts: The hosts that the server accepts.
            origins: Other origins whose pages may ask; `None` for none.
        """
        self._app, self._hosts, self._origins = app, hosts, origins

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Refuses a request, or passes it to the application."""
        is_browser = False
        for name, value in scope["headers"]:
            if name in _OF_A_HOST:
                if not self._hosts.allow(value) and scope["raw_path"] not in _PROBED:
                    return send_refusal(send, 403, _host_refusal(value))
            elif name in _OF_A_BROWSER:
                is_browser = True
        # A preflight asks whether a page may ask, and does nothing else.
        if is_browser and scope["method"] != "OPTIONS" and self._is_foreign(scope):
            message = _origin_refusal(scope["headers"])
            return send_refusal(send, 403, message, (b"vary", b"Origin"))
        return self._app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        given = dict(scope["headers"])
        site, origin = given.get(_SITE), given.get(_ORIGIN)
        if site in _OWN_SITES or (site is None and origin is not None and _is_own(origin, given)):
            return False
        if self._origins is not None and self._origins.allows(origin or _ANY_OTHER_ORIGIN):
            return False
        # A link to the server, which a page of another origin may have: its visitor follows it.
        is_link = scope["method"] in _SAFE_METHODS and given.get(b"sec-fetch-mode") == b"navigate"
        return origin is not None or not is_link


def _is_own(origin: bytes, given: dict[bytes, bytes]) -> bool:
    """Returns whether a page is the server's own: its host is the one of its requests.

    Some proxies, such as Apache's, give another `Host` and tell that of the browser beside it. No
    page can set either.
    """
    host = _without_default_port(origin.partition(b"://")[2])
    asked = (given.get(_HOST, b""), given.get(_FORWARDED_HOST, b"").partition(b",")[0])
    return bool(host) and host in map(_without_default_port, asked)


def _without_default_port(host: bytes) -> bytes:
    # A proxy that ends TLS may say 443, 80 or nothing.
    return _DEFAULT_PORT.sub(b"", host.strip().lower())


def _host_refusal(host: bytes) -> str:
    return (
        "the Host of a request must be localhost, an address that the server listens on, or one of "
        f"its --allowed-hosts. Received: {_shown(host) or 'none'}."
    )


def _origin_refusal(headers: Headers) -> str:
    given = dict(headers)
    origin, host = given.get(_ORIGIN, b"none"), given.get(_HOST, b"none")
    return (
        "a web page of another origin must be let in by --rest-api-enable-cors-support and "
        f"--cors-allowed-origins. Received: Origin {_shown(origin)}, for Host {_shown(host)}."
    )


def _shown(value: bytes) -> str:
    return value[:_MOST_SHOWN].decode("ascii", "backslashreplace")
