"""Heads of requests, each parsed by httptools and, with an offer of HTTP/2, by h11."""

import http.client
import json
import re
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving.rest_api.connections.test_connections import LONG, App, answer_of, serve

BODY = b"hello"
CHUNKED = b"Transfer-Encoding: chunked"
LENGTH = b"Content-Length: 5"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEA\r\nUpgrade: h2c\r\n"
HOST = b"Host: me"


def with_offer(sent: bytes) -> bytes:
    """Adds an offer of HTTP/2 to a request, by which h11 parses it and what follows."""
    line, _, rest = sent.partition(b"\r\n")
    return b"\r\n".join([line, OFFER + rest])


def message(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, *headers, b"", body])


POST = message(b"POST /a HTTP/1.1", HOST, LENGTH, body=BODY)

refused_heads = pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        (message(b"POST /a HTTP/2.0", HOST, LENGTH, body=BODY), 400, "HTTP"),
        (message(b"POST /a HTTP/9.9", HOST, LENGTH, body=BODY), 400, "HTTP"),
        (message(b"POST /a FTP/1.1", HOST, LENGTH, body=BODY), 400, "HTTP"),
        (message(b"POST /a HTTP/1.1", LENGTH, body=BODY), 400, ""),
        (message(b"POST /a HTTP/1.1", HOST, HOST, LENGTH, body=BODY), 400, ""),
        (
            message(b"POST /a HTTP/1.1", HOST, b"Expect: foo", LENGTH, body=BODY),
            417,
            "100-continue",
        ),
        (message(b"POST /a HTTP/1.1", HOST, LENGTH, CHUNKED, body=CHUNKS), 400, ""),
        (message(b"POST /a HTTP/1.1", HOST, CHUNKED, LENGTH, body=CHUNKS), 400, ""),
        (message(b"POST /a HTTP/1.1", HOST, LENGTH, b"Content-Length: 4", body=BODY), 400, ""),
        (message(b"POST /a HTTP/1.1", HOST, b"Content-Length: +5", body=BODY), 400, ""),
        (message(b"POST /a HTTP/1.1", HOST, CHUNKED, CHUNKED, body=CHUNKS), 400, ""),
        (message(b"POST /a HTTP/1.1", HOST, b"Transfer-Encoding: gzip", body=BODY), 400, ""),
        (message(b"POST /a HTTP/1.0", HOST, CHUNKED, body=CHUNKS), 400, ""),
        (message(b"POST /a HTTP/1.1", HOST, b"A : b", LENGTH, body=BODY), 400, ""),
        (message(b"POST ws://me/a HTTP/1.1", HOST, LENGTH, body=BODY), 400, "URL of http or https"),
        (message(b"POST ftp://me/a HTTP/1.1", HOST, LENGTH, body=BODY), 400, "URL of http"),
    ],
)


def answer_to(connection: socket.socket, sent: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    connection.sendall(sent)
    answer = answer_of(connection)
    return answer, answer.read()


def assert_refused(connection: socket.socket, sent: bytes, status: int, error: str) -> None:
    answer, body = answer_to(connection, sent)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert error in json.loads(body)["error"]
    assert answer.headers["connection"] == "close"
    assert connection.recv(1) == b""


@refused_heads
def test_a_head_that_could_be_read_in_two_ways_is_refused_in_json(
    sent: bytes, status: int, error: str
) -> None:
    with serve(App()) as connection:
        assert_refused(connection, sent, status, error)


@refused_heads
def test_h11_refuses_what_httptools_does(sent: bytes, status: int, error: str) -> None:
    with serve(App()) as connection:
        assert answer_to(connection, with_offer(POST))[0].status == 200
        assert_refused(connection, sent, status, error)


@pytest.mark.parametrize("twice", [(LENGTH, LENGTH), (b"Content-Length: 5, 5",)])
def test_a_length_that_is_sent_twice_is_refused(twice: tuple[bytes, ...]) -> None:
    with serve(App()) as connection:
        assert_refused(connection, message(b"POST /a HTTP/1.1", HOST, *twice, body=BODY), 400, "")


@pytest.mark.parametrize("line", [b"FOO /a HTTP/1.1", b"post /a HTTP/1.1"])
def test_a_method_that_no_server_knows_is_not_implemented(line: bytes) -> None:
    with serve(App()) as connection:
        assert_refused(connection, message(line, HOST, LENGTH, body=BODY), 501, "method")


@pytest.mark.parametrize("offers", [False, True])
@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://me/a", "/a"),
        (b"HTTPS://me:8501/a?x=1", "/a"),
        (b"http://me", "/"),
        (b"http://me?x=1", "/"),
        (b"http://me/a#part", "/a"),
        (b"/a#part", "/a"),
        (b"/http://me/a", "/http://me/a"),
    ],
)
def test_a_proxy_may_send_the_whole_url(target: bytes, path: str, offers: bool) -> None:
    sent = POST.replace(b"/a", target, 1)
    with serve(App()) as connection:
        answer, body = answer_to(connection, with_offer(sent) if offers else sent)
        assert (answer.status, answer.headers["x-path"], body) == (200, path, BODY)


def test_http_1_0_keeps_a_connection_that_the_client_asks_to_keep() -> None:
    kept = message(b"POST /a HTTP/1.0", b"Connection: keep-alive", LENGTH, body=BODY)
    with serve(App()) as connection:
        for _ in range(2):
            answer, body = answer_to(connection, kept)
            assert (answer.status, body) == (200, BODY)
            assert answer.headers["connection"] == "keep-alive"
        answer, _ = answer_to(connection, message(b"POST /a HTTP/1.0", LENGTH, body=BODY))
        assert answer.headers["connection"] == "close"
        assert connection.recv(1) == b""


EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4
)
SENT = [
    POST,
    message(b"POST http://me/a?x=1 HTTP/1.1", HOST, CHUNKED, body=CHUNKS),
    message(b"GET /a HTTP/1.0", b"Connection: keep-alive"),
    message(b"POST /a HTTP/1.1", HOST, b"Expect: 100-continue", LENGTH, body=BODY),
]


@pytest.fixture(scope="module")
def address() -> Iterator[Any]:
    with serve(App()) as connection:
        yield connection.getpeername()


@given(sent=st.sampled_from(SENT), edits=EDITS, offers=st.booleans())
@settings(max_examples=150)
def test_whatever_is_sent_each_error_is_json(
    address: Any, sent: bytes, edits: list[tuple[float, int, bytes]], offers: bool
) -> None:
    for where, cut, put in edits:
        at = int(where * len(sent))
        sent = sent[:at] + put + sent[at + cut :]
    with socket.create_connection(address, timeout=LONG) as connection:
        connection.sendall(with_offer(sent) if offers else sent)
        connection.shutdown(socket.SHUT_WR)
        try:
            received = b"".join(iter(partial(connection.recv, 65536), b""))
        except ConnectionError:  # closed while a part had not been read
            return
    for answer in re.split(rb"HTTP/1\.1 (?=[0-9]{3} )", received)[1:]:
        head, _, body = answer.partition(b"\r\n\r\n")
        if head >= b"400":
            assert b"content-type: application/json" in head.lower()
            assert json.loads(body)["error"]
