"""TensorFlow Serving's REST API over a `DataPlane`, as an ASGI application.

After `tensorflow_serving/model_servers/http_rest_api_util.cc` and `http_server.cc`: the same
paths, bodies, messages and status codes. What is answered at all is in the table of routes,
`routing/table.py`.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lstm_sentiment.serving.asgi import WHEN_GONE, Receive, Scope, Send
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.canonical_code import Code, code_and_message
from lstm_sentiment.serving.errors import RequestTooLargeError, ResourceExhaustedError
from lstm_sentiment.serving.inference.bytes_in_flight import (
    RETRY_SECONDS,
    BytesInFlight,
    HeldBytes,
)
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.observability import MetricsPage
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.rest_api.about import About
from lstm_sentiment.serving.rest_api.answers import RestAnswers
from lstm_sentiment.serving.rest_api.body import (
    ClientLeftError,
    UnsupportedCodingError,
    is_packed,
    read_body,
    unpacked_body,
)
from lstm_sentiment.serving.rest_api.calls import Handler, RestCall
from lstm_sentiment.serving.rest_api.open_inference.answers import OpenInferenceAnswers
from lstm_sentiment.serving.rest_api.open_inference.pages import OpenInferencePages
from lstm_sentiment.serving.rest_api.pages import PageHandler, Pages, no_route_response
from lstm_sentiment.serving.rest_api.responses import (
    HTTP_STATUSES,
    Response,
    error_response,
)
from lstm_sentiment.serving.rest_api.routing.route import RestTarget, Router, path_of

_BODY_TOO_LARGE = 413
_UNSUPPORTED_CODING = 415
_TOO_MUCH_AT_ONCE = 503


def rest_app(
    data_plane: DataPlane,
    *,
    timeout_seconds: float | None = 30.0,
    max_request_bytes: int | None = None,
    in_flight: BytesInFlight | None = None,
    observer: Observer | None = None,
    is_ready: Callable[[], bool] = lambda: True,
    state: Callable[[], Mapping[str, Any]] | None = None,
    metrics_page: MetricsPage | None = None,
    ui: bool = False,
    with_tokens: bool = False,
    about: About | None = None,
) -> "RestApi":
    """Makes the REST API as an ASGI application, which answers every path and method.

    Args:
        data_plane: The data plane that answers.
        timeout_seconds: Limit of the time from the arrival of a whole request to its answer;
            `None` for no limit.
        max_request_bytes: Limit of a body, as sent and decompressed; `None` for no limit, but
            100 MiB for a decompressed one.
        in_flight: The bytes of requests, of other transports too; `None` for no limit.
        observer: Called with every request to the API, if there is one.
        is_ready: Decides what `/readyz` answers.
        state: Returns the content of `/state`; `None` for no such page.
        metrics_page: The page of metrics; `None` for no such page.
        ui: Whether the web page is served at `/`.
        with_tokens: Whether the server requires bearer tokens, as its description states.
        about: Returns the facts of a version for the web page; `None` where nothing is known.
    """
    pages = Pages(is_ready, state, metrics_page, ui, with_tokens, about)
    return RestApi(
        Router(pages.routes()),
        RestAnswers(data_plane).handlers | OpenInferenceAnswers(data_plane).handlers,
        pages.handlers() | OpenInferencePages(is_ready).handlers(),
        timeout_seconds,
        RequestLimits(max_request_bytes=max_request_bytes),
        in_flight or BytesInFlight(),
        data_plane.in_thread,
        observer,
    )


@dataclass(eq=False)
class RestApi:
    """Finds the route of a request, and answers on the event loop."""

    router: Router
    handlers: Mapping[str, Handler]
    pages: Mapping[str, PageHandler]
    timeout_seconds: float | None
    limits: RequestLimits
    in_flight: BytesInFlight
    in_thread: Callable[[Callable[[], bytes], Caller], Awaitable[bytes]]
    observer: Observer | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        target = self.router.target_of(scope)
        try:
            if target is None:
                methods = self.router.methods_of(path_of(scope))
                await no_route_response(scope, methods).send(send)
            elif (api := target.route.api) is not None:
                await self._answer(target, api, scope, receive, send)
            else:
                await (await self._page(target, scope)).send(send)
        except (ClientLeftError, asyncio.CancelledError):
            # Nobody waits any more; a request is cancelled only when the event loop is stopped.
            return

    async def _page(self, target: RestTarget, scope: Scope) -> Response:
        try:
            return await self.pages[target.route.operation_id](scope)
        except Exception as error:
            code, message = code_and_message(error)
            return error_response(HTTP_STATUSES[code], message)

    async def _answer(
        self, target: RestTarget, api: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        with self.in_flight.holding() as held:
            await self._answer_held(target, api, scope, receive, send, held)

    async def _answer_held(
        self,
        target: RestTarget,
        api: str,
        scope: Scope,
        receive: Receive,
        send: Send,
        held: HeldBytes,
    ) -> None:
        notes = RequestNotes(self.observer, "REST", api, _peer(scope))
        try:
            body = await read_body(receive, scope["headers"], self.limits, held)
        except RequestTooLargeError as error:
            # The rest of the body is not read.
            await _refusal(error, notes).with_header(b"connection", b"close").send(send)
            return
        except ResourceExhaustedError as error:
            # The rest of the body is read and forgotten, so that a client that goes on sending
            # reads the answer too.
            await _refusal(error, notes).send(send)
            return
        except ClientLeftError as error:
            notes.finish(Code.CANCELLED, "the caller disconnected before the request was complete.")
            raise error
        notes.arrived(len(body))
        seconds = self.timeout_seconds
        caller = Caller(None if seconds is None else time.monotonic() + seconds)
        reply = _Reply(send)
        query = scope.get("query_string", b"")
        call = RestCall(target, scope["headers"], body, notes, caller, held, query)
        with reply.within(seconds), _leaving_with_client(caller, scope, receive):
            response = await self._response(call)
        await reply.send(response)

    async def _response(self, call: RestCall) -> Response:
        notes, caller = call.notes, call.caller
        try:
            if call.body and is_packed(call.headers):
                try:
                    call.body = await self._unpacked(call)
                except RequestTooLargeError as error:
                    return _refusal(error, notes)
            response = await self.handlers[call.target.route.operation_id](call)
            caller.check_waits()
        except asyncio.CancelledError:
            caller.leave()
            notes.finish(Code.CANCELLED, "the server stopped before the answer was ready.")
            raise
        except ResourceExhaustedError as error:
            return _refusal(error, notes)
        except Exception as error:
            code, message = code_and_message(error)
            is_coded = isinstance(error, UnsupportedCodingError)
            status = _UNSUPPORTED_CODING if is_coded else HTTP_STATUSES[code]
            return _noted_error(status, code, message, notes)
        notes.response_bytes = len(response.body)
        notes.finish(Code.OK)
        return response

    async def _unpacked(self, call: RestCall) -> bytes:
        unpack = functools.partial(unpacked_body, call.body, self.limits)
        body = await self.in_thread(unpack, call.caller)
        call.held.take(len(body))
        return body


class _Reply:
    """Sends one response to a request: what the API answers, or in time that it is late."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_sent = False
        self._late: asyncio.Task[None] | None = None

    async def send(self, response: Response) -> None:
        """Sends a response, unless one was sent already."""
        if not self._is_sent:
            self._is_sent = True
            await response.send(self._send)

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """Sends after some seconds that the deadline has passed, whatever goes on meanwhile.

        A running model cannot always be stopped; its answer is dropped, and observed as late.
        """
        if seconds is None:
            yield
            return
        timer = asyncio.get_running_loop().call_later(seconds, self._send_late)
        try:
            yield
        finally:
            timer.cancel()

    def _send_late(self) -> None:
        status = HTTP_STATUSES[Code.DEADLINE_EXCEEDED]
        response = error_response(status, "the deadline passed before the answer was ready.")
        self._late = asyncio.get_running_loop().create_task(self.send(response))


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


def _refusal(error: Exception, notes: RequestNotes) -> Response:
    """Refuses a request that is too large for ever, or for now."""
    code, message = Code.RESOURCE_EXHAUSTED, str(error)
    if isinstance(error, RequestTooLargeError):
        return _noted_error(_BODY_TOO_LARGE, code, message, notes)
    response = _noted_error(_TOO_MUCH_AT_ONCE, code, message, notes)
    return response.with_header(b"retry-after", b"%d" % RETRY_SECONDS)


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
