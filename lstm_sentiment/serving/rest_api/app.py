"""TensorFlow Serving's REST API over a `DataPlane`, as an ASGI application.

After `tensorflow_serving/model_servers/http_rest_api_util.cc` and `http_server.cc`: the same
paths, bodies, messages and status codes. `/healthz` and `/readyz` are for probes, `/state` is for
people.
"""

import asyncio
import functools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.canonical_code import Code, code_and_message
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.rest_api.answers import RestAnswers
from lstm_sentiment.serving.rest_api.body import decoded_body, read_body
from lstm_sentiment.serving.rest_api.path import RestTarget, find_target, is_api_path
from lstm_sentiment.serving.rest_api.ui_pages import UiPage, ui_page

MetricsPage = tuple[str, Callable[[], bytes]]
"""The path of a page for Prometheus, and what makes it."""

HTTP_STATUSES: dict[Code, int] = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.UNAUTHENTICATED: 401,
    Code.NOT_FOUND: 404,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INTERNAL: 500,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
"""From a canonical code to its HTTP status."""

DEFAULT_MAX_THREADS = 40

_BODY_TOO_LARGE = 413
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def rest_app(
    data_plane: DataPlane,
    *,
    max_threads: int = DEFAULT_MAX_THREADS,
    timeout_seconds: float | None = 30.0,
    max_request_bytes: int | None = None,
    observer: Observer | None = None,
    is_ready: Callable[[], bool] = lambda: True,
    state: Callable[[], Mapping[str, Any]] | None = None,
    metrics_page: MetricsPage | None = None,
    ui: bool = False,
) -> Starlette:
    """Makes the REST API as an ASGI application.

    Args:
        data_plane: Who answers.
        max_threads: How many requests are answered at once; more wait their turn.
        timeout_seconds: How long a request may take, its turn included, once it is there in
            full; `None` for ever.
        max_request_bytes: The longest body taken, as sent and unpacked; `None` for no limit, save
            100 MiB for what was packed.
        observer: Told of every request to the API, if anybody.
        is_ready: What `/readyz` tells.
        state: What `/state` tells, if there is such a page.
        metrics_page: A page for Prometheus, if there is to be one.
        ui: Whether there is a page for people at `/`.

    Returns:
        The application; it answers every path and method.
    """
    api = _RestApi(
        RestAnswers(data_plane),
        # The default one is shared with the whole process, and smaller than a batch may be.
        CapacityLimiter(max_threads),
        timeout_seconds,
        RequestLimits(max_request_bytes=max_request_bytes),
        observer,
        is_ready,
        state,
        metrics_page,
        ui,
    )
    return Starlette(routes=[Route("/{path:path}", api)])


class _RestApi:
    """Matches paths and methods, and answers in threads."""

    def __init__(
        self,
        answers: RestAnswers,
        limiter: CapacityLimiter,
        timeout_seconds: float | None,
        limits: RequestLimits,
        observer: Observer | None,
        is_ready: Callable[[], bool],
        state: Callable[[], Mapping[str, Any]] | None,
        metrics_page: MetricsPage | None,
        ui: bool,
    ) -> None:
        self._answers = answers
        self._limiter = limiter
        self._timeout_seconds = timeout_seconds
        self._limits = limits
        self._observer = observer
        self._is_ready = is_ready
        self._state = state
        self._metrics_page = metrics_page
        self._ui = ui
        self._working: set[asyncio.Future[Response]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The path as it was sent: a name may hold an escaped slash or colon.
        path = scope["raw_path"].decode("latin-1")
        target = find_target(scope["method"], path)
        try:
            if target is not None:
                response = await self._answer(target, Request(scope, receive), receive)
            else:
                response = await self._answer_other(Request(scope), path)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer_other(self, request: Request, path: str) -> Response:
        if path == "/healthz":
            return Response("ok\n", media_type="text/plain")
        if path == "/readyz":
            # Who knows may have to wait for a lock.
            is_ready = await to_thread.run_sync(self._is_ready)
            return Response(
                "ready\n" if is_ready else "not ready\n",
                status_code=200 if is_ready else 503,
                media_type="text/plain",
            )
        if self._state is not None and path == "/state":
            return await to_thread.run_sync(_state_response, self._state)
        if self._metrics_page is not None and path == self._metrics_page[0]:
            metrics = await to_thread.run_sync(self._metrics_page[1])
            return Response(metrics, headers={"content-type": _METRICS_TYPE})
        if is_api_path(path):
            return _error_response(400, f"Malformed request: {request.method} {path}")
        if self._ui and request.method in ("GET", "HEAD") and (page := ui_page(path)) is not None:
            return _ui_response(page, request)
        return _error_response(404, "Not found")

    async def _answer(self, target: RestTarget, request: Request, receive: Receive) -> Response:
        notes = RequestNotes(self._observer, "REST", target.api, _peer(request))
        try:
            body = await read_body(request, self._limits)
        except RequestTooLargeError as error:
            response = _too_large(error, notes)
            # What is left of the body is not waited for.
            response.headers["connection"] = "close"
            return response
        except ClientDisconnect as error:
            notes.finish(Code.CANCELLED, "the caller went away before the request was there.")
            raise error
        notes.arrived(len(body))
        seconds = self._timeout_seconds
        caller = Caller(None if seconds is None else time.monotonic() + seconds)
        work = functools.partial(self._work, target, body, request, notes, caller)
        # A status must be told even while all threads answer predictions.
        limiter = self._limiter if request.method == "POST" else None
        return await self._in_time(work, limiter, caller, receive)

    async def _in_time(
        self,
        work: Callable[[], Response],
        limiter: CapacityLimiter | None,
        caller: Caller,
        receive: Receive,
    ) -> Response:
        working = asyncio.ensure_future(to_thread.run_sync(work, limiter=limiter))
        watching = asyncio.ensure_future(_leave_on_disconnect(receive, caller))
        # Held here: the loop itself holds no more than a weak reference.
        self._working.add(working)
        working.add_done_callback(self._working.discard)
        try:
            await asyncio.wait({working}, timeout=caller.seconds_left())
        except asyncio.CancelledError:
            caller.leave()
            raise
        finally:
            watching.cancel()
        if working.done():
            return working.result()
        # A model that computes cannot be stopped; its answer is dropped, and counted as late.
        late = HTTP_STATUSES[Code.DEADLINE_EXCEEDED]
        return _error_response(late, "the deadline passed before the answer was there.")

    def _work(
        self, target: RestTarget, body: bytes, request: Request, notes: RequestNotes, caller: Caller
    ) -> Response:
        try:
            try:
                unpacked = decoded_body(body, request.headers, self._limits)
            except RequestTooLargeError as error:
                return _too_large(error, notes)
            response = _json_response(self._answers.answer(target, unpacked, notes, caller))
            caller.check_waits()
        except Exception as error:
            code, message = code_and_message(error)
            return _noted_error(HTTP_STATUSES[code], code, message, notes)
        notes.response_bytes = len(response.body)
        notes.finish(Code.OK)
        return response


def _state_response(state: Callable[[], Mapping[str, Any]]) -> Response:
    response = _json_response(json.dumps(state(), ensure_ascii=False))
    response.headers["cache-control"] = "no-store"
    return response


async def _leave_on_disconnect(receive: Receive, caller: Caller) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    caller.leave()


def _too_large(error: RequestTooLargeError, notes: RequestNotes) -> Response:
    return _noted_error(_BODY_TOO_LARGE, Code.RESOURCE_EXHAUSTED, str(error), notes)


def _noted_error(status_code: int, code: Code, message: str, notes: RequestNotes) -> Response:
    response = _error_response(status_code, message)
    notes.response_bytes = len(response.body)
    notes.finish(code, message)
    return response


def _ui_response(page: UiPage, request: Request) -> Response:
    if page.is_known_as(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=page.headers)
    return Response(page.body, headers={**page.headers, "content-type": page.content_type})


def _peer(request: Request) -> str:
    if request.client is None:
        return ""
    host, port = request.client
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"


def _json_response(content: str, status_code: int = 200) -> Response:
    # Undecodable bytes in a path come back as they came; no answer may fail for them.
    body = content.encode("utf-8", errors="replace")
    return Response(body, status_code=status_code, media_type="application/json")


def _error_response(status_code: int, message: str) -> Response:
    return _json_response(json.dumps({"error": message}, ensure_ascii=False), status_code)
