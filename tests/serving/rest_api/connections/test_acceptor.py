"""Over real sockets: more connections than there may be, and no descriptor for one."""

import errno
import http.client
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lstm_sentiment.client.peer import Protocol, protocol_at
from lstm_sentiment.serving.access.crowding import Crowding
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.serving.rest_api.connections import open_connections
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from tests.serving.certificates import authority, server_identity
from tests.serving.event_loops import running_event_loop
from tests.serving.rest_api.test_uvicorn_server import App, connect, in_background, is_closed, slow

LIMIT = 4


class Events(list[str]):
    """What happened at the limit."""

    @property
    def crowding(self) -> Crowding:
        return Crowding("REST", lambda where, event, number: self.append(event))


class PoorListener(socket.socket):
    """A listener in a process without descriptors, for the first tries."""

    tries_without = 3
    tries = 0

    def accept(self) -> Any:
        self.tries += 1
        if self.tries <= self.tries_without:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


@contextmanager
def served(app: App, listener: socket.socket | None = None, **options: Any) -> Iterator[int]:
    listener = listener or socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with running_event_loop() as loop:
        server = RestServer(loop, app, listener, **options)
        server.start()
        try:
            yield port
        finally:
            app.is_released.set()
            server.stop(60)


def test_more_idle_connections_than_there_may_be_keep_nobody_out() -> None:
    events = Events()
    with (
        served(App(), max_connections=LIMIT, crowding=events.crowding) as port,
        ExitStack() as held,
    ):
        idle = [held.enter_context(connect(port)) for _ in range(5 * LIMIT)]
        answer = httpx.post(f"http://127.0.0.1:{port}/", content=b"hello", timeout=60)
        assert answer.text == "127.0.0.1 http hello"
        assert all(map(is_closed, idle[:LIMIT]))
    assert events.count("closed") >= 4 * LIMIT


@pytest.mark.parametrize("offer", ["", "Connection: Upgrade\r\nUpgrade: h2c\r\n"])
def test_a_request_under_way_is_answered_however_many_come(offer: str) -> None:
    app = App()
    head = f"POST /slow HTTP/1.1\r\nHost: me\r\n{offer}Content-Length: 5\r\n\r\nhello"
    with served(app, max_connections=LIMIT) as port, ExitStack() as held:
        asking = held.enter_context(connect(port))
        asking.sendall(head.encode())
        app.is_asked.wait()
        idle = [held.enter_context(connect(port)) for _ in range(3 * LIMIT)]
        assert is_closed(idle[0])
        app.is_released.set()
        assert asking.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("is_tls", [False, True])
@pytest.mark.parametrize("offer", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
@pytest.mark.parametrize("end", [b"", b"\r\nhell"])
def test_a_request_that_is_given_up_for_a_new_connection_is_answered(
    end: bytes, offer: bytes, is_tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_connections, "_SECONDS_TO_SEND", 0)
    credentials = ServerCredentials.from_files(*server_identity().write(tmp_path, "server"))
    options: dict[str, Any] = {"ssl_context": credentials.ssl_context()} if is_tls else {}
    trusted = authority().client_context()
    scheme = "https" if is_tls else "http"
    with served(App(), max_connections=1, **options) as port, connect(port) as plain:
        slow = trusted.wrap_socket(plain, server_hostname="127.0.0.1") if is_tls else plain
        slow.sendall(b"POST / HTTP/1.1\r\nHost: me\r\n" + offer + b"Content-Length: 5\r\n" + end)
        answer = httpx.post(
            f"{scheme}://127.0.0.1:{port}/", content=b"x", timeout=60, verify=trusted
        )
        assert answer.status_code == 200
        refused = http.client.HTTPResponse(slow)
        refused.begin()
        assert refused.status == 503
        assert "arriving slowly" in json.loads(refused.read())["error"]


def test_where_each_request_is_under_way_a_new_one_waits_for_the_end_of_one() -> None:
    app, events = App(), Events()
    with served(app, max_connections=1, crowding=events.crowding) as port:
        with in_background(lambda: slow(port)) as first:
            app.is_asked.wait()
            with in_background(lambda: slow(port)) as second:
                while "paused" not in events:
                    pass
                app.is_released.set()
        assert [each.status_code for each in (*first, *second)] == [200, 200]


def test_without_descriptors_accepting_pauses_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = Events()
    listener = PoorListener(fileno=socket.create_server(("127.0.0.1", 0)).detach())
    with served(App(), listener, crowding=events.crowding) as port:
        answer = httpx.post(f"http://127.0.0.1:{port}/", content=b"hello", timeout=60)
        assert answer.status_code == 200
    assert events == ["paused"] * listener.tries_without
    [told] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == (
        "REST: no connection can be accepted (Too many open files), and none is idle: new ones wait"
    )


def test_who_says_nothing_in_the_handshake_is_closed_for_a_new_one(tmp_path: Path) -> None:
    credentials = ServerCredentials.from_files(*server_identity().write(tmp_path, "server"))
    context = credentials.ssl_context()
    with served(App(), ssl_context=context, max_connections=LIMIT) as port, ExitStack() as held:
        silent = [held.enter_context(connect(port)) for _ in range(2 * LIMIT)]
        trusted = authority().client_context()
        url = f"https://127.0.0.1:{port}/"
        answer = httpx.post(url, content=b"hello", timeout=60, verify=trusted)
        assert answer.text == "127.0.0.1 https hello"
        assert is_closed(silent[0])


@pytest.mark.parametrize("body", ["", "x" * 200_000])
def test_http_to_a_port_with_tls_is_answered_with_what_to_do(tmp_path: Path, body: str) -> None:
    credentials = ServerCredentials.from_files(*server_identity().write(tmp_path, "server"))
    with served(App(), ssl_context=credentials.ssl_context()) as port:
        answer = httpx.post(f"http://127.0.0.1:{port}/", content=body, timeout=60)
        assert answer.status_code == 400
        error = "this port accepts only HTTPS: begin the URL with https."
        assert answer.json() == {"error": error}
        assert answer.headers["connection"] == "close"
        # Clients that fail at such a port find out by themselves that it has TLS.
        assert protocol_at("127.0.0.1", port) is Protocol.TLS


def test_what_is_neither_http_nor_tls_is_closed_on_a_port_with_tls(tmp_path: Path) -> None:
    credentials = ServerCredentials.from_files(*server_identity().write(tmp_path, "server"))
    with served(App(), ssl_context=credentials.ssl_context()) as port:
        for sent in (b"\0" * 50, b"\x16" * 50):
            with connect(port) as stranger:
                stranger.sendall(sent)
                while not is_closed(stranger):  # an alert of TLS may come first
                    pass
        with connect(port) as silent:
            silent.shutdown(socket.SHUT_WR)
            assert is_closed(silent)
