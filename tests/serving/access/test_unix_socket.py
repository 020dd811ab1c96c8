"""gRPC on a UNIX socket, beside the port or alone."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.access.authentication import BearerTokens
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.serving.certificates import authority, server_identity


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A name that is no name in a URI, and short: a socket's path has 107 bytes.
    return tmp_path_factory.mktemp("s") / "g r%20p?#中.sock"


def server_at(
    base_path: Path, path: Path | str, port: int | None = None, **options: Any
) -> ModelServer:
    config = single_model_config("sentiment", base_path)
    return ModelServer(
        config,
        ServerOptions(**options),
        port=port,
        rest_api_port=None,
        grpc_socket_path=path,
    )


def answers(address: str) -> bool:
    with PredictClient(address, "sentiment", timeout_seconds=30) as client:
        return client.predict(["好"])[0].label != ""


@pytest.fixture
def somebody_listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield listener


def test_the_socket_answers_beside_the_port_and_is_removed_at_the_stop(
    base_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "grpc.sock"
    with server_at(base_path, path, port=0) as server:
        assert server.grpc_socket_path == path
        assert answers(f"unix:{path}")
        assert answers(f"localhost:{server.port}")
    assert not path.exists()


def test_without_a_port_the_socket_is_the_only_address(base_path: Path, path: Path) -> None:
    with server_at(base_path, path) as server:
        assert path.is_socket()
        with pytest.raises(ServableUnavailableError, match="no port for gRPC"):
            _ = server.port


def test_one_of_both_is_needed(base_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="`port` or `grpc_socket_path`"):
        ModelServer(single_model_config("sentiment", base_path), port=None)


def test_the_umask_says_who_may_connect(base_path: Path, path: Path) -> None:
    before = os.umask(0o077)
    try:
        with server_at(base_path, path):
            assert path.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_tls_and_tokens_are_those_of_the_port(base_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "grpc.sock"
    (tmp_path / "ca.pem").write_bytes(authority().certificate)
    access: dict[str, Any] = {
        "credentials": ServerCredentials.from_files(*server_identity().write(tmp_path, "server")),
        "auth_tokens": BearerTokens(["secret"]),
    }
    tls = TLSConfig(tmp_path / "ca.pem", server_name="127.0.0.1")
    with server_at(base_path, path, **access):
        with PredictClient(f"unix:{path}", "sentiment", tls=tls, token="secret") as client:
            assert client.predict(["好"])[0].label
        with (
            PredictClient(f"unix:{path}", "sentiment", tls=tls) as client,
            pytest.raises(LstmSentimentError, match="bearer token"),
        ):
            client.predict(["好"])


def test_a_socket_that_nobody_listens_on_is_replaced(base_path: Path, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    with server_at(base_path, path), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))


def test_a_socket_of_a_living_server_stays_its_own(
    base_path: Path, path: Path, somebody_listening: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    inode = path.stat().st_ino
    with pytest.raises(InvalidInputError, match="another server listens there"):
        server_at(base_path, path).start()
    with server_at(base_path, path, port=0) as server:
        assert answers(f"localhost:{server.port}")
        assert server.grpc_socket_path is None
    assert "another server listens on" in caplog.text
    assert path.stat().st_ino == inode


def test_a_file_that_is_no_socket_stays(base_path: Path, path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(InvalidInputError, match="a file that is no socket is there"):
        server_at(base_path, path, port=0).start()
    assert path.read_text() == "mine"


@pytest.mark.parametrize("bad", ["", "/tmp/" + "a" * 103, "/tmp/" + "字" * 35, "a\0b"])
def test_a_path_that_no_socket_can_have_is_refused_at_once(base_path: Path, bad: str) -> None:
    with pytest.raises(InvalidInputError, match="of 1 to 107 bytes"):
        server_at(base_path, bad)


def test_a_missing_folder_is_told(base_path: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such folder"):
        server_at(base_path, tmp_path / "none" / "grpc.sock").start()
