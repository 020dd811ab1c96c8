"""Addresses as users of other tools write them, and connections that fail for a reason to name."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.address import read_grpc_address
from lstm_sentiment.client.async_client import AsyncPredictClient
from lstm_sentiment.client.model_service import RunningServer
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.client.rest_client import RestClient
from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError
from tests.client_servers import FakeServer, serving
from tests.serving.certificates import authority, server_identity

PROXIES = ("grpc_proxy", "https_proxy", "http_proxy", "no_proxy", "no_grpc_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("address", "target", "is_tls"),
    [
        ("host:8500", "host:8500", False),
        (" host:8500\n", "host:8500", False),
        ("host:8500/", "host:8500", False),
        ("http://host:8500/", "host:8500", False),
        ("HTTP://host:8500", "host:8500", False),
        ("grpc://host:8500", "host:8500", False),
        ("https://host:8500", "host:8500", True),
        ("grpcs://host", "host:443", True),
        ("[::1]:8500", "[::1]:8500", False),
        ("http://[fe80::1%eth0]:8500", "[fe80::1%eth0]:8500", False),
        ("unix:/run/models.sock", "unix:/run/models.sock", False),
        ("dns:///host:8500", "dns:///host:8500", False),
        ("ipv4:10.0.0.1:1,10.0.0.2:1", "ipv4:10.0.0.1:1,10.0.0.2:1", False),
    ],
)
def test_what_grpc_is_given(address: str, target: str, is_tls: bool) -> None:
    read = read_grpc_address(address, has_tls=False)
    assert (read.target, read.is_tls) == (target, is_tls)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("host", "gRPC is usually on port 8500. Received: 'host', without a port"),
        ("[::1]", "without a port"),
        ("host:", "must be HOST:PORT"),
        (":8500", "must be HOST:PORT"),
        ("host:name", "must be HOST:PORT"),
        ("::1", "in brackets such as [::1]:8500"),
        ("::1:8500", "in brackets such as [::1]:8500"),
        ("2001:db8::1:8500", "in brackets such as [::1]:8500"),
        ("host:8500/v1/models", "alone, without a path"),
        ("ws://host:8500", "without `ws://`"),
        ("s3://bucket", "without `s3://`"),
        ("user@host:8500", "must be HOST:PORT"),
        ("two words:1", "must be HOST:PORT"),
        ("a:1,b:1", "must be HOST:PORT"),
    ],
)
def test_an_address_that_is_none(address: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^the server must be HOST:PORT") as raised:
        PredictClient(address, "m")
    assert told in str(raised.value)


@pytest.mark.parametrize("port", ["0", "65536", "99999", "9" * 30])
def test_a_port_is_in_range(port: str) -> None:
    """gRPC takes the remainder of 65,536, and asks another port."""
    for connect in (
        lambda: PredictClient(f"127.0.0.1:{port}", "m"),
        lambda: RunningServer(f"127.0.0.1:{port}"),
        lambda: RestClient(f"127.0.0.1:{port}", "must answer"),
        lambda: RestClient(f"https://127.0.0.1:{port}/a", "must answer"),
    ):
        with pytest.raises(InvalidInputError, match=r"^a port must be from 1 to 65535. Received: "):
            connect()


def test_a_scheme_and_tls_agree(tmp_path: Path) -> None:
    for address in ("http://host:8500", "grpc://host:8500"):
        with pytest.raises(InvalidInputError, match="must begin with https:// where `tls`"):
            PredictClient(address, "m", tls=True)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("::1:8501", "with an IPv6 address in brackets"),
        ("http://::1:8501", "with an IPv6 address in brackets"),
        ("grpc://host:8501", "a URL that begins with http:// or https://. Received"),
        ("host:name", "must be HOST:PORT"),
    ],
)
def test_a_rest_address_that_is_none(address: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^the server must be HOST:PORT") as raised:
        RestClient(address, "must answer")
    assert told in str(raised.value)


@contextmanager
def answering(reply: bytes) -> Iterator[int]:
    """A port of 127.0.0.1 alone that answers what it is sent with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(2**16)
                    connection.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@contextmanager
def over_tls() -> Iterator[str]:
    identity = server_identity()
    server = grpc.server(futures.ThreadPoolExecutor(1))
    pair = (identity.private_key, identity.certificate)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


@pytest.fixture
def tls(tmp_path: Path) -> TLSConfig:
    path = tmp_path / "ca.pem"
    path.write_bytes(authority().certificate)
    return TLSConfig(root_certificates=path)


def sync_predict(address: str, tls: TLSConfig | bool = False) -> object:
    with PredictClient(address, "m", max_retries=0, tls=tls) as client:
        return client.predict(["a"])


def async_predict(address: str, tls: TLSConfig | bool = False) -> object:
    async def ask() -> object:
        async with AsyncPredictClient(address, "m", max_retries=0, tls=tls) as client:
            return await client.predict(["a"])

    return asyncio.run(ask())


def ask_status(address: str, tls: TLSConfig | bool = False) -> object:
    with RunningServer(address, tls=tls) as server:
        return server.statuses("m")


Ask = Callable[..., object]


def error_of(ask: Ask, *arguments: object) -> str:
    with pytest.raises(LstmSentimentError) as raised:
        ask(*arguments)
    assert isinstance(raised.value, ServableUnavailableError)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("ask", [sync_predict, async_predict, ask_status])
def test_the_grpc_client_names_the_port_that_speaks_otherwise(ask: Ask, tls: TLSConfig) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        # Of localhost's two addresses, gRPC tells of the one where nobody listens.
        for host in ("localhost", "127.0.0.1", "http://127.0.0.1"):
            told = error_of(ask, f"{host}:{port}")
            assert f"REST answers at port {port}: gRPC is on another, by default 8500." in told
        assert f"uses no TLS at port {port}: leave `tls` out" in error_of(
            ask, f"127.0.0.1:{port}", tls
        )
    with over_tls() as address:
        assert "The server uses TLS at port" in error_of(ask, address)
    with serving(FakeServer()) as address:
        assert "The server uses no TLS at port" in error_of(ask, address, tls)


def test_the_rest_client_names_the_port_that_speaks_otherwise() -> None:
    def get(address: str) -> object:
        return RestClient(address, "must answer").get("/v1/models/m")

    with serving(FakeServer()) as address:
        for url in (address, f"http://{address}/", f"https://{address}"):
            assert "gRPC answers at port" in error_of(get, url)
    with over_tls() as address:
        assert "The server uses TLS at port" in error_of(get, address)
    with answering(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        told = error_of(get, f"https://127.0.0.1:{port}")
        assert f"The server uses no TLS at port {port}" in told


@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy"])
@pytest.mark.parametrize("ask", [sync_predict, async_predict, ask_status])
def test_a_proxy_that_fails_is_named(
    ask: Ask, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://user:secret@127.0.0.1:1")
    with serving(FakeServer()) as address:
        told = error_of(ask, address)
    assert f"`{variable}` in the environment sends it through the proxy http://127.0.0.1:1" in told
    assert "add 127.0.0.1 to NO_PROXY" in told
    assert "secret" not in told


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY", "no_grpc_proxy"])
@pytest.mark.parametrize("names", ["127.0.0.1", "*", "example.org, 127.0.0.1", "127.0.0.0/8"])
def test_a_server_that_is_named_is_asked_past_the_proxy(
    variable: str, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv(variable, names)
    # gRPC knows networks, and reads no capitals; the rest of the world knows `*`.
    if (variable, names) in [("NO_PROXY", "127.0.0.0/8"), ("no_grpc_proxy", "*")]:
        return
    with serving(FakeServer()) as address:
        assert sync_predict(address)


def test_the_proxy_of_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:1")
    client = RestClient("models.invalid:8501", "must answer")
    with pytest.raises(ServableUnavailableError, match=r"`http_proxy` .* proxy http://127.0.0.1:1"):
        client.get("/")


def test_a_server_that_is_down_is_named() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        told = error_of(sync_predict, address)
    assert told.startswith(f"{address}: cannot be reached. No server listens at this address: ")
