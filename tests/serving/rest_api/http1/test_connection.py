"""One connection over a real socket; what is plain and what h11 parses must not be told apart."""

import asyncio
import http.client
import itertools
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lstm_sentiment.serving.asgi import WHEN_GONE
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from tests.serving.event_loops import running_event_loop

LONG = 60.0
PLAIN = b"POST /%s HTTP/1.1\r\nHost: me\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /%s HTTP/1.1\r\nHost: me\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)


class App:
    """Answers with path and body; `/parts` in parts, `/fail` never, `/wait` once it is released."""

    def __init__(self) -> None:
        self.is_asked, self.is_released = threading.Event(), threading.Event()
        self.has_left = threading.Event()
        self.left_by_callback = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        if message["type"] == "http.disconnect":
            self.has_left.set()
            return
        path = scope["path"]
        if path == "/fail":
            raise ValueError("failed")
        if path == "/silent":
            return
        if path == "/leave":
            scope["extensions"][WHEN_GONE](self.left_by_callback.set)
            self.is_asked.set()
            assert (await receive())["type"] == "http.disconnect"
            self.has_left.set()
        if path == "/wait":
            self.is_asked.set()
            await asyncio.to_thread(self.is_released.wait, LONG)
        headers = [(b"x-split", b"a\r\nb: c")] if path == "/split" else [(b"x-path", path.encode())]
        status = 304 if path == "/304" else 499 if path == "/499" else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if path == "/parts":
            await send({"type": "http.response.body", "body": b"part ", "more_body": True})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def serve(app: App, **options: Any) -> Iterator[socket.socket]:
    """A connection to a server."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    with running_event_loop() as loop:
        server = RestServer(loop, app, listener, **options)
        server.start()
        try:
            with socket.create_connection(address, timeout=LONG) as connection:
                yield connection
        finally:
            app.is_released.set()
            server.stop(LONG)


def answer_of(connection: Any, method: str = "POST") -> http.client.HTTPResponse:
    """Reads one answer and its body, and not a byte more."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return response


class Reader:
    """Lets `http.client` read one answer after another from one file."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")
        # `HTTPResponse` closes what it has read to the end.
        self._file.close = lambda: None  # type: ignore[method-assign]

    def makefile(self, mode: str) -> Any:
        return self._file


def asked(connection: socket.socket, *requests: bytes) -> list[tuple[int, str | None, bytes]]:
    connection.sendall(b"".join(requests))
    reader, found = Reader(connection), []
    for _ in requests:
        answer = answer_of(reader)
        found.append((answer.status, answer.headers["x-path"], answer.read()))
    return found


ORDERS = list(itertools.product([PLAIN, CHUNKED], repeat=3))


@pytest.mark.parametrize("kinds", ORDERS)
def test_requests_in_turn_are_answered_whoever_parses_them(kinds: tuple[bytes, ...]) -> None:
    with serve(App()) as connection:
        for number, kind in enumerate(kinds):
            path = b"%d" % number
            assert asked(connection, kind % path) == [(200, f"/{number}", b"hello")]


@pytest.mark.parametrize("kinds", ORDERS)
def test_requests_sent_at_once_are_answered_in_order(kinds: tuple[bytes, ...]) -> None:
    with serve(App()) as connection:
        requests = [kind % b"%d" % number for number, kind in enumerate(kinds)]
        expected = [(200, f"/{number}", b"hello") for number in range(3)]
        assert asked(connection, *requests) == expected
        # The connection is as good as new.
        assert asked(connection, *requests) == expected


@pytest.mark.parametrize("size", [1, 7, 60])
def test_requests_may_come_in_pieces(size: int) -> None:
    with serve(App()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = PLAIN % b"0" + CHUNKED % b"1" + PLAIN % b"2"
        for start in range(0, len(data), size):
            connection.sendall(data[start : start + size])
        reader = Reader(connection)
        assert [answer_of(reader).read() for _ in range(3)] == [b"hello"] * 3


def test_an_answer_in_parts_is_sent_whole() -> None:
    with serve(App()) as connection:
        assert asked(connection, PLAIN % b"parts") == [(200, "/parts", b"part hello")]


def test_head_is_answered_without_a_body() -> None:
    with serve(App()) as connection:
        connection.sendall((PLAIN % b"x").replace(b"POST", b"HEAD"))
        response = answer_of(connection, "HEAD")
        assert (response.status, response.headers["content-length"]) == (200, "5")
        assert asked(connection, PLAIN % b"y") == [(200, "/y", b"hello")]


@pytest.mark.parametrize("kind", [PLAIN, CHUNKED])
def test_what_is_not_modified_has_no_body(kind: bytes) -> None:
    with serve(App()) as connection:
        if kind is PLAIN:
            assert asked(connection, kind % b"304") == [(304, "/304", b"")]
        assert asked(connection, kind % b"499") == [(499, "/499", b"hello")]


@pytest.mark.parametrize("path", [b"fail", b"silent", b"split"])
def test_an_application_that_fails_is_answered_with_500_and_logged(
    path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), serve(App()) as connection:
        connection.sendall(PLAIN % path)
        response = answer_of(connection)
        assert (response.status, response.read()) == (500, b"Internal Server Error")
        assert response.headers["connection"] == "close"
        assert connection.recv(1) == b""
    assert caplog.records


def test_a_client_that_asks_for_it_is_left_after_the_answer() -> None:
    with serve(App()) as connection:
        request = (PLAIN % b"x").replace(b"Host", b"Connection: close\r\nHost")
        connection.sendall(request)
        response = answer_of(connection)
        assert (response.headers["connection"], response.read()) == ("close", b"hello")
        assert connection.recv(1) == b""


def test_the_application_is_told_that_its_client_has_left() -> None:
    app = App()
    with serve(app) as connection:
        connection.sendall(PLAIN % b"leave")
        assert app.is_asked.wait(LONG)
        connection.close()
        assert app.has_left.wait(LONG)
        assert app.left_by_callback.is_set()


def test_the_application_is_told_that_a_body_does_not_come() -> None:
    app = App()
    with serve(app) as connection:
        connection.sendall((PLAIN % b"x")[:-1])
        connection.close()
        assert app.has_left.wait(LONG)


def test_a_plain_request_after_another_must_come_in_time() -> None:
    app = App()
    with serve(app, receive_timeout_seconds=0.05, keep_alive_seconds=LONG) as connection:
        assert asked(connection, PLAIN % b"x") == [(200, "/x", b"hello")]
        connection.sendall((PLAIN % b"y")[:-1])
        assert app.has_left.wait(LONG)


def test_a_plain_request_that_has_come_may_take_longer_than_an_idle_connection() -> None:
    app = App()
    with serve(app, receive_timeout_seconds=0.05, keep_alive_seconds=0.05) as connection:
        connection.sendall(CHUNKED % b"x")
        reader = Reader(connection)
        assert answer_of(reader).read() == b"hello"
        connection.sendall(PLAIN % b"wait")
        assert app.is_asked.wait(LONG)
        with socket.create_connection(connection.getpeername(), timeout=LONG) as silent:
            # It came later, and its time is over.
            assert silent.recv(1) == b""
        app.is_released.set()
        assert answer_of(reader).read() == b"hello"
