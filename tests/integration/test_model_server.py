"""The whole server on real sockets, with the parts that stand alone elsewhere put together."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError, ServableUnavailableError
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.access.authentication import BearerTokens
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable
from lstm_sentiment.serving.servable import ManagerState
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.serving.certificates import authority, server_identity
from tests.serving.held_requests import hold_requests
from tests.serving.saved_models import copy_version, save_version

TIMEOUT_SECONDS = 60


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2, never to be changed."""
    path = tmp_path_factory.mktemp("served") / "sentiment"
    path.mkdir()
    save_version(path, 1)
    save_version(path, 2)
    return path


def config_of(*models: tuple[str, Path], extra: str = "") -> ModelServerConfig:
    blocks = "\n".join(
        f'config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" '
        f"model_version_policy {{ all {{}} }} {extra} }}"
        for name, path in models
    )
    return parse_models_config(f"model_config_list {{ {blocks} }}")


def start(config: Any, **options: Any) -> ModelServer:
    return ModelServer(config, ServerOptions(file_system_poll_wait_seconds=0, **options), port=0)


def ask(server: ModelServer, model: str = "sentiment", **options: Any) -> list[str]:
    with PredictClient(f"127.0.0.1:{server.port}", model, max_retries=0, **options) as client:
        return [prediction.label for prediction in client.predict(["a"])]


def reload(server: ModelServer, config: ModelServerConfig) -> Any:
    request = model_management_pb2.ReloadConfigRequest()
    request.config.ParseFromString(config.SerializeToString())
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        return stub.HandleReloadConfigRequest(request, timeout=TIMEOUT_SECONDS)


def get(server: ModelServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.rest_api_port}{path}") as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_reload_brings_and_takes_models_and_a_bad_one_changes_nothing(base_path: Path) -> None:
    with start(config_of(("sentiment", base_path))) as server:
        assert ask(server) == ["v2:a"]
        label = 'version_labels { key: "stable" value: 1 }'
        assert reload(server, config_of(("hotel", base_path), extra=label)).status.error_code == 0
        assert ask(server, "hotel") == ["v2:a"]
        assert ask(server, "hotel", label="stable") == ["v1:a"]
        with pytest.raises(ServableNotFoundError):
            ask(server)
        bad = config_of(("hotel", base_path), ("other", base_path))
        bad.model_config_list.config[1].base_path = "relative"
        with pytest.raises(grpc.RpcError) as caught:
            reload(server, bad)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert ask(server, "hotel", label="stable") == ["v1:a"]
        with pytest.raises(ServableNotFoundError):
            ask(server, "other")


def test_a_request_may_not_load_from_any_folder_and_the_file_may(
    base_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "books").symlink_to(base_path)
    elsewhere = config_of(("sentiment", base_path), ("evil", tmp_path / "own" / "books"))
    path = tmp_path / "models.config"
    path.write_text(text_format.MessageToString(config_of(("sentiment", base_path))))
    with start(path, model_config_file_poll_wait_seconds=0) as server:
        with pytest.raises(grpc.RpcError) as caught:
            reload(server, config_of(("evil", tmp_path / "own")))
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert "--allowed-base-paths" in str(caught.value.details())
        assert ask(server) == ["v2:a"]
        # The link leads to what is served.
        reload(server, elsewhere)
        assert ask(server, "evil") == ["v2:a"]
        # The file belongs to whoever runs the server, and so does what it names.
        copy_version(base_path / "1", tmp_path / "own", 1)
        named = config_of(("sentiment", base_path), ("own", tmp_path / "own"))
        path.write_text(text_format.MessageToString(named))
        server.poll_now()
        assert ask(server, "own") == ["v1:a"]
        reload(server, config_of(("own", tmp_path / "own")))
        reload(server, named)
        assert ask(server, "own") == ["v1:a"]


def test_a_program_may_load_from_any_folder(base_path: Path, tmp_path: Path) -> None:
    copy_version(base_path / "1", tmp_path, 1)
    with start(config_of(("sentiment", base_path)), allowed_base_paths=[]) as server:
        server.reload(config_of(("own", tmp_path)))
        assert ask(server, "own") == ["v1:a"]


def test_a_changed_config_file_is_taken_over(base_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(text_format.MessageToString(config_of(("sentiment", base_path))))
    with start(path, model_config_file_poll_wait_seconds=0.01) as server:
        assert ask(server) == ["v2:a"]
        path.write_text(text_format.MessageToString(config_of(("hotel", base_path))))
        assert server.wait_until(
            lambda states: any(
                state.id.name == "hotel" and state.state is ManagerState.AVAILABLE
                for state in states
            ),
            TIMEOUT_SECONDS,
        )
        assert ask(server, "hotel") == ["v2:a"]


@pytest.fixture(scope="module")
def guarded(
    base_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ModelServer, Mapping[str, Any]]]:
    """A server that lets in whom it knows, and what such a one needs."""
    folder = tmp_path_factory.mktemp("certificates")
    ca = folder / "ca.pem"
    ca.write_bytes(authority().certificate)
    certificate, key = server_identity().write(folder, "server")
    client_certificate, client_key = authority().issue("client").write(folder, "client")
    credentials = ServerCredentials.from_files(certificate, key, ca)
    with start(
        config_of(("sentiment", base_path)),
        credentials=credentials,
        auth_tokens=BearerTokens(["secret"]),
        limits=RequestLimits(max_batch_size=3, max_text_bytes=100, max_request_bytes=10_000),
        grpc_health=True,
        grpc_reflection=True,
    ) as server:
        tls = TLSConfig(ca, private_key=client_key, certificate_chain=client_certificate)
        yield server, {"tls": tls, "token": "secret"}


def test_who_has_certificate_and_token_is_answered_and_nobody_else(
    guarded: tuple[ModelServer, Mapping[str, Any]],
) -> None:
    server, known = guarded
    assert ask(server, **known) == ["v2:a"]
    with pytest.raises(InvalidInputError, match="bearer token"):
        ask(server, tls=known["tls"], token="guess")
    with pytest.raises(ServableUnavailableError):
        ask(server, tls=TLSConfig(known["tls"].root_certificates), token="secret")
    with pytest.raises(ServableUnavailableError):
        ask(server)


def test_rest_is_guarded_likewise(guarded: tuple[ModelServer, Mapping[str, Any]]) -> None:
    server, known = guarded
    tls = known["tls"]
    context = authority().client_context((tls.certificate_chain, tls.private_key))
    url = f"https://127.0.0.1:{server.rest_api_port}"
    with httpx.Client(verify=context, base_url=url) as client:
        status = "/v1/models/sentiment"
        assert client.get(status).status_code == 401
        bearer = {"Authorization": "Bearer secret"}
        assert client.get(status, headers=bearer).status_code == 200
        assert client.get("/readyz").status_code == 200
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{url}/readyz", verify=authority().client_context())


def test_more_than_the_server_takes_is_split_by_the_client_or_refused(
    guarded: tuple[ModelServer, Mapping[str, Any]],
) -> None:
    server, known = guarded
    with PredictClient(f"127.0.0.1:{server.port}", "sentiment", **known) as client:
        texts = [str(number) for number in range(8)]
        assert [p.label for p in client.predict(texts)] == [f"v2:{text}" for text in texts]
        with pytest.raises(InvalidInputError, match="at most 100 bytes"):
            client.predict(["a" * 101])
        with pytest.raises(ServableUnavailableError, match="larger than max"):
            client.predict(["a" * 20_000])


def test_requests_of_many_callers_are_computed_together(
    base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    run = SavedModelServable.run

    def watched(self: SavedModelServable, key: str, inputs: Any, **others: Any) -> Any:
        if key == "text":
            sizes.append(len(inputs["text"]))
        return run(self, key, inputs, **others)

    monkeypatch.setattr(SavedModelServable, "run", watched)
    # Nobody is answered before the batch is full.
    batching = BatchingParameters(max_batch_size=8, batch_timeout_micros=TIMEOUT_SECONDS * 10**6)
    with start(config_of(("sentiment", base_path)), batching=batching) as server:
        with (
            PredictClient(f"127.0.0.1:{server.port}", "sentiment") as client,
            ThreadPoolExecutor(8) as pool,
        ):
            answers = [pool.submit(client.predict, [str(number)]) for number in range(8)]
            assert [f.result()[0].label for f in answers] == [f"v2:{n}" for n in range(8)]
        assert sizes == [8]
        _, page = get(server, "/monitoring/prometheus/metrics")
        assert 'lstm_sentiment_executed_batch_size_sum{model_name="sentiment"} 8' in page
        runs = ':tensorflow:serving:runtime_latency_count{model_name="sentiment",API="Predict"'
        assert runs in page
        assert ':tensorflow:serving:request_count{model_name="sentiment",status="OK"} 8' in page


def test_a_server_that_drains_says_so_and_answers_what_it_has_begun(
    base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(config_of(("sentiment", base_path))) as server:
        is_held, release = hold_requests(monkeypatch)
        assert get(server, "/readyz")[0] == 200
        told, stop_rest = [], RestServer.stop

        def ask_and_stop(self: RestServer, grace_seconds: float) -> None:
            told.append(get(server, "/readyz")[0])
            release.set()
            stop_rest(self, grace_seconds)

        monkeypatch.setattr(RestServer, "stop", ask_and_stop)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask, server)
            assert is_held.wait(TIMEOUT_SECONDS)
            server.stop(TIMEOUT_SECONDS)
            assert answer.result(TIMEOUT_SECONDS) == ["v2:a"]
        assert told == [503]


def test_a_version_whose_folder_is_deleted_serves_on_until_it_is_let_go(
    base_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "sentiment"
    path.mkdir()
    copy_version(base_path / "1", path, 1)
    with start(config_of(("sentiment", path))) as server:
        (path / "1").rename(tmp_path / "gone")
        assert ask(server) == ["v1:a"]
        copy_version(base_path / "2", path, 2)
        server.poll_now()
        assert server.wait_until_settled(TIMEOUT_SECONDS)
        assert ask(server) == ["v2:a"]
        status, body = get(server, "/v1/models/sentiment")
        assert status == 200
        states = {v["version"]: v["state"] for v in json.loads(body)["model_version_status"]}
        assert states == {"2": "AVAILABLE", "1": "END"}
