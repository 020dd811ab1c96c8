"""Malformed requests of every kind: each is refused politely, and the server is well afterwards.

`LSTM_SENTIMENT_FUZZ_REQUESTS` says how many requests are made, in all.
"""

import http.client
import json
import logging
import os
import re
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.integration.malformed_requests import (
    GOOD_BODIES,
    GOOD_MESSAGES,
    MODEL,
    RELOAD,
    bodies,
    grpc_requests,
    packed_bodies,
)
from tests.serving.saved_models import save_version

TIMEOUT_SECONDS = 60
REQUESTS = int(os.environ.get("LSTM_SENTIMENT_FUZZ_REQUESTS", "600"))
MOST_MEMORY = 300 << 20

GRPC_CODES = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,
}
HTTP_STATUSES = {200, 400, 403, 404, 405, 413, 415, 501}

fuzzed = settings(
    max_examples=max(1, REQUESTS // 4),
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept-to-ourselves") / MODEL
    path.mkdir()
    save_version(path, 1)
    return path


@pytest.fixture(scope="module", params=[None, BatchingParameters(max_batch_size=8)])
def server(base_path: Path, request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    options = ServerOptions(
        file_system_poll_wait_seconds=0,
        batching=request.param,
        limits=RequestLimits(max_request_bytes=100_000, max_batch_size=16, max_text_bytes=1000),
        grpc_health=True,
        grpc_reflection=True,
    )
    with ModelServer(single_model_config(MODEL, base_path), options, port=0) as server:
        yield server


@pytest.fixture
def call(server: ModelServer) -> Iterator[Callable[[str, bytes], tuple[grpc.StatusCode, str]]]:
    """Sends bytes to a gRPC method, and gives what came back."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:

        def call(method: str, message: bytes) -> tuple[grpc.StatusCode, str]:
            try:
                multi_callable: Any = channel.unary_unary(method)
                multi_callable(message, timeout=TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                return error.code(), error.details() or ""
            return grpc.StatusCode.OK, ""

        yield call


@contextmanager
def stays_well(
    server: ModelServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Counter[Any]]:
    """Checks that what is sent meanwhile ends no thread, fills no memory and is no surprise."""
    counts: Counter[Any] = Counter()
    crashes: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", crashes.append)
    caplog.set_level(logging.ERROR)
    answers_well(server)
    # Those that answer REST come and go.
    threads = {t for t in threading.enumerate() if "AnyIO" not in t.name}
    memory = resident_bytes()
    yield counts
    answers_well(server)
    assert {thread.name for thread in threads if not thread.is_alive()} == set()
    assert crashes == []
    assert [record.getMessage() for record in caplog.records] == []
    assert resident_bytes() - memory < MOST_MEMORY
    print("\n", dict(counts))


def resident_bytes() -> int:
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status.read_text())[0]) << 10


def answers_well(server: ModelServer) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        for method, message in GOOD_MESSAGES:
            if method != RELOAD:
                good: Any = channel.unary_unary(method)
                good(message.SerializeToString(), timeout=TIMEOUT_SECONDS)
    for path, body in GOOD_BODIES:
        url = f"http://127.0.0.1:{server.rest_api_port}{path}"
        with urllib.request.urlopen(url, body, timeout=TIMEOUT_SECONDS) as answer:
            assert answer.status == 200


def check_message(message: str, base_path: Path) -> None:
    assert str(base_path.parent) not in message
    assert "Traceback" not in message
    assert ".py" not in message


def test_malformed_grpc_requests_are_refused_and_do_no_harm(
    server: ModelServer,
    call: Callable[[str, bytes], tuple[grpc.StatusCode, str]],
    base_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with stays_well(server, caplog, monkeypatch) as counts:

        @fuzzed
        @given(grpc_requests)
        def is_answered(request: tuple[str, bytes]) -> None:
            code, message = call(*request)
            counts[code.name] += 1
            assert code in GRPC_CODES, message
            check_message(message, base_path)

        is_answered()


def test_thousands_of_names_and_messages_that_are_too_long_are_refused(
    server: ModelServer,
    call: Callable[[str, bytes], tuple[grpc.StatusCode, str]],
    base_path: Path,
) -> None:
    method, good = GOOD_MESSAGES[0]
    request = type(good)()
    request.CopyFrom(good)
    for number in range(3000):
        request.inputs[f"input-{number}"].SetInParent()
    code, message = call(method, request.SerializeToString())
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    check_message(message, base_path)
    code, message = call(method, b"\x00" * 200_000)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


_paths = st.sampled_from(
    [
        *[f"/v1/models/{MODEL}{tail}".encode() for tail in ("", "/metadata", "/versions/1")],
        f"/v1/models/{MODEL}/versions/{'9' * 5000}:predict".encode(),
        f"/v1/models/{MODEL}/labels/none:predict".encode(),
        b"/v1/models/%00%ff:predict",
        b"/v1/models/\xff\xfe:predict",
        b"/v1/models/..%2f..%2fetc:predict",
        b"/v1/models/",
        b"/v1/models/a/../../b",
        b"//v1//models",
        b"*",
        b"http://elsewhere/v1/models/sentiment",
        *[f"/v2/models/{MODEL}{tail}".encode() for tail in ("", "/ready", "/versions/1")],
        f"/v2/models/{MODEL}/versions/{'9' * 5000}/infer".encode(),
        b"/v2/models/%00%ff/infer",
        b"/v2/models/sentiment/versions/\xff\xfe?signature_name=%ff",
        b"/v2",
        b"/v2/health/ready",
        b"/healthz",
        b"/monitoring/prometheus/metrics?x=%zz",
    ]
)
_posts = st.sampled_from([path.encode() for path, _ in GOOD_BODIES])
_methods = st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "SEARCH"])
_headers = st.sampled_from(
    [
        b"",
        b"Content-Type: \xff\xfe\r\n",
        b"Content-Encoding: deflate, br, identity\r\n",
        b"Accept-Encoding: gzip;q=nan, *\r\n",
        b"Upgrade: websocket\r\nSec-WebSocket-Key: a\r\n",
        b"X-Odd: " + b"a" * 30_000 + b"\r\n",
        b"Authorization: Bearer \x80\r\nCookie: =;=\r\n",
        b"Host: \r\n",
    ]
)
_TELLS_GZIP = b"Content-Encoding: gzip\r\n"


@st.composite
def _rest_requests(draw: st.DrawFn) -> tuple[str, bytes]:
    """A method and all bytes of a request whose length is right."""
    method, path = draw(st.tuples(st.just("POST"), _posts) | st.tuples(_methods, _paths))
    headers, body = draw(_headers), draw(bodies)
    if draw(st.integers(0, 4)) == 0:
        headers += _TELLS_GZIP
        body = draw(packed_bodies)
    head = f"Host: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return method, method.encode() + b" " + path + b" HTTP/1.1\r\n" + headers + head + body


def _answer(server: ModelServer, method: str, data: bytes) -> tuple[int, str, bytes]:
    assert server.rest_api_port is not None
    with socket.create_connection(("127.0.0.1", server.rest_api_port), TIMEOUT_SECONDS) as sock:
        sock.sendall(data)
        answer = http.client.HTTPResponse(sock, method=method)
        answer.begin()
        return answer.status, answer.headers.get_content_type(), answer.read()


def test_malformed_rest_requests_are_refused_and_do_no_harm(
    server: ModelServer,
    base_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with stays_well(server, caplog, monkeypatch) as counts:

        @fuzzed
        @given(_rest_requests())
        def is_answered(request: tuple[str, bytes]) -> None:
            status, content_type, body = _answer(server, *request)
            counts[status] += 1
            assert status in HTTP_STATUSES, body
            text = body.decode()
            check_message(text, base_path)
            if content_type == "application/json" and body:
                document = json.loads(text)
                assert status == 200 or isinstance(document["error"], str)

        is_answered()


_GOOD_REQUEST = b"POST /v1/models/sentiment:predict HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n%s"


_LIES: list[list[bytes]] = [
    [_GOOD_REQUEST % (b"Content-Length: 5000", b"{}")],
    [_GOOD_REQUEST % (b"Content-Length: -1", b"{}")],
    [_GOOD_REQUEST % (b"Content-Length: 1\r\nContent-Length: 2", b"{}")],
    [_GOOD_REQUEST % (b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"{}")],
    [_GOOD_REQUEST % (b"Transfer-Encoding: chunked", b"zz\r\n{}\r\n")],
    [_GOOD_REQUEST % (b"Transfer-Encoding: chunked", b"7fffffffffffffff\r\n{}")],
    [_GOOD_REQUEST % (b"Expect: 100-continue\r\nContent-Length: 2", b"")],
    [_GOOD_REQUEST % (b"Content-Length: 2", b"{}") * 50],
    [b"POST /v1/models/sentiment:predict", b" HTT", b"\x00"],
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    [b"\x16\x03\x01\x02\x00\x01\x00"],
]


def test_callers_who_leave_before_they_have_said_all_leave_nothing_behind(
    server: ModelServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.rest_api_port is not None
    with stays_well(server, caplog, monkeypatch):
        for pieces in _LIES * 3:
            with socket.create_connection(("127.0.0.1", server.rest_api_port)) as sock:
                for piece in pieces:
                    sock.sendall(piece)
