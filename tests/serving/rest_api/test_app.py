"""What all REST requests share, by ASGI alone and a servable that does what a test says.

What gRPC's share too is in `tests/serving/test_requests.py`.
"""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from lstm_sentiment.serving.asgi import AsgiApp
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import RequestCancelledError
from lstm_sentiment.serving.inference.bytes_in_flight import BytesInFlight
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.monitoring.observability import MetricsPage
from lstm_sentiment.serving.rest_api.app import rest_app
from lstm_sentiment.serving.rest_api.json_document import MAX_PARTS
from tests.serving.fake_servables import FakeServable, OneServable, plane_of

PREDICT = "/v1/models/m/labels/stable:predict"
BODY = '{"signature_name": "text", "instances": ["好", "b"]}'.encode()


def servable_of(answer: Any) -> FakeServable:
    return FakeServable().add("text", answer, ("text",))


def answering() -> FakeServable:
    return servable_of({"y": np.array([1, 2], np.float32)})


def app_of(
    servable: FakeServable, limits: RequestLimits | None = None, **options: Any
) -> tuple[AsgiApp, list[AnsweredRequest]]:
    observed: list[AnsweredRequest] = []
    return rest_app(plane_of(servable, limits), observer=observed.append, **options), observed


def ask(
    app: AsgiApp, method: str, path: str, content: Any = b"", headers: Any = None
) -> httpx.Response:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50312))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.request(method, path, content=content, headers=headers)

    return asyncio.run(request())


def predicted(app: AsgiApp, content: Any = BODY, headers: Any = None) -> httpx.Response:
    return ask(app, "POST", PREDICT, content, headers)


@pytest.mark.parametrize(
    ("method", "path", "body", "api", "status", "signature"),
    [
        ("GET", "/v1/models/m/METADATA", b"", "GetModelStatus", "OK", ""),
        ("POST", "/v1/models/m:predict", b"{", "Predict", "INVALID_ARGUMENT", ""),
        ("GET", f"/v1/models/m/versions/{10**30}", b"", "GetModelStatus", "INVALID_ARGUMENT", ""),
    ],
)
def test_the_observer_is_told_what_a_path_asks(
    method: str, path: str, body: bytes, api: str, status: str, signature: str
) -> None:
    app, observed = app_of(answering())
    response = ask(app, method, path, body)
    [answered] = observed
    assert (answered.api, answered.status, answered.signature_key) == (api, status, signature)
    assert answered.response_bytes == len(response.content)
    assert answered.message == response.json().get("error", "")
    assert answered.texts == ()


@pytest.mark.parametrize(
    ("host", "peer"), [("127.0.0.1", "ipv4:127.0.0.1:5"), ("::1", "ipv6:[::1]:5")]
)
def test_the_observer_is_told_who_asked(host: str, peer: str) -> None:
    app, observed = app_of(answering())

    async def request() -> None:
        transport = httpx.ASGITransport(app, client=(host, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            await client.get("/v1/models/m")

    asyncio.run(request())
    assert [answered.peer for answered in observed] == [peer]


def test_what_is_no_question_to_a_model_is_not_observed() -> None:
    app, observed = app_of(answering())
    for path in ("/", "/v1/x", "/healthz", "/readyz"):
        ask(app, "GET", path)
    assert observed == []


@pytest.mark.parametrize(("method", "path"), [("POST", PREDICT), ("GET", "/v1/models/m/metadata")])
def test_a_request_that_takes_too_long_is_answered_in_time(method: str, path: str) -> None:
    is_told = threading.Event()
    observed: list[AnsweredRequest] = []

    def observe(answered: AnsweredRequest) -> None:
        observed.append(answered)
        is_told.set()

    released = threading.Event()

    def wait(inputs: Any, caller: Any) -> Any:
        # It does not look at its caller, as a graph that runs does not.
        assert released.wait(30)
        return {"y": np.zeros(2, np.float32)}

    class Slow:
        signatures = servable_of(wait).signatures

        def run(self, key: str, inputs: Any, *, caller: Any, with_counts: bool) -> Any:
            return wait(inputs, caller)

        @property
        def signature_defs(self) -> Any:
            assert released.wait(30)
            return {}

    app = rest_app(plane_of(Slow()), observer=observe, timeout_seconds=0.05)
    status, body = asyncio.run(first_answer(app, method, path, released.set))
    assert status == 504
    assert json.loads(body) == {"error": "the deadline passed before the answer was ready."}
    assert is_told.wait(30)
    assert [answered.status for answered in observed] == ["DEADLINE_EXCEEDED"]


async def first_answer(
    app: AsgiApp, method: str, path: str, when_answered: Callable[[], None]
) -> tuple[int, bytes]:
    """Status and body of the only answer, which must come before the application is done."""
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": BODY, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            when_answered()

    scope = {"type": "http", "method": method, "raw_path": path.encode(), "headers": []}
    await app(scope, receive, send)
    start, body = sent
    return start["status"], body["body"]


def test_without_a_timeout_there_is_no_deadline() -> None:
    servable = answering()
    app, _ = app_of(servable, timeout_seconds=None)
    predicted(app)
    assert [caller.deadline for caller in servable.callers] == [None]


def drive(app: AsgiApp, receive: Callable[[], Any]) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": PREDICT,
        "raw_path": PREDICT.encode(),
        "headers": [],
    }

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    return sent


def test_a_client_that_hangs_up_while_it_asks_is_no_error() -> None:
    app, observed = app_of(answering())

    async def hang_up() -> Any:
        return {"type": "http.disconnect"}

    assert drive(app, hang_up) == []
    assert [answered.status for answered in observed] == ["CANCELLED"]


def test_a_client_that_hangs_up_while_it_waits_is_let_go() -> None:
    begun = threading.Event()

    def wait(inputs: Any, caller: Any) -> Any:
        gone = threading.Event()
        caller.when_gone(gone.set)
        begun.set()
        assert gone.wait(30)
        raise RequestCancelledError("gone")

    app, observed = app_of(servable_of(wait))
    messages = [{"type": "http.request", "body": BODY, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.to_thread(begun.wait, 30)
        return {"type": "http.disconnect"}

    drive(app, receive)
    assert [answered.status for answered in observed] == ["CANCELLED"]


async def in_pieces(body: bytes) -> Any:
    for i in range(0, len(body), 20):
        yield body[i : i + 20]


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_body_beyond_the_limit_is_refused(is_announced: bool) -> None:
    servable = answering()
    app, observed = app_of(servable, max_request_bytes=len(BODY) - 1)
    response = predicted(app, BODY if is_announced else in_pieces(BODY))
    assert response.status_code == 413
    assert response.headers["connection"] == "close"
    assert f"at most {len(BODY) - 1} bytes" in response.json()["error"]
    assert [answered.status for answered in observed] == ["RESOURCE_EXHAUSTED"]
    allowed, _ = app_of(servable, max_request_bytes=len(BODY))
    assert predicted(allowed, BODY if is_announced else in_pieces(BODY)).status_code == 200


def test_an_announced_body_beyond_the_limit_is_not_read() -> None:
    app, _ = app_of(answering(), max_request_bytes=10)
    read: list[bytes] = []

    async def body() -> Any:
        read.append(b"x")
        yield b"x"

    transport_headers = {"content-length": "11"}
    assert predicted(app, body(), transport_headers).status_code == 413
    assert read == []


def in_flight_of(limit: int, taken: int) -> BytesInFlight:
    """Returns the bytes in flight of a server, of which others have taken some."""
    in_flight = BytesInFlight(limit)
    in_flight.holding().take(taken)
    return in_flight


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_body_that_does_not_fit_beside_others_may_be_sent_again_later(is_announced: bool) -> None:
    in_flight = in_flight_of(1000 + len(BODY) - 1, 1000)
    app, observed = app_of(answering(), in_flight=in_flight)
    response = predicted(app, BODY if is_announced else in_pieces(BODY))
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1" and "connection" not in response.headers
    assert "--max-bytes-in-flight" in response.json()["error"]
    assert [answered.status for answered in observed] == ["RESOURCE_EXHAUSTED"]
    assert in_flight.bytes == 1000
    in_flight.give_back(1000)
    assert predicted(app).status_code == 200
    assert in_flight.bytes == 0


def test_a_packed_body_counts_as_it_is_unpacked() -> None:
    packed = gzip.compress(BODY + b" " * 10_000, mtime=0)
    in_flight = in_flight_of(10_000, 1000)
    app, _ = app_of(answering(), in_flight=in_flight)
    response = predicted(app, packed, {"content-encoding": "gzip"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert in_flight.bytes == 1000


@pytest.mark.parametrize("part", [b"[],", b"{},", b'{"a":1},'])
def test_a_body_of_very_many_parts_is_not_parsed(part: bytes) -> None:
    body = b'{"signature_name": "text", "instances": [' + part * MAX_PARTS + b"1]}"
    response = predicted(app_of(answering())[0], body)
    assert response.status_code == 400
    assert response.json()["error"].startswith(f"a body must hold at most {MAX_PARTS} lists,")


@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_rows_beyond_the_limit_are_not_read(key: str) -> None:
    # The last of them could not be read.
    rows = [*(["a"] * 5000), {"b64": "?"}]
    body = json.dumps({"signature_name": "text", key: rows}).encode()
    response = predicted(app_of(answering(), RequestLimits(max_batch_size=1024))[0], body)
    assert response.status_code == 400
    assert "at most 1024 rows. Received: 5001 rows." in response.json()["error"]


def test_what_texts_hold_is_no_part() -> None:
    texts = [f'[{"{[:" * MAX_PARTS} \\ "', "b"]
    body = json.dumps({"signature_name": "text", "instances": texts}).encode()
    assert predicted(app_of(answering())[0], body).status_code == 200


def test_a_packed_body_is_unpacked() -> None:
    app, observed = app_of(answering())
    packed = gzip.compress(BODY, mtime=0)
    response = predicted(app, packed, {"content-encoding": "gzip"})
    assert response.json() == {"predictions": [1.0, 2.0]}
    assert [answered.request_bytes for answered in observed] == [len(packed)]


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("GZIP", gzip.compress(BODY, mtime=0), 200),
        ("x-gzip", gzip.compress(BODY, mtime=0), 200),
        ("identity", BODY, 200),
        ("deflate", BODY, 415),
        ("gzip, gzip", BODY, 415),
        ("br", BODY, 415),
    ],
)
def test_other_codings_are_not_supported(coding: str, body: bytes, status: int) -> None:
    app, observed = app_of(answering())
    response = predicted(app, body, {"content-encoding": coding})
    assert response.status_code == status
    if status == 415:
        assert coding in response.json()["error"]
        assert [answered.status for answered in observed] == ["INVALID_ARGUMENT"]


def test_a_page_that_fails_is_answered_in_json() -> None:
    def fail() -> bool:
        raise ValueError("a secret")

    response = ask(app_of(answering(), is_ready=fail)[0], "GET", "/readyz")
    assert (response.status_code, response.json()) == (500, {"error": "internal error"})


def test_a_packed_body_is_limited_as_it_is_unpacked() -> None:
    app, observed = app_of(answering(), max_request_bytes=10_000)
    bomb = gzip.compress(b" " * 1_000_000, mtime=0)
    response = predicted(app, bomb, {"content-encoding": "gzip"})
    assert response.status_code == 413
    assert [answered.status for answered in observed] == ["RESOURCE_EXHAUSTED"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"not gzip", "a body sent as gzip must be gzip."),
        (gzip.compress(BODY, mtime=0)[:-9], "a body sent as gzip must be one gzip file, complete."),
        (
            gzip.compress(BODY, mtime=0) + b"x",
            "a body sent as gzip must be one gzip file, complete.",
        ),
    ],
)
def test_a_packed_body_that_is_broken_is_refused(body: bytes, message: str) -> None:
    app, _ = app_of(answering())
    response = predicted(app, body, {"content-encoding": "gzip"})
    assert (response.status_code, response.json()) == (400, {"error": message})


def test_probes() -> None:
    is_ready = False
    app, _ = app_of(answering(), is_ready=lambda: is_ready)
    assert ask(app, "GET", "/healthz").status_code == 200
    assert ask(app, "GET", "/readyz").status_code == 503
    is_ready = True
    assert ask(app, "GET", "/readyz").status_code == 200
    assert ask(app, "HEAD", "/readyz").status_code == 200


def test_the_metrics_page_is_at_its_path() -> None:
    path = "/monitoring/prometheus/metrics"
    app, _ = app_of(answering(), metrics_page=MetricsPage(path, lambda: b"a 1\n"))
    response = ask(app, "GET", path)
    assert (response.status_code, response.content) == (200, b"a 1\n")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    without, _ = app_of(answering())
    assert ask(without, "GET", path).status_code == 404


def test_as_many_wait_for_a_batch_as_there_are_threads() -> None:
    number = 60
    barrier = threading.Barrier(number, timeout=60)

    def wait(inputs: Any, caller: Any) -> Any:
        barrier.wait()
        return {"y": np.zeros(2, np.float32)}

    app = rest_app(plane_of(servable_of(wait), max_threads=number))

    async def send() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://server", timeout=60
        ) as client:
            requests = [client.post(PREDICT, content=BODY) for _ in range(number)]
            return [response.status_code for response in await asyncio.gather(*requests)]

    assert asyncio.run(send()) == [200] * number


def test_a_status_is_told_while_all_threads_answer() -> None:
    begun, released = threading.Event(), threading.Event()

    def wait(inputs: Any, caller: Any) -> Any:
        begun.set()
        assert released.wait(60)
        return {"y": np.zeros(2, np.float32)}

    app = rest_app(plane_of(servable_of(wait), max_threads=1))

    async def send() -> tuple[int, int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            predicting = asyncio.ensure_future(client.post(PREDICT, content=BODY))
            await asyncio.to_thread(begun.wait, 60)
            status = await client.get("/v1/models/m")
            released.set()
            return status.status_code, (await predicting).status_code

    assert asyncio.run(send()) == (200, 200)


class NotingPlane(DataPlane):
    """Notes which threads convert what is large."""

    def __init__(self, servable: FakeServable) -> None:
        manager: Any = OneServable(servable)
        super().__init__(manager)
        self.threads: list[int] = []

    async def in_thread(self, work: Callable[[], Any], caller: Caller) -> Any:
        def noted() -> Any:
            self.threads.append(threading.get_ident())
            return work()

        return await super().in_thread(noted, caller)


@pytest.mark.parametrize("count", [2, 10_000])
def test_large_bodies_and_answers_are_converted_beside_the_event_loop(count: int) -> None:
    plane = NotingPlane(servable_of({"y": np.zeros(count, np.float32)}))
    body = json.dumps({"signature_name": "text", "instances": ["ab"] * count})
    response = predicted(rest_app(plane), body)
    assert response.json() == {"predictions": [0.0] * count}
    # The body, the inputs in it, and the answer.
    assert len(plane.threads) == (0 if count == 2 else 3)
    assert threading.get_ident() not in plane.threads
