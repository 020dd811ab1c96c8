"""The pages beside the API: probes, state, metrics, and the web page."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from lstm_sentiment.errors import ServableNotFoundError
from lstm_sentiment.serving.asgi import Scope
from lstm_sentiment.serving.monitoring.metric_series import CONTENT_TYPE
from lstm_sentiment.serving.monitoring.observability import MetricsPage
from lstm_sentiment.serving.rest_api.about import About
from lstm_sentiment.serving.rest_api.body import header
from lstm_sentiment.serving.rest_api.responses import (
    Response,
    error_response,
    json_response,
    text_response,
)
from lstm_sentiment.serving.rest_api.routing.openapi import openapi_document
from lstm_sentiment.serving.rest_api.routing.route import Route, path_of
from lstm_sentiment.serving.rest_api.routing.table import ABOUT, routes_of
from lstm_sentiment.serving.rest_api.ui_pages import UiPage, ui_page
from lstm_sentiment.version_folder import parse_version

_ANY_API_PATH = re.compile(r"(?i)/v1/.*")
_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
_HTTP_ORIGIN = re.compile(rb"https?://")

PageHandler = Callable[[Scope], Awaitable[Response]]
"""Answers one page: takes the ASGI scope of a request."""


@dataclass(frozen=True)
class Pages:
    """Answers the routes that ask no model.

    Attributes:
        is_ready: Decides what `/readyz` answers.
        state: Returns the content of `/state`; `None` for no such page.
        metrics: The page of metrics; `None` for no such page.
        ui: Whether the web page is served at `/`.
        with_tokens: Whether the server requires bearer tokens.
        about: Returns the facts of a version for the web page; `None` where nothing is known.
    """

    is_ready: Callable[[], bool]
    state: Callable[[], Mapping[str, Any]] | None
    metrics: MetricsPage | None
    ui: bool
    with_tokens: bool = False
    about: About | None = None

    def routes(self) -> Iterator[Route]:
        """Returns the routes of a server with these pages."""
        path = None if self.metrics is None else self.metrics.path
        return routes_of(metrics_path=path, state=self.state is not None, ui=self.ui)

    def handlers(self) -> dict[str, PageHandler]:
        """Returns what answers each page, by the `operation_id` of its route."""
        return {
            "healthz": self._healthz,
            "readyz": self._readyz,
            "state": self._state,
            "metrics": self._metrics,
            "openapi": self._openapi,
            "about": self._about,
            "ui": self._ui,
            "uiFile": self._ui,
        }

    @cached_property
    def _description(self) -> Response:
        document = openapi_document(self.routes(), with_tokens=self.with_tokens)
        return json_response(json.dumps(document, ensure_ascii=False))

    async def _openapi(self, scope: Scope) -> Response:
        return self._description

    async def _healthz(self, scope: Scope) -> Response:
        return text_response("ok\n")

    # What follows may have to wait for a lock, which must not hold up the event loop.

    async def _readyz(self, scope: Scope) -> Response:
        is_ready = await asyncio.to_thread(self.is_ready)
        return text_response("ready\n") if is_ready else error_response(503, "not ready")

    async def _state(self, scope: Scope) -> Response:
        assert self.state is not None
        return await asyncio.to_thread(_state_response, self.state)

    async def _metrics(self, scope: Scope) -> Response:
        assert self.metrics is not None
        content = await asyncio.to_thread(self.metrics.content)
        return Response(content, [(b"content-type", CONTENT_TYPE.encode())])

    async def _about(self, scope: Scope) -> Response:
        return await asyncio.to_thread(_about_response, self.about, path_of(scope))

    async def _ui(self, scope: Scope) -> Response:
        page = ui_page(path_of(scope))
        return _not_found_response() if page is None else _ui_response(page, scope)


def no_route_response(scope: Scope, methods: Collection[str]) -> Response:
    """Answers a request that has no route.

    Args:
        scope: The ASGI scope of the request.
        methods: The methods that its path has; none if there is no such path.
    """
    path = path_of(scope)
    method = scope["method"]
    if method not in _METHODS:
        response = error_response(501, "the method of the request is not known.")
        return response.with_header(b"connection", b"close")
    if not _ANY_API_PATH.fullmatch(path):
        return _wrong_method_response(method, methods) if methods else _not_found_response()
    if method != "OPTIONS":
        return error_response(400, f"Malformed request: {method} {path}")
    # TensorFlow Serving takes it for a preflight, whether it lets other origins in or not.
    if _HTTP_ORIGIN.search(header(scope["headers"], b"origin")):
        return Response(b"")
    return error_response(400, "Origin header is missing in CORS preflight")


def _not_found_response() -> Response:
    return error_response(404, "Not found")


def _wrong_method_response(method: str, methods: Collection[str]) -> Response:
    allowed = ", ".join(methods)
    response = error_response(405, f"the method must be one of: {allowed}. Received: {method}.")
    return response.with_header(b"allow", allowed.encode())


def _state_response(state: Callable[[], Mapping[str, Any]]) -> Response:
    response = json_response(json.dumps(state(), ensure_ascii=False))
    return response.with_header(b"cache-control", b"no-store")


def _about_response(about: About | None, path: str) -> Response:
    match = ABOUT.pattern.fullmatch(path)
    version = match and parse_version(match["version"])
    if about is None or match is None or version is None:
        raise ServableNotFoundError("there is no such version.")
    document = about(unquote(match["model"]), version)
    response = json_response(json.dumps(document, ensure_ascii=False))
    return response.with_header(b"cache-control", b"no-store")


def _ui_response(page: UiPage, scope: Scope) -> Response:
    headers = [(name.encode(), value.encode()) for name, value in page.headers.items()]
    if page.is_known_as(header(scope["headers"], b"if-none-match").decode("latin-1")):
        return Response(b"", headers, 304)
    return Response(page.body, [*headers, (b"content-type", page.content_type.encode())])
