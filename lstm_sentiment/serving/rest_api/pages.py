"""The pages beside the API: probes, state, metrics, and the web page."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from lstm_sentiment.serving.monitoring.metric_series import CONTENT_TYPE
from lstm_sentiment.serving.monitoring.observability import MetricsPage
from lstm_sentiment.serving.rest_api.path import is_api_path
from lstm_sentiment.serving.rest_api.responses import error_response, json_response
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

    async def answer(self, request: Request, path: str) -> Response:
        """Answers a request.

        Args:
            request: The request, of any method.
            path: The path as it was sent.
        """
        if path == "/healthz":
            return Response("ok\n", media_type="text/plain")
        # What follows may have to wait for a lock, which must not hold up the event loop.
        if path == "/readyz":
            return _ready_response(await to_thread.run_sync(self.is_ready))
        if self.state is not None and path == "/state":
            return await to_thread.run_sync(_state_response, self.state)
        if self.metrics is not None and path == self.metrics.path:
            content = await to_thread.run_sync(self.metrics.content)
            return Response(content, headers={"content-type": CONTENT_TYPE})
        if is_api_path(path):
            return error_response(400, f"Malformed request: {request.method} {path}")
        if self.ui and request.method in ("GET", "HEAD") and (page := ui_page(path)) is not None:
            return _ui_response(page, request)
        return error_response(404, "Not found")


def _ready_response(is_ready: bool) -> Response:
    text, status_code = ("ready\n", 200) if is_ready else ("not ready\n", 503)
    return Response(text, status_code=status_code, media_type="text/plain")


def _state_response(state: Callable[[], Mapping[str, Any]]) -> Response:
    response = json_response(json.dumps(state(), ensure_ascii=False))
    response.headers["cache-control"] = "no-store"
    return response


def _ui_response(page: UiPage, request: Request) -> Response:
    if page.is_known_as(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=page.headers)
    return Response(page.body, headers={**page.headers, "content-type": page.content_type})
