"""TLS over real sockets: who is let in, by gRPC and by REST."""

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import trustme
from starlette.responses import PlainTextResponse

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.serving.access.ssl_config import SSLConfig
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from tests.serving.certificates import (
    Authority,
    Identity,
    authority,
    other_authority,
    server_identity,
)
from tests.serving.event_loops import running_event_loop

Files = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificate, key and authority of a server on 127.0.0.1."""
    folder = tmp_path_factory.mktemp("server")
    ca = folder / "ca.pem"
    ca.write_bytes(authority().certificate)
    return (*server_identity().write(folder, "server"), ca)


@pytest.fixture(scope="module")
def mutual(files: Files) -> ServerCredentials:
    return ServerCredentials.from_files(*files)


@pytest.fixture(scope="module")
def one_sided(files: Files) -> ServerCredentials:
    return ServerCredentials.from_files(*files[:2])


@contextmanager
def rest_server(credentials: ServerCredentials) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    port, hello = listener.getsockname()[1], PlainTextResponse("hello")
    with running_event_loop() as loop:
        server = RestServer(loop, hello, listener, ssl_context=credentials.ssl_context())
        server.start()
        try:
            yield port
        finally:
            server.stop(grace_seconds=5)


@contextmanager
def grpc_server(credentials: ServerCredentials) -> Iterator[int]:
    server = grpc.server(futures.ThreadPoolExecutor(1))
    hello: Any = grpc.unary_unary_rpc_method_handler(lambda request, context: b"hello")
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("s", {"Say": hello})])
    port = server.add_secure_port("127.0.0.1:0", credentials.grpc())
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def ask(channel: Any) -> bytes:
    answer: bytes = channel.unary_unary("/s/Say")(b"", timeout=10)
    return answer


def say(port: int, ca: Authority, identity: Identity | None = None) -> bytes:
    credentials = grpc.ssl_channel_credentials(
        ca.certificate,
        identity.private_key if identity else None,
        identity.certificate if identity else None,
    )
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        return ask(channel)


def get(port: int, folder: Path, ca: Authority, identity: Identity | None = None) -> httpx.Response:
    context = ca.client_context(identity.write(folder, "client") if identity else None)
    return httpx.get(f"https://127.0.0.1:{port}/", verify=context)


def test_rest_is_served_over_tls(one_sided: ServerCredentials, tmp_path: Path) -> None:
    with rest_server(one_sided) as port:
        assert get(port, tmp_path, authority()).text == "hello"
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            get(port, tmp_path, other_authority())
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 400


def test_grpc_is_served_over_tls(one_sided: ServerCredentials) -> None:
    with grpc_server(one_sided) as port:
        assert say(port, authority()) == b"hello"
        with pytest.raises(grpc.RpcError) as caught:
            say(port, other_authority())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        with (
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
            pytest.raises(grpc.RpcError),
        ):
            ask(channel)


def test_rest_lets_in_only_those_whom_the_authority_knows(
    mutual: ServerCredentials, tmp_path: Path
) -> None:
    assert mutual.client_verify
    with rest_server(mutual) as port:
        assert get(port, tmp_path, authority(), authority().issue("ann")).text == "hello"
        for identity in (None, other_authority().issue("eve")):
            with pytest.raises(httpx.TransportError):
                get(port, tmp_path, authority(), identity)


def test_grpc_lets_in_only_those_whom_the_authority_knows(mutual: ServerCredentials) -> None:
    with grpc_server(mutual) as port:
        assert say(port, authority(), authority().issue("ann")) == b"hello"
        for identity in (None, other_authority().issue("eve")):
            with pytest.raises(grpc.RpcError) as caught:
                say(port, authority(), identity)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_signer_that_is_no_root_vouches_over_both(tmp_path: Path) -> None:
    intermediate = trustme.CA().create_child_ca()
    leaf = intermediate.issue_cert("ann")
    identity = Identity(leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes())
    server = server_identity()
    credentials = ServerCredentials(
        SSLConfig(
            server.private_key.decode(),
            server.certificate.decode(),
            intermediate.cert_pem.bytes().decode(),
            client_verify=True,
        )
    )
    with rest_server(credentials) as port:
        assert get(port, tmp_path, authority(), identity).text == "hello"
    with grpc_server(credentials) as port:
        assert say(port, authority(), identity) == b"hello"


def test_old_tls_is_refused(one_sided: ServerCredentials) -> None:
    assert one_sided.ssl_context().minimum_version is ssl.TLSVersion.TLSv1_2


def text_format(text: bytes) -> str:
    return '"' + text.decode().replace("\n", "\\n") + '"'


def ssl_config_file(folder: Path, parts: dict[str, bytes], *, client_verify: bool = False) -> Path:
    path = folder / "ssl.config"
    lines = [f"{name}: {text_format(pem)}" for name, pem in parts.items()]
    path.write_text("\n".join([*lines, f"client_verify: {str(client_verify).lower()}"]))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("client_verify", [True, False])
def test_tensorflow_servings_file_counts_for_both_and_an_authority_alone_asks_for_nothing(
    tmp_path: Path, client_verify: bool
) -> None:
    identity = server_identity()
    path = ssl_config_file(
        tmp_path,
        {
            "server_key": identity.private_key,
            "server_cert": identity.certificate,
            "custom_ca": authority().certificate,
        },
        client_verify=client_verify,
    )
    credentials = ServerCredentials.from_config_file(path)
    assert credentials.client_verify is client_verify
    caller = authority().issue("ann") if client_verify else None
    with rest_server(credentials) as port:
        assert get(port, tmp_path, authority(), caller).text == "hello"
        if client_verify:
            with pytest.raises(httpx.TransportError):
                get(port, tmp_path, authority())
    with grpc_server(credentials) as port:
        assert say(port, authority(), caller) == b"hello"


@pytest.mark.parametrize(
    ("at", "contents", "message"),
    [
        (0, None, "cannot be read: No such file or directory."),
        (1, None, "cannot be read: No such file or directory."),
        (2, None, "cannot be read: No such file or directory."),
        (0, b"", "must be the contents of a PEM file. Received: none."),
        (1, b"\n", "must be the contents of a PEM file. Received: none."),
        (2, b"", "must be the contents of a PEM file. Received: none."),
        (0, b"SECRET\xff", "must be certificates as PEM."),
        (2, b"SECRET", "must be certificates as PEM."),
        (1, b"SECRET", "must be a private key as PEM."),
        (1, authority().certificate, "must be a private key as PEM."),
        (0, server_identity().private_key, "must be certificates as PEM."),
        (
            1,
            authority().issue("127.0.0.1").private_key,
            "the private key must be that of the certificate in ",
        ),
        (
            1,
            authority().issue("127.0.0.1", trustme.KeyType.RSA).private_key,
            "the private key must be that of the certificate in ",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(
    files: Files, tmp_path: Path, at: int, contents: bytes | None, message: str
) -> None:
    bad = tmp_path / "bad.pem"
    if contents is not None:
        bad.touch(mode=0o600)
        bad.write_bytes(contents)
    paths = [bad if place == at else path for place, path in enumerate(files)]
    with pytest.raises(ConfigError) as caught:
        ServerCredentials.from_files(*paths)
    assert str(caught.value).startswith(f"{bad}: {message}")
    assert "\n" not in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_nobody_is_asked_for_a_password(
    files: Files, tmp_path: Path, encrypt: Callable[[bytes], bytes]
) -> None:
    key = tmp_path / "encrypted.key"
    key.touch(mode=0o600)
    key.write_bytes(encrypt(server_identity().private_key))
    with pytest.raises(ConfigError) as caught:
        ServerCredentials.from_files(files[0], key)
    assert str(caught.value) == f"{key}: the private key must not be encrypted."


@pytest.fixture
def encrypt() -> Callable[[bytes], bytes]:
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")

    def encrypted(pem: bytes) -> bytes:
        key = serialization.load_pem_private_key(pem, password=None)
        contents: bytes = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
        return contents

    return encrypted


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("server_cert", "must be certificates as PEM."),
        ("server_key", "must be a private key as PEM."),
        ("custom_ca", "must be certificates as PEM."),
    ],
)
def test_the_part_of_a_config_that_is_wrong_is_named(
    tmp_path: Path, part: str, message: str
) -> None:
    identity = server_identity()
    parts = {"server_key": identity.private_key, "server_cert": identity.certificate}
    path = ssl_config_file(tmp_path, {**parts, part: b"SECRET"})
    with pytest.raises(ConfigError) as caught:
        ServerCredentials.from_config_file(path)
    assert str(caught.value) == f"{path}: {part}: {message}"


def test_a_key_that_everybody_can_read_is_warned_of(
    files: Files, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ServerCredentials.from_files(*files)
    assert caplog.messages == []
    key = tmp_path / "open.key"
    key.write_bytes(files[1].read_bytes())
    key.chmod(0o644)
    ServerCredentials.from_files(files[0], key)
    assert caplog.messages == [f"{key} can be read by every user of this machine: chmod 600"]


def test_a_key_is_left_nowhere(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ServerCredentials.from_files(*files)
    assert list(tmp_path.iterdir()) == []
