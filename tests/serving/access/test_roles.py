"""What each role of a token may do, over gRPC and REST."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.protocol.services import (
    MODEL_SERVICE,
    OPEN_INFERENCE_SERVICE,
    PREDICTION_SERVICE,
    methods_of,
)
from lstm_sentiment.serving.access.authentication import BearerTokens, load_bearer_tokens
from lstm_sentiment.serving.access.roles import METHOD_ROLES, Role
from lstm_sentiment.serving.errors import PermissionDeniedError, UnauthenticatedError
from lstm_sentiment.serving.rest_api.routing.table import routes_of
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions

REFLECTION = "ServerReflection/ServerReflectionInfo"
# By method or path: the roles that may, by their first letters; "-" where no token is needed.
GRPC = {
    f"{PREDICTION_SERVICE}/Predict": "a",
    f"{PREDICTION_SERVICE}/Classify": "a",
    f"{PREDICTION_SERVICE}/Regress": "a",
    f"{PREDICTION_SERVICE}/MultiInference": "a",
    f"{PREDICTION_SERVICE}/GetModelMetadata": "as",
    f"{PREDICTION_SERVICE}/Unknown": "asc",
    f"{MODEL_SERVICE}/GetModelStatus": "s",
    f"{MODEL_SERVICE}/HandleReloadConfigRequest": "c",
    f"{OPEN_INFERENCE_SERVICE}/ModelInfer": "a",
    f"{OPEN_INFERENCE_SERVICE}/ModelReady": "as",
    f"{OPEN_INFERENCE_SERVICE}/ModelMetadata": "as",
    f"{OPEN_INFERENCE_SERVICE}/ServerMetadata": "asc",
    f"{OPEN_INFERENCE_SERVICE}/ServerLive": "-",
    f"{OPEN_INFERENCE_SERVICE}/ServerReady": "-",
    "grpc.health.v1.Health/Check": "-",
    "grpc.health.v1.Health/List": "-",
    "grpc.health.v1.Health/Watch": "-",
    f"grpc.reflection.v1.{REFLECTION}": "asc",
    f"grpc.reflection.v1alpha.{REFLECTION}": "asc",
}
MODEL = "/v1/models/sentiment"
OPEN_MODEL = "/v2/models/sentiment"
REST = {
    f"POST {MODEL}:predict": "a",
    f"POST {MODEL}/versions/1:classify": "a",
    f"POST {MODEL}/labels/stable:regress": "a",
    f"POST {MODEL.upper()}:predict": "a",
    "POST /v1/models/%73entiment:predict": "a",
    f"GET {MODEL}/metadata": "as",
    f"GET {MODEL}": "s",
    "GET /v1/models": "s",
    "GET /state": "s",
    "GET /about/m/1": "as",
    "GET /monitoring/prometheus/metrics": "s",
    "POST /monitoring/prometheus/metrics": "s",
    f"POST {OPEN_MODEL}/infer": "a",
    f"GET {OPEN_MODEL}/ready": "as",
    f"GET {OPEN_MODEL}": "as",
    "GET /v2": "asc",
    "GET /nowhere": "asc",
    f"DELETE {MODEL}": "asc",
    "GET /v2/health/live": "-",
    "GET /v2/health/ready": "-",
    "GET /healthz": "-",
    "GET /readyz": "-",
    "GET /openapi.json": "-",
    "GET /": "-",
    "GET /ui/app.js": "-",
}
ROLES = {role[0]: role for role in Role}


def write(path: Path, *lines: str) -> Path:
    path.touch(mode=0o600)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """A server without a version, to whose tokens each role has one."""
    folder = tmp_path_factory.mktemp("roles")
    tokens = [f"token-{letter} {role}" for letter, role in ROLES.items()]
    options = ServerOptions(
        file_system_poll_wait_seconds=0,
        auth_tokens=load_bearer_tokens(write(folder / "tokens", *tokens, "token-asc")),
        grpc_health=True,
        grpc_reflection=True,
    )
    config = single_model_config("sentiment", folder / "sentiment")
    with ModelServer(config, options, port=0) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def grpc_status(channel: grpc.Channel, method: str, token: str | None) -> tuple[str, str]:
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]
    ask: Any = channel.stream_stream(f"/{method}")
    call = ask(iter([b""]), timeout=30, metadata=metadata)
    try:
        next(call, None)
    except grpc.RpcError as error:
        return error.code().name, error.details() or ""
    finally:
        call.cancel()
    return "OK", ""


@pytest.mark.parametrize("method", GRPC)
def test_grpc_lets_a_role_do_what_it_may(channel: grpc.Channel, method: str) -> None:
    may = GRPC[method]
    for letter, role in ROLES.items():
        code, details = grpc_status(channel, method, f"token-{letter}")
        is_refused = code == "PERMISSION_DENIED"
        assert is_refused == (may != "-" and letter not in may), (role, code)
        if is_refused:
            asked = " or ".join(ROLES[each] for each in may)
            assert details == (
                f"a token with the role {asked} is required. Received: one with {role}."
            )
    assert grpc_status(channel, method, "token-asc")[0] not in (
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
    )
    is_unknown = grpc_status(channel, method, None)[0] == "UNAUTHENTICATED"
    assert is_unknown == (may != "-")


@pytest.mark.parametrize("request_line", REST)
def test_rest_lets_a_role_do_what_it_may(server: ModelServer, request_line: str) -> None:
    may, (method, path) = REST[request_line], request_line.split(" ")
    url = f"http://127.0.0.1:{server.rest_api_port}"

    def answer(token: str | None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.request(method, url + path, headers=headers, timeout=30)

    for letter, role in ROLES.items():
        answered = answer(f"token-{letter}")
        is_refused = answered.status_code == 403
        assert is_refused == (may != "-" and letter not in may), (role, answered.text)
        if is_refused:
            asked = " or ".join(ROLES[each] for each in may)
            assert answered.json()["error"] == (
                f"a token with the role {asked} is required. Received: one with {role}."
            )
            assert "insufficient_scope" in answered.headers["www-authenticate"]
    assert answer("token-asc").status_code not in (401, 403)
    assert (answer(None).status_code == 401) == (may != "-")


def test_each_method_and_each_route_stands_in_the_tables_above() -> None:
    ours = (PREDICTION_SERVICE, MODEL_SERVICE, OPEN_INFERENCE_SERVICE)
    served = {method.path for service in ours for method in methods_of(service)}
    listed = {f"/{method}" for method in GRPC if not method.endswith("/Unknown")}
    assert served <= listed == set(METHOD_ROLES)
    routes = routes_of(metrics_path="/monitoring/prometheus/metrics", state=True, ui=True)
    asked = [request_line.split(" ") for request_line in REST]
    for route in routes:
        assert any(m in route.methods and route.pattern.fullmatch(path) for m, path in asked)


@pytest.mark.parametrize(
    ("line", "roles"),
    [
        ("t", "asc"),
        ("t ask", "a"),
        ("t  status", "s"),
        ("t\tchange", "c"),
        ("t ask,status", "as"),
        ("t ask status change", "asc"),
        ("t ask, change", "ac"),
        ("t ask ask", "a"),
        (" t  ask,\r", "a"),
        ("t ask\nt status", "as"),
        ("\ufefft status\r\n\r\n# 看的人\r\n", "s"),
        ("t ask\nother", "a"),
        ("t\nt ask", "asc"),
    ],
)
def test_roles_stand_behind_a_token(tmp_path: Path, line: str, roles: str) -> None:
    tokens = load_bearer_tokens(write(tmp_path / "tokens", line))
    for letter, role in ROLES.items():
        if letter in roles:
            tokens.check([b"Bearer t"], frozenset({role}))
        else:
            with pytest.raises(PermissionDeniedError):
                tokens.check([b"Bearer t"], frozenset({role}))
    with pytest.raises(UnauthenticatedError):
        tokens.check([b"Bearer ask"])


@pytest.mark.parametrize(
    "line", ["t asks", "t Ask", "t ask;status", "t ask # of ann", "t all", "t *"]
)
def test_a_role_that_there_is_not_is_one_line_that_quotes_nothing(
    tmp_path: Path, line: str
) -> None:
    path = write(tmp_path / "tokens", "first", line)
    with pytest.raises(ConfigError) as caught:
        load_bearer_tokens(path)
    told = str(caught.value)
    assert told.startswith(f"{path}:2: ")
    assert told.endswith("then perhaps its roles, of ask, status, change.")
    assert "\n" not in told


def test_roles_are_taken_when_the_file_changes(tmp_path: Path) -> None:
    path = write(tmp_path / "tokens", "t ask", "u")
    tokens = load_bearer_tokens(path)
    change = frozenset({Role.CHANGE})
    with pytest.raises(PermissionDeniedError):
        tokens.check([b"Bearer t"], change)
    tokens.check([b"Bearer u"], change)
    write(path, "t change", "u status")
    assert tokens.reload()
    tokens.check([b"Bearer t"], change)
    with pytest.raises(PermissionDeniedError):
        tokens.check([b"Bearer u"], change)
    write(path, "t changed")
    with pytest.raises(ConfigError):
        tokens.reload()
    tokens.check([b"Bearer t"], change)


def test_a_program_gives_roles_too() -> None:
    tokens = BearerTokens({"t": [Role.ASK, "status"], "u": ["change"]})
    tokens.check([b"Bearer t"], frozenset({Role.STATUS}))
    with pytest.raises(PermissionDeniedError, match="Received: one with ask and status"):
        tokens.check([b"Bearer t"], frozenset({Role.CHANGE}))
    without: dict[str, list[str]] = {"t": []}
    for wrong in (without, {"t": ["asks"]}):
        with pytest.raises(InvalidInputError, match="roles of a token must be among ask, status"):
            BearerTokens(wrong)
