import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.serving.access.authentication import (
    BearerTokenInterceptor,
    BearerTokenMiddleware,
    BearerTokens,
    load_bearer_tokens,
)
from lstm_sentiment.serving.errors import UnauthenticatedError
from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.rest_api.routing.route import Router
from lstm_sentiment.serving.rest_api.routing.table import routes_of
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from tests.serving.event_loops import running_event_loop

TOKEN, OTHER = "dG9rZW4tb25l==", "token-two.~+/_"
TOKENS = BearerTokens([TOKEN, OTHER])
VALID = st.from_regex(r"[A-Za-z0-9._~+/-]+=*", fullmatch=True)

REFUSED: list[list[str]] = [
    [],
    [""],
    ["Bearer"],
    ["Bearer wrong"],
    [f"Bearer {TOKEN[:-1]}"],
    [f"Bearer {TOKEN}x"],
    [f"Bearer {TOKEN} {OTHER}"],
    [f"Basic {TOKEN}"],
    [TOKEN],
    [f"Bearer {TOKEN}", f"Bearer {TOKEN}"],
]
LET_IN = [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Bearer  {OTHER}"]


def test_what_is_let_in() -> None:
    for value in LET_IN:
        TOKENS.check([value.encode()])


@pytest.mark.parametrize("values", REFUSED)
def test_what_is_refused(values: list[str]) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        TOKENS.check([value.encode() for value in values])
    assert str(caught.value) == "a valid bearer token is required."


@given(st.lists(VALID, min_size=1, max_size=3), VALID)
def test_a_token_is_let_in_exactly_if_it_is_known(known: list[str], token: str) -> None:
    tokens = BearerTokens(known)
    for each in known:
        tokens.check([f"Bearer {each}".encode()])
    if token not in known:
        with pytest.raises(UnauthenticatedError):
            tokens.check([f"Bearer {token}".encode()])


def test_tokens_are_not_kept() -> None:
    assert TOKEN not in repr(vars(TOKENS))


@pytest.mark.parametrize("tokens", [[], ["SECRET token"], ["SECRET", ""], ["=SECRET"], ["秘密"]])
def test_tokens_that_break_a_rule_are_refused_unseen(tokens: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="bearer token") as caught:
        BearerTokens(tokens)
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)


def write(path: Path, contents: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(contents)
    return path


def test_tokens_are_read_from_a_file(tmp_path: Path) -> None:
    lines = f"# of ann\n{TOKEN}\n\n  {OTHER}\r\n"
    tokens = load_bearer_tokens(write(tmp_path / "tokens", lines.encode()))
    for token in (TOKEN, OTHER):
        tokens.check([f"Bearer {token}".encode()])
    with pytest.raises(UnauthenticatedError):
        tokens.check([b"Bearer # of ann"])


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", ": must hold at least one bearer token. Received: none."),
        (b"# SECRET\n\n", ": must hold at least one bearer token. Received: none."),
        (b"good\nSECRET token\n", ":2: a bearer token must be letters, digits and any of "),
        (b"\n\nSECRET\xff", ":3: a bearer token must be letters, digits and any of "),
    ],
)
def test_a_bad_file_of_tokens_is_one_line(tmp_path: Path, contents: bytes, message: str) -> None:
    path = write(tmp_path / "tokens", contents)
    with pytest.raises(ConfigError) as caught:
        load_bearer_tokens(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_tokens_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent: cannot be read: No such file or directory"):
        load_bearer_tokens(tmp_path / "absent")


def test_tokens_that_everybody_can_read_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "tokens", TOKEN.encode())
    load_bearer_tokens(path)
    assert caplog.messages == []
    path.chmod(0o604)
    load_bearer_tokens(path)
    assert caplog.messages == [f"{path} can be read by every user of this machine: chmod 600"]


@pytest.fixture(scope="module")
def channel() -> Iterator[Any]:
    """To a server with a service that answers calls of two kinds, and the health service."""
    loop = EventLoop()
    loop.start()
    port, server = loop.run(echo_server())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    loop.run(server.stop(None))
    loop.stop()


async def echo_server() -> tuple[int, grpc.aio.Server]:
    async def say(request: bytes, context: Any) -> bytes:
        return request

    async def say_all(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request

    handlers: dict[str, Any] = {
        "Say": grpc.unary_unary_rpc_method_handler(say),
        "SayAll": grpc.stream_stream_rpc_method_handler(say_all),
    }
    server = grpc.aio.server(interceptors=[BearerTokenInterceptor(TOKENS)])
    server.add_registered_method_handlers("test.Echo", handlers)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return port, server


def metadata(values: list[str]) -> list[tuple[str, str]]:
    return [("authorization", value) for value in values]


@pytest.mark.parametrize("value", LET_IN)
def test_grpc_lets_in(channel: Any, value: str) -> None:
    say = channel.unary_unary("/test.Echo/Say")
    assert say(b"hello", timeout=10, metadata=metadata([value])) == b"hello"
    say_all = channel.stream_stream("/test.Echo/SayAll")
    answers = say_all(iter([b"a", b"b"]), timeout=10, metadata=metadata([value]))
    assert list(answers) == [b"a", b"b"]


@pytest.mark.parametrize("values", REFUSED)
@pytest.mark.parametrize("method", ["Say", "Unknown"])
def test_grpc_refuses(channel: Any, method: str, values: list[str]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/test.Echo/{method}")(b"", timeout=10, metadata=metadata(values))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert caught.value.details() == "a valid bearer token is required."


def test_grpc_refuses_a_stream_before_a_message_has_come(channel: Any) -> None:
    def requests() -> Iterator[bytes]:
        answered.result()
        yield b""

    answered: futures.Future[None] = futures.Future()
    call = channel.stream_stream("/test.Echo/SayAll")(requests(), timeout=10)
    with pytest.raises(grpc.RpcError) as caught:
        next(call)
    answered.set_result(None)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_health_is_told_over_grpc_without_a_token(channel: Any) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("ServerLive", grpc.StatusCode.UNIMPLEMENTED),
        ("ServerReady", grpc.StatusCode.UNIMPLEMENTED),
        ("ServerMetadata", grpc.StatusCode.UNAUTHENTICATED),
        ("ModelReady", grpc.StatusCode.UNAUTHENTICATED),
        ("ModelInfer", grpc.StatusCode.UNAUTHENTICATED),
    ],
)
def test_of_the_open_inference_protocol_only_health_needs_no_token(
    channel: Any, method: str, code: grpc.StatusCode
) -> None:
    # The server behind the interceptor does not have the service.
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/inference.GRPCInferenceService/{method}")(b"", timeout=10)
    assert caught.value.code() is code


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse(f"{scope['method']} {scope['path']}")(scope, receive, send)


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with running_event_loop() as loop:
        roles_of = Router(routes_of(metrics_path="/metrics", state=True, ui=True)).roles_of
        server = RestServer(loop, BearerTokenMiddleware(echo, TOKENS, roles_of), listener)
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
        server.stop(grace_seconds=5)


@pytest.mark.parametrize("value", LET_IN)
def test_rest_lets_in(http: httpx.Client, value: str) -> None:
    response = http.post("/v1/models/m:predict", headers={"Authorization": value}, json={})
    assert response.text == "POST /v1/models/m:predict"


@pytest.mark.parametrize("values", REFUSED)
def test_rest_refuses(http: httpx.Client, values: list[str]) -> None:
    response = http.post("/v1/models/m:predict", headers=metadata(values), json={"a": "b" * 1000})
    assert response.status_code == 401
    assert json.loads(response.content) == {"error": "a valid bearer token is required."}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/healthz?verbose", "/v2/health/live", "/v2/health/ready"]
)
def test_health_is_told_over_rest_without_a_token(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/monitoring/prometheus/metrics",
        "/healthz/",
        "/readyz/../v1/models/m",
        "/v1/healthz",
        "/v2",
        "/v2/models/m/ready",
        "/v2/models/m",
        "/%68ealthz",
    ],
)
def test_all_else_needs_a_token(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 401


def test_no_token_is_logged(
    http: httpx.Client, channel: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for token in (TOKEN, "not-let-in"):
        http.get("/v1/models/m", headers={"Authorization": f"Bearer {token}"})
        call = channel.unary_unary("/test.Echo/Say")
        call.future(b"", timeout=10, metadata=metadata([f"Bearer {token}"])).exception()
    logged = [record for record in caplog.records if not record.name.startswith("http")]
    assert not any(
        token in record.getMessage() for record in logged for token in (TOKEN, "not-let-in")
    )
