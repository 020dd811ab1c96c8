"""Certificates and tokens that change while the server runs."""

import contextlib
import logging
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.access.authentication import BearerTokens, load_bearer_tokens
from lstm_sentiment.serving.access.ssl_config import SSLConfig
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.serving.certificates import (
    Authority,
    Identity,
    authority,
    other_authority,
    server_identity,
)

SECONDS = 30


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return server_identity().write(tmp_path, "server")


@contextlib.contextmanager
def serving(
    base_path: Path, credentials: ServerCredentials | None, tokens: BearerTokens | None = None
) -> Iterator[ModelServer]:
    """A server that looks at its files only when it is told to."""
    options = ServerOptions(
        file_system_poll_wait_seconds=0,
        access_poll_wait_seconds=0,
        credentials=credentials,
        auth_tokens=tokens,
    )
    with ModelServer(single_model_config("sentiment", base_path), options, port=0) as server:
        yield server


def grpc_answers(server: ModelServer, folder: Path, ca: Authority) -> bool:
    """Whether a new gRPC connection trusts the server, and is answered."""
    (folder / "trusted.pem").write_bytes(ca.certificate)
    tls = TLSConfig(folder / "trusted.pem")
    address = f"127.0.0.1:{server.port}"
    try:
        with PredictClient(address, "sentiment", tls=tls, timeout_seconds=SECONDS) as client:
            return bool(client.predict(["好"]))
    except LstmSentimentError:
        return False


def rest_answers(server: ModelServer, ca: Authority) -> bool:
    """Whether a new HTTPS connection trusts the server, and is answered."""
    url = f"https://127.0.0.1:{server.rest_api_port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS, context=ca.client_context()) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ssl.SSLError):
        return False


def metric(server: ModelServer, name: str, context: ssl.SSLContext | bool = True) -> dict[str, str]:
    """The series of a metric, by labels."""
    scheme = "http" if context is True else "https"
    url = f"{scheme}://127.0.0.1:{server.rest_api_port}/monitoring/prometheus/metrics"
    page = httpx.get(
        url, verify=context, timeout=SECONDS, headers={"authorization": "Bearer new"}
    ).text
    return dict(re.findall(rf"^{name}{{(.*)}} (\S+)$", page, re.MULTILINE))


def test_a_new_certificate_is_for_new_connections_and_old_ones_go_on(
    base_path: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    url = "/v1/models/sentiment"
    (tmp_path / "ca.pem").write_bytes(authority().certificate)
    tls = TLSConfig(tmp_path / "ca.pem")
    with serving(base_path, ServerCredentials.from_files(*files)) as server:
        grpc_address = f"127.0.0.1:{server.port}"
        rest_address = f"https://127.0.0.1:{server.rest_api_port}"
        with (
            PredictClient(grpc_address, "sentiment", tls=tls, timeout_seconds=SECONDS) as old_grpc,
            httpx.Client(base_url=rest_address, verify=authority().client_context()) as old_rest,
        ):
            assert old_grpc.predict(["好"]) and old_rest.get(url).status_code == 200
            other_authority().issue("127.0.0.1").write(tmp_path, "server")
            assert grpc_answers(server, tmp_path, authority())  # nobody has looked yet
            server.poll_now()
            assert old_grpc.predict(["好"]) and old_rest.get(url).status_code == 200
            assert not grpc_answers(server, tmp_path, authority())
            assert not rest_answers(server, authority())
            assert grpc_answers(server, tmp_path, other_authority())
            assert rest_answers(server, other_authority())
        context = other_authority().client_context()
        assert metric(server, "lstm_sentiment_access_reloads_total", context) == {
            'file="certificate",outcome="taken"': "1"
        }


def test_a_broken_certificate_keeps_the_old_one_and_says_so_once(
    base_path: Path, files: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lstm_sentiment.serving")
    certificate, _ = files
    with serving(base_path, ServerCredentials.from_files(*files)) as server:
        other = other_authority().issue("127.0.0.1")
        certificate.write_bytes(other.certificate)  # its key has not come yet
        for _ in range(3):
            server.poll_now()
        assert rest_answers(server, authority())
        assert grpc_answers(server, tmp_path, authority())
        assert told(caplog) == ["the private key must be that of the certificate"]
        context = authority().client_context()
        refused = {'file="certificate"': "1"}
        assert metric(server, "lstm_sentiment_access_refused", context) == refused
        other.write(tmp_path, "server")
        server.poll_now()
        assert rest_answers(server, other_authority())
        context = other_authority().client_context()
        assert metric(server, "lstm_sentiment_access_refused", context) == {
            'file="certificate"': "0"
        }
        assert metric(server, "lstm_sentiment_access_reloads_total", context) == {
            'file="certificate",outcome="refused"': "1",
            'file="certificate",outcome="taken"': "1",
        }


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The rules that were broken, one for each error in the log."""
    rule = re.compile(r"(the private key must be \w+ \w+ the certificate|must [^.]*|cannot [^.:]*)")
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    return [match[1] for record in errors if (match := rule.search(record.getMessage()))]


def test_files_behind_a_link_are_compared_by_what_is_in_them(
    base_path: Path, tmp_path: Path
) -> None:
    """As Kubernetes changes a secret: the folder that a link points to is another one."""
    for name, who in (("1", server_identity()), ("2", other_authority().issue("127.0.0.1"))):
        folder = tmp_path / name
        folder.mkdir()
        who.write(folder, "tls")
    link = tmp_path / "data"
    link.symlink_to("1")
    for file in ("tls.pem", "tls.key"):
        (tmp_path / file).symlink_to(f"data/{file}")
    credentials = ServerCredentials.from_files(tmp_path / "tls.pem", tmp_path / "tls.key")
    with serving(base_path, credentials) as server:
        (tmp_path / "next").symlink_to("2")
        (tmp_path / "next").replace(link)
        server.poll_now()
        assert rest_answers(server, other_authority())


def test_an_authority_that_is_taken_away_vouches_no_more(tmp_path: Path) -> None:
    server_files = server_identity().write(tmp_path, "server")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority().certificate)
    credentials = ServerCredentials.from_files(*server_files, ca)
    ca.write_bytes(other_authority().certificate)
    assert credentials.reload()
    assert not hand_shaken(credentials.ssl_context(), authority().issue("ann"), tmp_path)
    assert hand_shaken(credentials.ssl_context(), other_authority().issue("ann"), tmp_path)


def hand_shaken(server: ssl.SSLContext, client: Identity, folder: Path) -> bool:
    """Whether a client is let in, without a socket between the two."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    own = authority().client_context(client.write(folder, "client"))
    ends = [
        own.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return ends[1].getpeercert() is not None


def ssl_config(path: Path, identity: Identity, more: str = "") -> None:
    def text(pem: bytes) -> str:
        return pem.decode().replace("\n", "\\n")

    path.write_text(
        f'server_key: "{text(identity.private_key)}" server_cert: "{text(identity.certificate)}"'
        + more
    )
    path.chmod(0o600)


def test_tensorflow_servings_file_is_read_again_too(base_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "ssl.config"
    ssl_config(path, server_identity())
    credentials = ServerCredentials.from_config_file(path)
    with serving(base_path, credentials) as server:
        ssl_config(path, other_authority().issue("127.0.0.1"))
        server.poll_now()
        assert grpc_answers(server, tmp_path, other_authority())
    pem = other_authority().certificate.decode().replace("\n", "\\n")
    ssl_config(path, server_identity(), f' custom_ca: "{pem}" client_verify: true')
    with pytest.raises(LstmSentimentError, match="client_verify must stay as it is"):
        credentials.reload()


def asked(server: ModelServer, token: str) -> tuple[grpc.StatusCode | None, int]:
    """The outcome of a request over gRPC and of one over REST, with a token."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        ask: Any = channel.unary_unary("/tensorflow.serving.PredictionService/GetModelMetadata")
        code = None
        try:
            ask(b"", timeout=SECONDS, metadata=[("authorization", f"Bearer {token}")])
        except grpc.RpcError as error:
            code = error.code()
    url = f"http://127.0.0.1:{server.rest_api_port}/v1/models/sentiment"
    return code, httpx.get(url, headers={"authorization": f"Bearer {token}"}).status_code


LET_IN = (grpc.StatusCode.INVALID_ARGUMENT, 200)
REFUSED = (grpc.StatusCode.UNAUTHENTICATED, 401)


def test_tokens_are_given_and_taken_back(
    base_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokens"
    path.write_text("old\n")
    path.chmod(0o600)
    with serving(base_path, None, load_bearer_tokens(path)) as server:
        path.write_text("old\nnew\n")
        server.poll_now()
        assert asked(server, "old") == asked(server, "new") == LET_IN
        path.write_text("new\n")
        server.poll_now()
        assert (asked(server, "old"), asked(server, "new")) == (REFUSED, LET_IN)
        for broken in (b"", b"secret phrase\n", None):
            if broken is None:
                path.unlink()
            else:
                path.write_bytes(broken)
            server.poll_now()
            server.poll_now()
            assert asked(server, "new") == LET_IN
        assert len(told(caplog)) == 3
        assert "secret phrase" not in caplog.text
        assert metric(server, "lstm_sentiment_access_refused") == {'file="tokens"': "1"}


def test_what_came_from_no_file_is_not_read_again() -> None:
    identity = server_identity()
    assert not BearerTokens(["a"]).reload()
    config = SSLConfig(identity.private_key.decode(), identity.certificate.decode())
    assert not ServerCredentials(config).reload()


def test_the_server_looks_by_itself(base_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("old\n")
    path.chmod(0o600)
    options = ServerOptions(access_poll_wait_seconds=0.01, auth_tokens=load_bearer_tokens(path))
    with ModelServer(single_model_config("sentiment", base_path), options, port=0) as server:
        path.write_text("new\n")
        while asked(server, "new") != LET_IN:
            pass
