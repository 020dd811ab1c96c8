"""One connection over a real socket: requests by httptools and by h11 must not be told apart."""

import asyncio
import contextlib
import http.client
import itertools
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lstm_sentiment.serving.asgi import WHEN_GONE, AsgiApp
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from tests.serving.event_loops import running_event_loop

LONG = 60.0
FAILED = b'{"error": "the server failed; its log has the reason."}'
NO_BODY = [(b"content-length", b"0")]
PLAIN = b"POST /%s HTTP/1.1\r\nHost: me\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /%s HTTP/1.1\r\nHost: me\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)
# As Java's client offers HTTP/2 with every request.
JAVA = PLAIN.replace(
    b"Host",
    b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
    b"Upgrade: h2c\r\nUser-Agent: Java-http-client/21.0.2\r\nHost",
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
        if path == "/depart":
            self.is_asked.set()
            assert (await receive())["type"] == "http.disconnect"
            self.has_left.set()
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
        await send({"type": "http.response.body", "body": b"" if status == 304 else body})


@contextmanager
def serve(app: AsgiApp, **options: Any) -> Iterator[socket.socket]:
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
            if isinstance(app, App):
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


IN_TURN = list(itertools.product([PLAIN, CHUNKED, JAVA], repeat=3))
AT_ONCE = list(itertools.product([PLAIN, CHUNKED], repeat=3))


@pytest.mark.parametrize("kinds", IN_TURN)
def test_requests_in_turn_are_answered_whoever_parses_them(kinds: tuple[bytes, ...]) -> None:
    with serve(App()) as connection:
        for number, kind in enumerate(kinds):
            path = b"%d" % number
            assert asked(connection, kind % path) == [(200, f"/{number}", b"hello")]


@pytest.mark.parametrize("kinds", [*AT_ONCE, (JAVA, PLAIN, CHUNKED), (JAVA, JAVA, JAVA)])
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
        assert (response.status, response.read()) == (200, b"")
        assert asked(connection, PLAIN % b"y") == [(200, "/y", b"hello")]


@pytest.mark.parametrize("kind", [PLAIN, JAVA])
def test_what_is_not_modified_has_no_body(kind: bytes) -> None:
    with serve(App()) as connection:
        assert asked(connection, kind % b"304") == [(304, "/304", b"")]
        assert asked(connection, kind % b"499") == [(499, "/499", b"hello")]


@pytest.mark.parametrize("kind", [PLAIN, JAVA])
@pytest.mark.parametrize("path", [b"fail", b"silent"])
def test_an_application_that_fails_is_answered_with_500_and_logged(
    path: bytes, kind: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), serve(App()) as connection:
        connection.sendall(kind % path)
        response = answer_of(connection)
        assert (response.status, response.read()) == (500, FAILED)
        assert response.headers["content-type"] == "application/json"
        assert response.headers["connection"] == "close"
        assert connection.recv(1) == b""
    assert bool(caplog.records) == (path == b"fail")


@pytest.mark.parametrize("kind", [PLAIN, JAVA])
@pytest.mark.parametrize("end", [3, -1])
def test_a_request_that_does_not_come_whole_in_time_is_answered_with_408(
    kind: bytes, end: int
) -> None:
    app = App()
    with serve(app, receive_timeout_seconds=0.05, keep_alive_seconds=LONG) as connection:
        connection.sendall((kind % b"x")[:end])
        response = answer_of(connection)
        error = b'{"error": "a whole request must arrive within 0.05 seconds."}'
        assert (response.status, response.read()) == (408, error)
        assert response.headers["content-type"] == "application/json"
        assert response.headers["connection"] == "close"
        assert connection.recv(1) == b""


@pytest.mark.parametrize("kind", [PLAIN, JAVA])
def test_a_request_that_was_answered_early_has_no_second_answer(kind: bytes) -> None:
    async def hasty(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": NO_BODY})
        await send({"type": "http.response.body"})

    with serve(hasty, receive_timeout_seconds=0.05, keep_alive_seconds=LONG) as connection:
        connection.sendall((kind % b"x")[:-1])
        file = connection.makefile("rb")
        assert file.readline().startswith(b"HTTP/1.1 200")
        with contextlib.suppress(ConnectionError):
            assert b"HTTP/1.1" not in file.read()


@pytest.mark.parametrize("kind", [PLAIN, JAVA])
def test_a_header_of_two_lines_is_not_sent(kind: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), serve(App()) as connection:
        connection.sendall(kind % b"split")
        assert b"b: c" not in connection.makefile("rb").read()
    assert caplog.records


def test_a_client_that_asks_for_it_is_left_after_the_answer() -> None:
    with serve(App()) as connection:
        request = (PLAIN % b"x").replace(b"Host", b"Connection: close\r\nHost")
        connection.sendall(request)
        response = answer_of(connection)
        assert (response.headers["connection"], response.read()) == ("close", b"hello")
        assert connection.recv(1) == b""


@pytest.mark.parametrize("kind", [PLAIN, JAVA])
def test_the_application_that_waits_is_told_that_its_client_has_left(kind: bytes) -> None:
    app = App()
    with serve(app) as connection:
        connection.sendall(kind % b"depart")
        assert app.is_asked.wait(LONG)
        connection.close()
        assert app.has_left.wait(LONG)


@pytest.mark.parametrize("size", [5, 200_000])
def test_the_application_is_told_that_its_client_has_left(size: int) -> None:
    app = App()
    with serve(app) as connection:
        request = (PLAIN % b"leave").replace(b": 5", b": %d" % size)
        connection.sendall(request[:-5] + b"x" * size)
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


def test_a_request_after_another_must_come_in_time() -> None:
    app = App()
    with serve(app, receive_timeout_seconds=0.05, keep_alive_seconds=LONG) as connection:
        assert asked(connection, PLAIN % b"x") == [(200, "/x", b"hello")]
        connection.sendall((PLAIN % b"y")[:-1])
        assert app.has_left.wait(LONG)


def test_a_request_that_has_come_may_take_longer_than_an_idle_connection() -> None:
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


@pytest.mark.parametrize("request_of_client", [PLAIN, JAVA])
def test_an_idle_connection_is_closed_after_its_own_time(request_of_client: bytes) -> None:
    with serve(App(), receive_timeout_seconds=LONG, keep_alive_seconds=0.05) as connection:
        assert asked(connection, request_of_client % b"x") == [(200, "/x", b"hello")]
        assert connection.recv(1) == b""


@pytest.mark.parametrize("request_of_client", [PLAIN, JAVA])
def test_an_idle_connection_may_stay_longer_than_a_request_may_take(
    request_of_client: bytes,
) -> None:
    with serve(App(), receive_timeout_seconds=0.05, keep_alive_seconds=LONG) as connection:
        assert asked(connection, request_of_client % b"x") == [(200, "/x", b"hello")]
        with socket.create_connection(connection.getpeername(), timeout=LONG) as silent:
            # It came later, and its time is over.
            assert silent.recv(1) == b""
        assert asked(connection, request_of_client % b"y") == [(200, "/y", b"hello")]


@pytest.mark.parametrize("begin", [b"", PLAIN % b"0"])
@pytest.mark.parametrize("size", [1, 30, 150, 250])
def test_a_request_that_offers_an_upgrade_may_come_in_pieces(begin: bytes, size: int) -> None:
    with serve(App()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if begin:
            assert asked(connection, begin) == [(200, "/0", b"hello")]
        data = JAVA % b"1"
        for start in range(0, len(data), size):
            connection.sendall(data[start : start + size])
            wait_until_taken(connection)
        reader = Reader(connection)
        assert answer_of(reader).read() == b"hello"
        assert asked(connection, PLAIN % b"2", JAVA % b"3") == [
            (200, "/2", b"hello"),
            (200, "/3", b"hello"),
        ]


def wait_until_taken(connection: socket.socket) -> None:
    """Lets the server's one thread answer another client, after what was sent here."""
    with socket.create_connection(connection.getpeername(), timeout=LONG) as other:
        assert asked(other, PLAIN % b"other") == [(200, "/other", b"hello")]


@pytest.mark.parametrize(
    "later",
    [JAVA % b"b", b"no HTTP\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"],
    ids=["upgrade", "junk", "no host"],
)
def test_what_cannot_be_answered_in_order_closes_after_the_answers_before(later: bytes) -> None:
    app = App()
    with serve(app) as connection:
        connection.sendall(PLAIN % b"wait" + PLAIN % b"next" + later)
        assert app.is_asked.wait(LONG)
        app.is_released.set()
        reader = Reader(connection)
        for expected in (None, "close"):
            response = answer_of(reader)
            assert (response.status, response.headers["connection"]) == (200, expected)
            assert response.read() == b"hello"
        assert connection.recv(1) == b""


def test_a_broken_body_that_came_early_closes_after_the_answer_before() -> None:
    app = App()
    with serve(app) as connection:
        connection.sendall(PLAIN % b"wait" + (CHUNKED % b"next").replace(b"5\r\n", b"x\r\n"))
        assert app.is_asked.wait(LONG)
        app.is_released.set()
        response = answer_of(connection)
        assert (response.headers["connection"], response.read()) == ("close", b"hello")
        assert connection.recv(1) == b""


def test_an_offer_that_began_before_the_answer_is_refused() -> None:
    """Its beginning is gone, and httptools would lose its body."""
    app = App()
    later = JAVA % b"b"
    with serve(app) as connection:
        connection.sendall(PLAIN % b"wait" + later[:40])
        assert app.is_asked.wait(LONG)
        app.is_released.set()
        reader = Reader(connection)
        assert answer_of(reader).read() == b"hello"
        connection.sendall(later[40:])
        response = answer_of(reader)
        assert (response.status, response.headers["connection"]) == (400, "close")
        assert b"upgrade" in response.read()


@pytest.mark.parametrize("first", [b"", PLAIN % b"x", JAVA % b"x"], ids=["none", "plain", "java"])
def test_a_long_head_is_refused(first: bytes) -> None:
    with serve(App()) as connection:
        if first:
            assert asked(connection, first) == [(200, "/x", b"hello")]
        assert_endless_is_refused(connection, b"GET / HTTP/1.1\r\nHost: me\r\n", b"X: %b\r\n")


@pytest.mark.parametrize("endless", [b"X: %b\r\n", b"%b"], ids=["lines", "line"])
def test_a_long_trailer_is_refused(endless: bytes) -> None:
    with serve(App()) as connection:
        assert_endless_is_refused(connection, (CHUNKED % b"x")[:-2] + b"Y: ", endless)


def assert_endless_is_refused(connection: socket.socket, begin: bytes, endless: bytes) -> None:
    with pytest.raises(ConnectionError):
        connection.sendall(begin)
        for _ in range(10_000):
            connection.sendall(endless % (b"x" * 1000))


def test_trailers_are_no_headers() -> None:
    headers: list[Any] = []

    class Recorder(App):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await super().__call__(scope, receive, send)
            headers.extend(name for name, _ in scope["headers"])

    with serve(Recorder()) as connection:
        request = (CHUNKED % b"x")[:-2] + b"Authorization: Bearer x\r\n\r\n"
        assert asked(connection, request, PLAIN % b"y")[0] == (200, "/x", b"hello")
    assert b"authorization" not in headers


@pytest.mark.parametrize("kind", [PLAIN, JAVA])
def test_a_client_that_waits_with_its_body_is_told_to_go_on(kind: bytes) -> None:
    with serve(App()) as connection:
        request = (kind % b"x").replace(b"Host", b"Expect: 100-continue\r\nHost")
        connection.sendall(request[:-5])
        expected = b"HTTP/1.1 100"
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            received += connection.recv(1)
        assert received.startswith(expected)
        connection.sendall(b"hello")
        response = answer_of(connection)
        assert (response.status, response.read()) == (200, b"hello")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_http_is_refused(request_: bytes) -> None:
    with serve(App()) as connection:
        connection.sendall(request_)
        response = answer_of(connection)
        assert (response.status, response.headers["connection"]) == (400, "close")
        response.read()
        assert connection.recv(1) == b""


def test_who_sent_several_requests_and_leaves_is_gone_for_the_one_under_way() -> None:
    app = App()
    with serve(app) as connection:
        connection.sendall(PLAIN % b"depart" + PLAIN % b"x")
        assert app.is_asked.wait(LONG)
        connection.close()
        assert app.has_left.wait(LONG)


def test_the_rest_of_a_request_that_began_early_must_come_in_time() -> None:
    app = App()
    with serve(app, receive_timeout_seconds=0.05, keep_alive_seconds=LONG) as connection:
        connection.sendall(PLAIN % b"wait" + (PLAIN % b"x")[:20])
        assert app.is_asked.wait(LONG)
        app.is_released.set()
        reader = Reader(connection)
        assert answer_of(reader).read() == b"hello"
        assert answer_of(reader).status == 408
        assert connection.recv(1) == b""
