"""The pages beside the API: probes, state, metrics, and the web page."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_sentiment.serving.asgi import Scope
from lstm_sentiment.serving.monitoring.metric_series import CONTENT_TYPE
from lstm_sentiment.serving.monitoring.observability import MetricsPage
from lstm_sentiment.serving.rest_api.body import header
from lstm_sentiment.serving.rest_api.path import is_api_path
from lstm_sentiment.serving.rest_api.responses import (
    Response,
    error_response,
    json_response,
    text_response,
)
from lstm_sentiment.serving.rest_api.ui_pages import UiPage, ui_page


@dataclass(frozen=True)
class Pages:
    """Answers every path that is no method of the API.

    Attributes:
        is_ready: Decides what `/readyz` answers.
        state: Returns the content of `/state`; `None` for no such page.
        metrics: The page of metrics; `None` for no such page.
        ui: Whether the web page is served at `/`.
    """

    is_ready: Callable[[], bool]
    state: Callable[[], Mapping[str, Any]] | None
    metrics: MetricsPage | None
    ui: bool

    async def answer(self, scope: Scope, path: str) -> Response:
        """Answers a request.

        Args:
            scope: The ASGI scope of the request, of any method.
            path: The path as it was sent.
        """
        method = scope["method"]
        if path == "/healthz":
            return text_response("ok\n")
        # What follows may have to wait for a lock, which must not hold up the event loop.
        if path == "/readyz":
            return _ready_response(await asyncio.to_thread(self.is_ready))
        if self.state is not None and path == "/state":
            return await asyncio.to_thread(_state_response, self.state)
        if self.metrics is not None and path == self.metrics.path:
            content = await asyncio.to_thread(self.metrics.content)
            return Response(content, [(b"content-type", CONTENT_TYPE.encode())])
        if is_api_path(path):
            return error_response(400, f"Malformed request: {method} {path}")
        if self.ui and method in ("GET", "HEAD") and (page := ui_page(path)) is not None:
            return _ui_response(page, scope)
        return error_response(404, "Not found")


def _ready_response(is_ready: bool) -> Response:
    return text_response("ready\n") if is_ready else text_response("not ready\n", 503)


def _state_response(state: Callable[[], Mapping[str, Any]]) -> Response:
    response = json_response(json.dumps(state(), ensure_ascii=False))
    return response.with_header(b"cache-control", b"no-store")


def _ui_response(page: UiPage, scope: Scope) -> Response:
    headers = [(name.encode(), value.encode()) for name, value in page.headers.items()]
    if page.is_known_as(header(scope["headers"], b"if-none-match").decode("latin-1")):
        return Response(b"", headers, 304)
    return Response(page.body, [*headers, (b"content-type", page.content_type.encode())])
