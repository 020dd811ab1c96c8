"""Real servers that log requests: what was sent and answered is what the files hold."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.protocol.tensors import write_tensor
from lstm_sentiment.protocol.tfrecord import read_records
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.request_log.options import RequestLogOptions
from lstm_sentiment.serving.saved_model.saved_model import load_saved_model
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from lstm_sentiment.serving.warmup import run_warmup_requests
from tests.serving.fake_servables import array_of
from tests.serving.transports import Grpc, Question, Rest, example_of, filled, with_examples

SOON = 30.0  # for what must happen, on however busy a machine
EXAMPLES = ({"text": "好"}, {"text": "bad"})
QUESTIONS = [
    Question("Predict", signature="text", inputs={"text": ["好", "b"]}),
    Question("Predict", signature="tokens", inputs={"tokens": ["a b"]}, label="stable"),
    Question("Predict", inputs={"input_sentence": [[1, 2], [3, 4]]}, version=1),
    Question("Classify", signature="classify", examples=EXAMPLES),
    Question("Classify", signature="classify", examples=EXAMPLES, context={"hotel": "x"}),
    Question("Regress", signature="regress", examples=EXAMPLES),
]
KINDS = ["predict_log"] * 3 + ["classify_log"] * 2 + ["regress_log"]


def config_of(base_path: Path, prefix: Path | None, rate: float = 1.0) -> ModelServerConfig:
    logging = (
        f'logging_config {{ log_collector_config {{ type: "file" filename_prefix: "{prefix}" }} '
        f"sampling_config {{ sampling_rate: {rate} }} }}"
        if prefix is not None
        else ""
    )
    return parse_models_config(
        f'model_config_list {{ config {{ name: "sentiment" base_path: "{base_path}" '
        'model_platform: "tensorflow" '
        "model_version_policy { specific { versions: 1 versions: 2 } } "
        f'version_labels {{ key: "stable" value: 1 }} {logging} }} }}'
    )


def logged(folder: Path) -> list[Any]:
    """What TensorFlow reads of all files; our reader must find the same."""
    paths = sorted(folder.iterdir())
    theirs = list(tf.data.TFRecordDataset([str(path) for path in paths]).as_numpy_iterator())
    assert [record for path in paths for record in read_records(path)] == theirs
    return [prediction_log_pb2.PredictionLog.FromString(record) for record in theirs]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture(params=[None, BatchingParameters(batch_timeout_micros=0)], ids=["alone", "batched"])
def logging_server(
    base_path: Path, logs: Path, request: pytest.FixtureRequest
) -> Iterator[ModelServer]:
    options = ServerOptions(file_system_poll_wait_seconds=0, batching=request.param)
    config = config_of(base_path, logs / "requests")
    with ModelServer(config, options, port=0) as server:
        yield server


def message_of(question: Question) -> Any:
    if question.api == "Predict":
        request = filled(predict_pb2.PredictRequest(), question)
        for name, value in question.inputs.items():
            write_tensor(array_of(value), request.inputs[name])
        return request
    kinds = {
        "Classify": classification_pb2.ClassificationRequest,
        "Regress": regression_pb2.RegressionRequest,
    }
    return with_examples(kinds[question.api](), question)


def test_requests_over_grpc_and_their_answers_are_logged_as_they_were_sent(
    logging_server: ModelServer, logs: Path
) -> None:
    exchanges = []
    with grpc.insecure_channel(f"127.0.0.1:{logging_server.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for question in QUESTIONS:
            request = message_of(question)
            exchanges.append((request, getattr(stub, question.api)(request, timeout=SOON)))
        multi = inference_pb2.MultiInferenceRequest()
        task = multi.tasks.add(method_name="tensorflow/serving/regress")
        task.model_spec.name, task.model_spec.signature_name = "sentiment", "regress"
        multi.input.example_list.examples.append(example_of({"text": "好"}))
        exchanges.append((multi, stub.MultiInference(multi, timeout=SOON)))
    logging_server.stop()
    found = logged(logs)
    assert [log.WhichOneof("log_type") for log in found] == [*KINDS, "multi_inference_log"]
    for log, (request, response) in zip(found, exchanges, strict=True):
        part = getattr(log, log.WhichOneof("log_type"))
        assert (part.request, part.response) == (request, response)
        spec = log.log_metadata.model_spec
        answered = (
            response.results[0].model_spec
            if log.HasField("multi_inference_log")
            else response.model_spec
        )
        assert spec == answered
        assert log.log_metadata.sampling_config.sampling_rate == 1
        assert list(log.log_metadata.saved_model_tags) == ["serve"]
        assert log.log_metadata.timestamp_secs > 1_700_000_000


def test_requests_of_the_open_inference_protocol_are_logged_as_those_of_predict(
    logging_server: ModelServer, logs: Path
) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["好", "b"]}
    url = f"http://127.0.0.1:{logging_server.rest_api_port}"
    path = "/v2/models/sentiment/versions/stable/infer"
    with httpx.Client(base_url=url, timeout=SOON) as http:
        assert http.post(path, json={"inputs": [tensor]}).status_code == 200
    with grpc.insecure_channel(f"127.0.0.1:{logging_server.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = message_of(replace(QUESTIONS[0], label="stable"))
        response = stub.Predict(request, timeout=SOON)
    logging_server.stop()
    found = logged(logs)
    assert len(found) == 2
    for log in found:
        assert log.predict_log.request == request
        assert log.predict_log.response == response
        assert log.log_metadata.model_spec == response.model_spec


def test_requests_over_rest_are_logged_as_the_messages_they_are(
    logging_server: ModelServer, logs: Path
) -> None:
    url = f"http://127.0.0.1:{logging_server.rest_api_port}"
    with (
        httpx.Client(base_url=url, timeout=SOON) as http,
        grpc.insecure_channel(f"127.0.0.1:{logging_server.port}") as channel,
    ):
        rest, by_grpc = Rest(http), Grpc(channel)
        for question in QUESTIONS:
            rest.ask(question)
            by_grpc.ask(question)
    logging_server.stop()
    found = logged(logs)
    assert [log.WhichOneof("log_type") for log in found[::2]] == KINDS
    for question, rest_log, grpc_log in zip(QUESTIONS, found[::2], found[1::2], strict=True):
        kind = rest_log.WhichOneof("log_type")
        assert getattr(rest_log, kind).request == message_of(question)
        assert getattr(rest_log, kind).response == getattr(grpc_log, kind).response
        assert rest_log.log_metadata.model_spec == grpc_log.log_metadata.model_spec


def test_what_was_refused_is_not_logged(logging_server: ModelServer, logs: Path) -> None:
    url = f"http://127.0.0.1:{logging_server.rest_api_port}"
    with (
        httpx.Client(base_url=url, timeout=SOON) as http,
        grpc.insecure_channel(f"127.0.0.1:{logging_server.port}") as channel,
    ):
        wrong = Question("Predict", signature="text", inputs={"other": ["好"]})
        assert http.post(wrong.path(), json=wrong.body()).status_code == 400
        with pytest.raises(grpc.RpcError):
            Grpc(channel).ask(wrong)
        Grpc(channel).ask(Question("GetModelMetadata"))
        Grpc(channel).ask(QUESTIONS[0])
    logging_server.stop()
    assert len(logged(logs)) == 1


def test_a_log_warms_a_version_up(
    logging_server: ModelServer, logs: Path, saved_versions: dict[int, Path]
) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{logging_server.port}") as channel:
        for question in QUESTIONS[:5]:
            Grpc(channel).ask(question)
    logging_server.stop()
    (log,) = logs.iterdir()
    servable = load_saved_model(saved_versions[3])
    ran: list[str] = []
    run = servable.run

    def noted(signature_key: str, *args: Any, **kwargs: Any) -> Any:
        ran.append(signature_key)
        return run(signature_key, *args, **kwargs)

    vars(servable)["run"] = noted
    assert run_warmup_requests(servable, log) == 5
    assert ran == ["text", "tokens", "serving_default", "classify", "classify"]
    once, ran[:] = [*ran], []
    assert run_warmup_requests(servable, log, iterations=2) == 5
    assert ran == [key for key in once for _ in range(2)]
    servable.close()


def test_a_reload_switches_the_log_on_and_off(base_path: Path, logs: Path) -> None:
    options = ServerOptions(file_system_poll_wait_seconds=0)
    off = config_of(base_path, None)
    with ModelServer(off, options, port=0) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            client = Grpc(channel)
            assert server.state()["request_log"] == []
            for number in range(2):
                client.ask(QUESTIONS[0])
                server.reload(config_of(base_path, logs / "requests"))
                client.ask(QUESTIONS[0])
                (report,) = server.state()["request_log"]
                assert (report["model"], report["sampling_rate"]) == ("sentiment", 1.0)
                server.reload(off)
                assert len(logged(logs)) == number + 1
        page = httpx.get(
            f"http://127.0.0.1:{server.rest_api_port}/monitoring/prometheus/metrics"
        ).text
    of_model = 'model_name="sentiment"'
    assert f':tensorflow:serving:request_log_count{{{of_model},status_code="OK"}} 2\n' in page
    size = sum(path.stat().st_size for path in logs.iterdir())
    assert f"lstm_sentiment_request_log_bytes_total{{{of_model}}} {size}\n" in page
    assert "request_log_stops_total" not in page


def test_a_log_that_cannot_be_is_refused_and_what_was_served_goes_on(
    base_path: Path, logs: Path, tmp_path: Path
) -> None:
    absent = config_of(base_path, tmp_path / "absent" / "requests")
    with pytest.raises(ConfigError, match=r"^models\.config: the folder of filename_prefix must"):
        ModelServer(absent, port=0)
    unknown = config_of(base_path, logs / "requests")
    unknown.model_config_list.config[0].logging_config.log_collector_config.type = "kafka"
    with pytest.raises(ConfigError, match="Received: type='kafka' for model 'sentiment'"):
        ModelServer(unknown, port=0)
    options = ServerOptions(file_system_poll_wait_seconds=0)
    with ModelServer(config_of(base_path, logs / "requests"), options, port=0) as server:
        for config in (absent, unknown):
            with pytest.raises(InvalidInputError, match=r"^config: the (folder|type) of"):
                server.reload(config)
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            Grpc(channel).ask(QUESTIONS[0])
    assert len(logged(logs)) == 1


def test_files_end_at_the_size_that_the_server_is_given(base_path: Path, logs: Path) -> None:
    options = ServerOptions(
        file_system_poll_wait_seconds=0, request_log=RequestLogOptions(max_bytes=1)
    )
    with (
        ModelServer(config_of(base_path, logs / "requests"), options, port=0) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        for _ in range(3):
            Grpc(channel).ask(QUESTIONS[0])
    assert len([*logs.iterdir()]) == len(logged(logs)) == 3
