"""Over real sockets; what is slow here waits for an event, never for time."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from tests.serving.event_loops import running_event_loop

LONG = 60.0
HEAD = b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 5\r\n"


class App:
    """Echoes, `/twice` in two parts; waits with the answer to `/slow` until it is released."""

    def __init__(self) -> None:
        self.is_asked, self.is_released = threading.Event(), threading.Event()
        self.has_left = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            self.has_left.set()
            return
        if scope["path"] == "/slow":
            self.is_asked.set()
            await asyncio.to_thread(self.is_released.wait, LONG)
        if scope["path"] == "/twice":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for is_first in (True, False):
                await send({"type": "http.response.body", "body": body, "more_body": is_first})
            return
        client = request.client
        text = f"{client.host if client else ''} {scope['scheme']} {body.decode()}"
        await PlainTextResponse(text)(scope, receive, send)


@contextmanager
def serve(app: App, **options: Any) -> Iterator[tuple[RestServer, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with running_event_loop() as loop:
        server = RestServer(loop, app, listener, **options)
        server.start()
        try:
            yield server, port
        finally:
            app.is_released.set()
            server.stop(LONG)


@contextmanager
def all_threads_end() -> Iterator[None]:
    """Waits for the threads that begin within."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG)
        assert not thread.is_alive()


@contextmanager
def in_background(function: Callable[[], Any]) -> Iterator[list[Any]]:
    """What the function returns is in the list once the context is left."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    yield results
    thread.join()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LONG)


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def slow(port: int) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{port}/slow", content=b"hello", timeout=LONG)


def test_who_asks_is_who_is_connected() -> None:
    with serve(App()) as (_, port):
        headers = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}
        response = httpx.post(f"http://127.0.0.1:{port}/", headers=headers, content=b"hello")
    assert response.text == "127.0.0.1 http hello"
    assert "server" not in response.headers


def test_a_request_under_way_is_answered_before_the_server_stops() -> None:
    app = App()
    with serve(app) as (server, port), in_background(lambda: slow(port)) as answers:
        app.is_asked.wait(LONG)
        with in_background(lambda: server.stop(LONG)):
            # Once nobody new is let in, the server is stopping.
            while not is_refused(port):
                pass
            app.is_released.set()
    assert answers[0].text == "127.0.0.1 http hello"
    assert answers[0].headers["connection"] == "close"


def is_refused(port: int) -> bool:
    try:
        connect(port).close()
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("grace_seconds", [0, 0.01])
def test_after_the_grace_callers_are_told_and_the_server_has_stopped(grace_seconds: float) -> None:
    app = App()
    with serve(app) as (server, port):
        with in_background(lambda: slow(port)) as answers:
            app.is_asked.wait(LONG)
            server.stop(grace_seconds)
            assert not app.is_released.is_set()
            assert is_refused(port)
        assert answers[0].status_code == 503
        assert json.loads(answers[0].content) == {"error": "the server is stopping."}


def test_the_grace_is_as_long_as_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float | None] = []
    timeout = asyncio.timeout

    def spy(delay: float | None) -> asyncio.Timeout:
        given.append(delay)
        return timeout(delay)

    with serve(App()) as (server, _):
        monkeypatch.setattr(asyncio, "timeout", spy)
        server.stop(0.25)
    assert given == [0.25]


def test_what_is_late_ends_in_peace(caplog: pytest.LogCaptureFixture) -> None:
    has_ended = threading.Event()

    class Late(App):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            try:
                await super().__call__(scope, receive, send)
            finally:
                has_ended.set()

    app = Late()
    with all_threads_end(), serve(app) as (server, port), in_background(lambda: slow(port)):
        app.is_asked.wait(LONG)
        server.stop(0)
        app.is_released.set()
        # An answer of its own is dropped; the event loop ends later.
        assert has_ended.wait(LONG)
    # Threads of other servers may log too.
    assert caplog.messages.count("1 REST requests were not answered within the grace") == 1
    assert "Exception in ASGI application\n" not in caplog.messages


def test_idle_connections_are_closed_at_once() -> None:
    with serve(App()) as (server, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
        connection.request("POST", "/", b"hello")
        assert connection.getresponse().read() == b"127.0.0.1 http hello"
        with connect(port) as silent:
            server.stop(LONG)
            assert is_closed(silent)
        assert is_closed(connection.sock)


def test_idle_connections_are_no_late_requests(caplog: pytest.LogCaptureFixture) -> None:
    with serve(App()) as (server, port), connect(port) as connection:
        connection.sendall(HEAD + b"\r\nhello")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        server.stop(0)
    assert not [message for message in caplog.messages if "within the grace" in message]


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.mark.parametrize("before", [b"", HEAD + b"\r\nhello", HEAD + OFFER + b"\r\nhello"])
def test_a_head_that_is_arriving_is_answered_when_the_server_stops(before: bytes) -> None:
    """The head is the first of its connection, or another request was answered before."""
    with serve(App()) as (server, port), connect(port) as connection:
        if before:
            connection.sendall(before)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(HEAD)
        # Once this is answered, the part has been read.
        assert httpx.post(f"http://127.0.0.1:{port}/", content=b"x").status_code == 200
        server.stop(LONG)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.read()) == (503, b'{"error": "the server is stopping."}')
        assert is_closed(connection)


def test_an_answer_that_is_not_taken_keeps_no_server_alive() -> None:
    with all_threads_end(), serve(App()) as (server, port), connect(port) as connection:
        body = b"x" * 20_000_000
        head = HEAD.replace(b" / ", b" /twice ").replace(b" 5", b" %d" % len(body))
        connection.sendall(head + b"\r\n" + body)
        assert connection.recv(12) == b"HTTP/1.1 200"
        server.stop(0)


def test_a_server_that_never_started_can_be_stopped() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    server = RestServer(EventLoop(), App(), listener)
    server.stop(LONG)
    server.stop(LONG)
    assert listener.fileno() == -1


@pytest.mark.parametrize("beginning", [b"", b"P", HEAD, HEAD + b"\r\n", HEAD + b"\r\nhell"])
def test_a_request_that_does_not_come_ends_the_connection(beginning: bytes) -> None:
    with serve(App(), receive_timeout_seconds=0.05) as (_, port), connect(port) as connection:
        connection.sendall(beginning)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert received.startswith(b"HTTP/1.1 408 ") == bool(beginning)


def test_the_caller_of_a_body_that_does_not_come_is_gone_for_the_application() -> None:
    app = App()
    with serve(app, receive_timeout_seconds=0.05) as (_, port), connect(port) as connection:
        connection.sendall(HEAD + b"\r\n")
        assert app.has_left.wait(LONG)


def test_the_next_request_of_a_connection_must_come_too() -> None:
    with (
        serve(App(), receive_timeout_seconds=0.05, keep_alive_seconds=LONG) as (_, port),
        connect(port) as connection,
    ):
        connection.sendall(HEAD + b"\r\nhello")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(HEAD)
        while not is_closed(connection):
            pass


def test_an_idle_connection_is_closed() -> None:
    with (
        serve(App(), keep_alive_seconds=0.05, receive_timeout_seconds=0.3) as (_, port),
        connect(port) as connection,
    ):
        connection.sendall(HEAD + b"\r\nhello")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        with connect(port) as silent:
            # It came later, and has longer.
            assert is_closed(silent)
        connection.setblocking(False)
        while not is_closed(connection):
            pass


def test_a_request_that_has_come_may_take_longer() -> None:
    app = App()
    with serve(app, receive_timeout_seconds=0.05) as (_, port):
        with in_background(lambda: slow(port)) as answers:
            app.is_asked.wait(LONG)
            with connect(port) as silent:
                # It came later, and its time is over.
                assert is_closed(silent)
            app.is_released.set()
        assert answers[0].text == "127.0.0.1 http hello"


def test_a_head_without_end_is_refused() -> None:
    with serve(App()) as (_, port), connect(port) as connection:
        connection.sendall(HEAD)
        answer = b""
        try:
            for _ in range(10_000):
                connection.sendall(b"X-Padding: " + b"x" * 1000 + b"\r\n")
        except ConnectionError:
            pass
        else:
            pytest.fail("10 MB of head were taken.")
        try:
            answer = connection.recv(65536)
        except ConnectionError:
            return
        assert answer.startswith(b"HTTP/1.1 400") or answer == b""


def test_a_long_body_is_no_long_head() -> None:
    with serve(App()) as (_, port):
        for _ in range(2):
            response = httpx.post(f"http://127.0.0.1:{port}/", content=b"x" * 1_000_000)
            assert len(response.text) > 1_000_000
        with httpx.Client() as client:
            for _ in range(3):
                url = f"http://127.0.0.1:{port}/"
                assert client.post(url, content=b"x" * 50_000).status_code == 200


def test_a_caller_who_offers_http_2_is_answered_in_http_1(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As Java's client does with every request."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"
    with serve(App()) as (_, port), socket.create_connection(("127.0.0.1", port)) as caller:
        caller.sendall(HEAD + offer + b"\r\n\r\nhello")
        answer = http.client.HTTPResponse(caller)
        answer.begin()
        assert (answer.status, answer.read()) == (200, b"127.0.0.1 http hello")
    assert not caplog.records
