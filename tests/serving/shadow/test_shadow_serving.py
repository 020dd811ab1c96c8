"""Real servers whose requests a shadow version answers too."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.protocol.dtypes import STRING
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.protocol.tensors import write_tensor
from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.monitoring.access_log import AccessLog
from lstm_sentiment.serving.monitoring.config import MonitoringConfig
from lstm_sentiment.serving.servable import ManagerState, Signature, TensorInfo
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from lstm_sentiment.serving.shadow.drawn_texts import ShadowQuestion
from lstm_sentiment.serving.shadow.managed import asking_shadow
from lstm_sentiment.serving.shadow.options import ShadowOptions
from tests.serving.fake_servables import FakeServable, array_of

SOON = 30.0  # for what must happen, on however busy a machine
SHADOW = ShadowOptions(to="canary", of="stable", share=1.0)


def config_of(base_path: Path, *names: str, canary: int = 2) -> ModelServerConfig:
    blocks = "\n".join(
        f'config {{ name: "{name}" base_path: "{base_path}" model_platform: "tensorflow" '
        "model_version_policy { specific { versions: 1 versions: 2 } } "
        'version_labels { key: "stable" value: 1 } '
        f'version_labels {{ key: "canary" value: {canary} }} }}'
        for name in names or ("sentiment",)
    )
    return parse_models_config(f"model_config_list {{ {blocks} }}")


@pytest.fixture(params=[None, BatchingParameters(batch_timeout_micros=0)], ids=["alone", "batched"])
def shadowed(base_path: Path, request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    """A server of versions 1 and 2 with a shadow version, each request alone or in batches."""
    options = ServerOptions(file_system_poll_wait_seconds=0, batching=request.param, shadow=SHADOW)
    with ModelServer(config_of(base_path), options, port=0) as server:
        yield server


def wire_answers(server: ModelServer) -> list[bytes]:
    """What a server answers to each kind of request, byte by byte, errors included."""
    answers = []
    inputs: dict[str, dict[str, Any]] = {
        "text": {"text": ["好", "b"]},
        "tokens": {"tokens": ["a b"]},
        "serving_default": {"input_sentence": [[1, 2], [3, 4]]},
        "explain": {"text": ["ab"]},
        "unknown": {"text": ["a"]},
    }
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for key, arrays in inputs.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = "sentiment", key
            request.model_spec.version_label = "stable"
            for name, value in arrays.items():
                write_tensor(array_of(value), request.inputs[name])
            try:
                response = stub.Predict(request, timeout=SOON)
                answers.append(response.SerializeToString(deterministic=True))
            except grpc.RpcError as error:
                answers.append(f"{error.code()} {error.details()}".encode())
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_api_port}", timeout=SOON) as http:
        path = "/v1/models/sentiment/labels/stable"
        for key, columns in inputs.items():
            body = {"signature_name": key, "inputs": columns}
            response = http.post(f"{path}:predict", json=body)
            answers.append(f"{response.status_code} {response.text}".encode())
        examples = {"signature_name": "classify", "examples": [{"text": "好"}, {"text": "b"}]}
        response = http.post(f"{path}:classify", json=examples)
        answers.append(f"{response.status_code} {response.text}".encode())
    return answers


def told(server: ModelServer) -> dict[str, Any]:
    response = httpx.get(f"http://127.0.0.1:{server.rest_api_port}/state")
    (found,) = response.json()["shadow"]
    return dict(found)


def settled(server: ModelServer, sampled: int) -> dict[str, Any]:
    """What is told once all texts that were drawn have come to something."""
    assert server.wait_until_settled(SOON)
    report = told(server)
    assert report["compared"] + report["failed"] + report["dropped"] == sampled
    assert report["sampled"] == sampled
    return report


def test_answers_are_the_same_with_and_without(shadowed: ModelServer, server: ModelServer) -> None:
    assert wire_answers(shadowed) == wire_answers(server)
    # Texts, tokens and ids by gRPC and by REST, and examples: all but `explain` and the error.
    report = settled(shadowed, sampled=12)
    assert (report["compared"], report["failed"]) == (12, 0)
    # A label of these models tells its version; ids are classed alike.
    assert report["agreed"] == 4
    assert all("text" not in found for found in report["recent_disagreements"])
    # Nobody asked the shadow version, as far as anybody is told.
    (model,) = shadowed.state()["models"]
    assert {v["version"]: v["requests"] for v in model["versions"]}[2] == 0
    page = httpx.get(
        f"http://127.0.0.1:{shadowed.rest_api_port}/monitoring/prometheus/metrics"
    ).text
    labels = 'model_name="sentiment",version="1",shadow_version="2"'
    assert f'lstm_sentiment_shadow_texts_total{{{labels},outcome="agreed"}} 4\n' in page
    assert f'lstm_sentiment_shadow_texts_total{{{labels},outcome="disagreed"}} 8\n' in page
    assert 'request_count{model_name="sentiment",status="OK"} 9\n' in page
    assert server.state()["shadow"] == []


def test_a_shadow_version_that_goes_and_comes_back_is_followed(base_path: Path) -> None:
    config = config_of(base_path)
    with (
        open("/dev/null", "w") as nowhere,
        ModelServer(
            config,
            ServerOptions(
                file_system_poll_wait_seconds=0,
                shadow=ShadowOptions(to="canary", share=1.0),
                access_log=AccessLog(nowhere, as_json=True, with_texts=True),
            ),
            port=0,
        ) as server,
        PredictClient(f"127.0.0.1:{server.port}", "sentiment", version=1) as client,
    ):
        client.predict(["a"])
        report = settled(server, sampled=1)
        assert [found["text"] for found in report["recent_disagreements"]] == ["a"]
        # Nothing holds it.
        del config.model_config_list.config[0].version_labels["canary"]
        del config.model_config_list.config[0].model_version_policy.specific.versions[1]
        server.reload(config)
        assert server.wait_until_settled(SOON)
        assert [(s.id.version, s.state) for s in server.states()] == [
            (2, ManagerState.END),
            (1, ManagerState.AVAILABLE),
        ]
        client.predict(["b"])
        assert settled(server, sampled=2)["failed"] == 1
        page = httpx.get(
            f"http://127.0.0.1:{server.rest_api_port}/monitoring/prometheus/metrics"
        ).text
        assert 'shadow_version="2"' not in page
        assert 'version="1",shadow_version="",outcome="failed"} 1\n' in page
        server.reload(config_of(base_path))
        client.predict(["c"])
        report = settled(server, sampled=3)
        assert (report["compared"], report["failed"]) == (2, 1)


@pytest.mark.parametrize(
    ("names", "options", "received"),
    [
        (("sentiment", "hotel"), ShadowOptions(to=2), "Received: none."),
        (("sentiment",), ShadowOptions(to=2, model_name="hotel"), "Received: 'hotel'."),
    ],
)
def test_a_server_must_know_which_model(
    base_path: Path, names: tuple[str, ...], options: ShadowOptions, received: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        ModelServer(config_of(base_path, *names), ServerOptions(shadow=options), port=0)
    assert str(caught.value).endswith(received)
    assert "'sentiment'" in str(caught.value)


class OneLoader:
    """Loads what a test made."""

    engine = None

    def __init__(self, servable: Any) -> None:
        self._servable = servable

    def estimate_bytes(self) -> int:
        return 0

    def load(self) -> Any:
        return self._servable

    def unload(self) -> None:
        pass


def test_the_shadow_version_is_asked_past_the_line_for_batches_and_let_go() -> None:
    scheduler = BatchScheduler(BatchingParameters())  # never started: who waits for it waits
    servable = FakeServable().add("text", {"label": ["good"]}, inputs=("text",))
    row = TensorInfo(STRING, (None,))
    servable.signatures["text"] = Signature("text", {"text": row}, {"label": row})
    version = ServableId("sentiment", 2)
    manager = Manager(lambda id, path: OneLoader(BatchingServable(servable, version, scheduler)))
    manager.start()
    try:
        manager.set_aspired_versions("sentiment", {2: Path("2")})
        assert manager.wait_until_settled(SOON)
        ask = asking_shadow(manager)
        answer = ask(ShadowQuestion(version, "text", False, {"text": array_of(["a"])}))
        assert isinstance(answer, dict) and answer["label"].tolist() == [b"good"]
        manager.set_aspired_versions("sentiment", {})
        assert manager.wait_until(
            lambda: [state.state for state in manager.states("sentiment")] == [ManagerState.END],
            SOON,
        )
        with pytest.raises(ServableNotFoundError):
            ask(ShadowQuestion(version, "text", False, {"text": array_of(["a"])}))
    finally:
        manager.stop()


def test_without_metrics_agreement_is_told_all_the_same(base_path: Path) -> None:
    options = ServerOptions(
        file_system_poll_wait_seconds=0,
        batching=BatchingParameters(batch_timeout_micros=0),
        monitoring=MonitoringConfig(enable=False),
        shadow=SHADOW,
    )
    with ModelServer(config_of(base_path), options, port=0) as server:
        address = f"127.0.0.1:{server.port}"
        with PredictClient(address, "sentiment", version_label="stable") as client:
            client.predict(["a"])
        assert settled(server, sampled=1)["compared"] == 1
        page = f"http://127.0.0.1:{server.rest_api_port}/monitoring/prometheus/metrics"
        assert httpx.get(page).status_code == 404
    # It ends with the server.
    assert "shadow" not in {thread.name for thread in threading.enumerate()}
