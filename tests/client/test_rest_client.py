"""The REST caller: what it sends, whom it trusts, and what it raises."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lstm_sentiment.client.access import AccessRefusedError, TLSConfig
from lstm_sentiment.client.rest_client import RefusedError, RestClient
from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from tests.serving.certificates import Identity, authority, other_authority, server_identity

RULE = "must answer as a server of tests does"


class JSONServer(ThreadingHTTPServer):
    """Answers each request with itself, or with what `answers` holds for its path."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {"/moved": (302, b"")}
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: JSONServer

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        seen = {
            "path": self.path,
            "body": json.loads(self.rfile.read(size) or "null"),
            "token": self.headers.get("Authorization"),
        }
        status, body = self.server.answers.get(self.path, (200, json.dumps(seen).encode()))
        self.send_response(status)
        if self.path == "/moved":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[JSONServer]:
    with JSONServer() as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tls_server(folder: Path, identity: Identity) -> ssl.SSLContext:
    """Asks callers for a certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*identity.write(folder, "server"))
    context.load_verify_locations(cadata=authority().certificate.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@pytest.fixture(scope="module")
def server() -> Iterator[JSONServer]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pem")
    (folder / "ca.pem").write_bytes(authority().certificate)
    (folder / "stranger.pem").write_bytes(other_authority().certificate)
    (folder / "no.pem").write_text("no PEM")
    return folder


@pytest.fixture(scope="module")
def own(folder: Path) -> tuple[Path, Path]:
    return authority().issue("client@example.org").write(folder, "own")


@pytest.mark.parametrize("form", ["{}", "http://{}", "http://{}/"])
def test_json_goes_there_and_comes_back(server: JSONServer, form: str) -> None:
    client = RestClient(form.format(server.address), RULE)
    assert client.get("/state") == {"path": "/state", "body": None, "token": None}
    answer = client.post("/v1/models/m:predict", {"instances": ["房间"]})
    assert answer["path"] == "/v1/models/m:predict"
    assert answer["body"] == {"instances": ["房间"]}


def test_the_token_goes_with_each_request_and_past_a_proxy(
    server: JSONServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    client = RestClient(server.address, RULE, token="secret")
    assert client.get("/")["token"] == "Bearer secret"
    assert client.post("/", {})["token"] == "Bearer secret"


@pytest.mark.parametrize("address", ["models.internal:8501", "http://example.org:8501"])
def test_a_token_does_not_travel_in_the_clear(address: str, folder: Path) -> None:
    with pytest.raises(InvalidInputError, match="a `token` must not travel in the clear") as caught:
        RestClient(address, RULE, token="hush")
    assert "hush" not in str(caught.value)
    RestClient("models.internal:8501", RULE, token="hush", tls=TLSConfig(folder / "ca.pem"))
    RestClient("https://models.internal:8501", RULE, token="hush")


def test_tls_and_a_certificate_of_the_caller(folder: Path, own: tuple[Path, Path]) -> None:
    certificate, key = own
    mutual = tls_server(folder, server_identity())
    mutual.verify_mode = ssl.CERT_REQUIRED
    known = TLSConfig(folder / "ca.pem", private_key=key, certificate_chain=certificate)
    with running(mutual) as server:
        for address in (server.address, f"https://{server.address}"):
            assert RestClient(address, RULE, tls=known).get("/")["path"] == "/"
        anonymous = RestClient(server.address, RULE, tls=TLSConfig(folder / "ca.pem"))
        with pytest.raises(ServableUnavailableError, match=f"^{server.address}: cannot be reached"):
            anonymous.get("/")


def test_a_server_of_another_authority_or_name_is_not_spoken_to(folder: Path) -> None:
    named = tls_server(folder, authority().issue("models.internal"))
    with running(named) as server:
        tls = TLSConfig(folder / "ca.pem", server_name="models.internal")
        assert RestClient(server.address, RULE, tls=tls).get("/")["path"] == "/"
        strangers: list[TLSConfig | bool] = [
            TLSConfig(folder / "ca.pem"),
            TLSConfig(folder / "stranger.pem", server_name="models.internal"),
            True,
        ]
        for stranger in strangers:
            client = RestClient(server.address, RULE, tls=stranger)
            with pytest.raises(ServableUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
                client.get("/")


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, b'{"error": "no such signature"}', "no such signature"),
        (404, b"Not found", "status 404"),
        (502, b"<html>bad gateway", "status 502"),
    ],
)
def test_a_refusal_is_told_with_the_servers_reason(
    server: JSONServer, status: int, body: bytes, reason: str
) -> None:
    server.answers["/refused"] = status, body
    with pytest.raises(RefusedError) as caught:
        RestClient(server.address, RULE).post("/refused", {})
    assert str(caught.value) == f"{server.address}: {reason}"
    assert (caught.value.status, caught.value.reason) == (status, reason)


@pytest.mark.parametrize(
    ("status", "body", "token", "reason"),
    [
        (401, b"{}", None, "requires a bearer token that the server accepts. Received: none."),
        (
            401,
            b"{}",
            "secret",
            "requires a bearer token that the server accepts. Received: another.",
        ),
        (403, b'{"error": "not you"}', "secret", "not you"),
    ],
)
def test_a_caller_that_is_not_let_in_is_told_so(
    server: JSONServer, status: int, body: bytes, token: str | None, reason: str
) -> None:
    server.answers["/refused"] = status, body
    with pytest.raises(AccessRefusedError) as caught:
        RestClient(server.address, RULE, token=token).post("/refused", {})
    assert str(caught.value) == f"{server.address}: {reason}"


def test_a_redirect_is_not_followed(server: JSONServer) -> None:
    with pytest.raises(RefusedError, match="status 302"):
        RestClient(server.address, RULE, token="secret").get("/moved")


def test_what_is_no_json_breaks_the_rule(server: JSONServer) -> None:
    server.answers["/page"] = 200, b"<html>"
    client = RestClient(server.address, RULE)
    with pytest.raises(InvalidInputError, match=f"{RULE}. Received: no JSON: ") as caught:
        client.get("/page")
    assert not isinstance(caught.value, RefusedError)
    assert str(client.unexpected("x" * 201)) == (
        f"{server.address}: {RULE}. Received: {'x' * 200}…."
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", r"\. No server listens at this address"),
        ("höst.invalid:1", ": "),
        (f"{'ö' * 64}:1", ": "),
    ],
)
def test_a_server_that_is_not_there_is_told(address: str, reason: str) -> None:
    with pytest.raises(ServableUnavailableError, match=f"^{address}: cannot be reached{reason}"):
        RestClient(address, RULE).get("/")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout_seconds": 0}, "`timeout_seconds` must be a positive number"),
        ({"tls": "ca.pem"}, "`tls` must be True, False or a TLSConfig"),
        ({"token": "two words"}, "`token` must be one or more visible ASCII"),
        ({"tls": TLSConfig("absent.pem")}, "absent.pem: cannot be read"),
    ],
)
def test_bad_arguments_are_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        RestClient("localhost:1", RULE, **options)


@pytest.mark.parametrize(
    "address",
    [
        *("", "two words:1", "host:1\n", "[::1", "a]b:1", "http://", "https://[::1"),
        *("host:port", "http://localhost@example.org:8501"),
    ],
)
@pytest.mark.parametrize("token", [None, "secret"])
def test_what_is_no_address_is_told(address: str, token: str | None) -> None:
    with pytest.raises(InvalidInputError, match="must be HOST:PORT, or a URL that begins with"):
        RestClient(address, RULE, token=token)


def test_a_bad_file_is_named_and_a_url_in_the_clear_has_no_tls(folder: Path) -> None:
    tls = TLSConfig(folder / "no.pem")
    with pytest.raises(InvalidInputError, match=r"no\.pem: must hold certificates in PEM"):
        RestClient("localhost:1", RULE, tls=tls)
    with pytest.raises(InvalidInputError, match="must begin with https:// where `tls` is given"):
        RestClient("http://localhost:1", RULE, tls=TLSConfig(folder / "ca.pem"))
