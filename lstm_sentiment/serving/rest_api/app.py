"""TensorFlow Serving's REST API over a `DataPlane`, as an ASGI application.

After `tensorflow_serving/model_servers/http_rest_api_util.cc` and `http_server.cc`: the same
paths, bodies, messages and status codes. `/healthz` and `/readyz` are for probes, `/state` is for
people.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from anyio import CapacityLimiter, to_thread

from lstm_sentiment.serving.asgi import WHEN_GONE, AsgiApp, Headers, Receive, Scope, Send
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.canonical_code import Code, code_and_message
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.observability import MetricsPage
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.rest_api.answers import RestAnswers
from lstm_sentiment.serving.rest_api.body import ClientLeftError, decoded_body, read_body
from lstm_sentiment.serving.rest_api.pages import Pages
from lstm_sentiment.serving.rest_api.path import RestTarget, find_target
from lstm_sentiment.serving.rest_api.responses import (
    HTTP_STATUSES,
    Response,
    error_response,
    json_response,
)

DEFAULT_MAX_THREADS = 40

_BODY_TOO_LARGE = 413


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
) -> AsgiApp:
    """Makes the REST API as an ASGI application, which answers every path and method.

    Args:
        data_plane: The data plane that answers.
        max_threads: How many requests are answered at once; more wait their turn.
        timeout_seconds: Limit of the time from the arrival of a whole request to its answer;
            `None` for no limit.
        max_request_bytes: Limit of a body, as sent and decompressed; `None` for no limit, but
            100 MiB for a decompressed one.
        observer: Called with every request to the API, if there is one.
        is_ready: Decides what `/readyz` answers.
        state: Returns the content of `/state`; `None` for no such page.
        metrics_page: The page of metrics; `None` for no such page.
        ui: Whether the web page is served at `/`.
    """
    return _RestApi(
        RestAnswers(data_plane),
        # anyio's default limiter is shared with the whole process, and smaller than a batch may be.
        CapacityLimiter(max_threads),
        timeout_seconds,
        RequestLimits(max_request_bytes=max_request_bytes),
        observer,
        Pages(is_ready, state, metrics_page, ui),
    )


@dataclass(eq=False)
class _RestApi:
    """Matches paths and methods, and answers in threads."""

    answers: RestAnswers
    limiter: CapacityLimiter
    timeout_seconds: float | None
    limits: RequestLimits
    observer: Observer | None
    pages: Pages
    _working: set[asyncio.Future[Response]] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The path as it was sent: a name may hold an escaped slash or colon.
        path = scope["raw_path"].decode("latin-1")
        target = find_target(scope["method"], path)
        try:
            if target is not None:
                response = await self._answer(target, scope, receive)
            else:
                response = await self.pages.answer(scope, path)
        except ClientLeftError:
            return
        await response.send(send)

    async def _answer(self, target: RestTarget, scope: Scope, receive: Receive) -> Response:
        notes = RequestNotes(self.observer, "REST", target.api, _peer(scope))
        try:
            body = await read_body(receive, scope["headers"], self.limits)
        except RequestTooLargeError as error:
            # The rest of the body is not read.
            return _too_large(error, notes).with_header(b"connection", b"close")
        except ClientLeftError as error:
            notes.finish(Code.CANCELLED, "the caller went away before the request was there.")
            raise error
        notes.arrived(len(body))
        seconds = self.timeout_seconds
        caller = Caller(None if seconds is None else time.monotonic() + seconds)
        work = functools.partial(self._work, target, body, scope["headers"], notes, caller)
        # A status must be answered even while all threads answer predictions.
        limiter = self.limiter if scope["method"] == "POST" else None
        with _leaving_with_client(caller, scope, receive):
            return await self._in_time(work, limiter, caller)

    async def _in_time(
        self, work: Callable[[], Response], limiter: CapacityLimiter | None, caller: Caller
    ) -> Response:
        working = asyncio.ensure_future(to_thread.run_sync(work, limiter=limiter))
        # Held here: the loop itself holds no more than a weak reference.
        self._working.add(working)
        working.add_done_callback(self._working.discard)
        try:
            await asyncio.wait({working}, timeout=caller.seconds_left())
        except asyncio.CancelledError:
            caller.leave()
            raise
        if working.done():
            return working.result()
        # A running model cannot be stopped; its answer is dropped, and observed as late.
        late = HTTP_STATUSES[Code.DEADLINE_EXCEEDED]
        return error_response(late, "the deadline passed before the answer was there.")

    def _work(
        self,
        target: RestTarget,
        body: bytes,
        headers: Headers,
        notes: RequestNotes,
        caller: Caller,
    ) -> Response:
        try:
            try:
                unpacked = decoded_body(body, headers, self.limits)
            except RequestTooLargeError as error:
                return _too_large(error, notes)
            response = json_response(self.answers.answer(target, unpacked, notes, caller))
            caller.check_waits()
        except Exception as error:
            code, message = code_and_message(error)
            return _noted_error(HTTP_STATUSES[code], code, message, notes)
        notes.response_bytes = len(response.body)
        notes.finish(Code.OK)
        return response


@contextmanager
def _leaving_with_client(caller: Caller, scope: Scope, receive: Receive) -> Iterator[None]:
    """Lets the caller leave as soon as the client does."""
    when_gone = scope.get("extensions", {}).get(WHEN_GONE)
    if when_gone is not None:
        when_gone(caller.leave)
        yield
        return
    watching = asyncio.ensure_future(_leave_on_disconnect(receive, caller))
    try:
        yield
    finally:
        watching.cancel()


async def _leave_on_disconnect(receive: Receive, caller: Caller) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    caller.leave()


def _too_large(error: RequestTooLargeError, notes: RequestNotes) -> Response:
    return _noted_error(_BODY_TOO_LARGE, Code.RESOURCE_EXHAUSTED, str(error), notes)


def _noted_error(status: int, code: Code, message: str, notes: RequestNotes) -> Response:
    response = error_response(status, message)
    notes.response_bytes = len(response.body)
    notes.finish(code, message)
    return response


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    if client is None:
        return ""
    host, port = client
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
