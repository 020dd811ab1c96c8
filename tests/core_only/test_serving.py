"""A server in a process of its own, asked by the clients and over REST."""

import asyncio
import json
import time
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import lstm_sentiment as ls
from lstm_sentiment.models_config.config import parse_models_config
from tests.core_only.running import Command, Server


def client(server: Server, model: str = "sentiment", **choice: Any) -> ls.PredictClient:
    return ls.PredictClient(server.address, model=model, **choice)


def check(found: list[Any], wanted: list[dict[str, Any]]) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert one.probabilities == pytest.approx(other["probabilities"], abs=1e-5)
        assert one.label == other["label"]


def until(condition: Callable[[], bool]) -> None:
    """Asks a server until it has done what it does in the background, half a minute at most."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end


@pytest.mark.parametrize(
    ("model", "choice", "name"),
    [
        ("sentiment", {"version": 1}, "sentiment-1"),
        ("sentiment", {"version_label": "stable"}, "sentiment-1"),
        ("sentiment", {}, "sentiment-2"),
        ("letters", {}, "letters-1"),
    ],
)
def test_the_client_gets_what_tensorflow_answers(
    server: Server,
    texts: list[str],
    expected: dict[str, Any],
    model: str,
    choice: dict[str, Any],
    name: str,
) -> None:
    with client(server, model, **choice) as asked:
        check(asked.predict(texts), expected[name]["predictions"])
        check(asked.classify(texts), expected[name]["predictions"])
        explained = asked.explain(texts)
        check(explained, expected[name]["explanations"])
        tokens = [" ".join(one.tokens) for one in explained]
        of_tokens = asked.predict(tokens, signature="tokens")
        assert {one.model_version for one in of_tokens} == {int(name[-1])}
        [scored] = asked.predict_ids([[2, 3, 4]])
        assert len(scored.predict_scores) == 3


def test_batched_callers_get_their_own_answers(
    server: Server, texts: list[str], expected: dict[str, Any]
) -> None:
    wanted = expected["sentiment-1"]["predictions"]
    with client(server, version=1) as asked, ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda text: asked.predict([text])[0], texts * 3))
    check(answers, wanted * 3)


def test_the_asynchronous_client(
    server: Server, texts: list[str], expected: dict[str, Any]
) -> None:
    async def ask() -> list[ls.Prediction]:
        async with ls.AsyncPredictClient(server.address, model="letters") as asked:
            return await asked.predict(texts)

    check(asyncio.run(ask()), expected["letters-1"]["predictions"])


def test_metadata_and_errors(server: Server) -> None:
    with client(server) as asked:
        signatures = asked.metadata()
        assert {"serving_default", "text", "tokens", "classify", "explain"} <= set(signatures)
        assert signatures["text"].inputs["text"].dtype == "string"
        assert sorted(status.version for status in asked.model_status()) == [1, 2]
    with client(server, version=9) as asked, pytest.raises(ls.ServableNotFoundError):
        asked.predict(["好"])


def test_rest(server: Server, texts: list[str], expected: dict[str, Any]) -> None:
    path = "/v1/models/sentiment/versions/1"
    answer = server.post(f"{path}:predict", {"signature_name": "text", "instances": texts})
    for one, wanted in zip(
        answer["predictions"], expected["sentiment-1"]["predictions"], strict=True
    ):
        assert one["probabilities"] == pytest.approx(wanted["probabilities"], abs=1e-5)
    examples = {"signature_name": "classify", "examples": [{"text": "房间很干净"}]}
    [classes] = server.post("/v1/models/letters:classify", examples)["results"]
    assert len(classes) == 3
    metadata = json.loads(server.get("/v1/models/sentiment/metadata"))
    assert "text" in metadata["metadata"]["signature_def"]["signature_def"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        server.get("/v1/models/none")


def test_pages_and_metrics(server: Server) -> None:
    assert (server.get("/healthz"), server.get("/readyz")) == ("ok\n", "ready\n")
    assert "<title>" in server.get("/")
    with client(server, version=1) as asked:
        asked.predict(["房间很干净"])
    assert {model["name"] for model in json.loads(server.get("/state"))["models"]} == {
        "sentiment",
        "letters",
    }
    metrics = server.get("/metrics")
    assert ":tensorflow:serving:request_count" in metrics
    # The signature text_statistics answers too.
    until(lambda: 'version="1"' in server.get("/metrics"))


def test_health_and_reflection(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        health = stub.Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.SERVING


def test_the_shadow_version_is_compared(server: Server, run: Command) -> None:
    with client(server, version_label="stable") as asked:
        asked.predict(["房间很干净", "太差了"])

    def compared() -> bool:
        ended = run("models", "shadow", "--rest-api", f"localhost:{server.rest_port}", "--json")
        assert ended.returncode == 0, ended.stderr
        return bool(json.loads(ended.stdout)["pairs"])

    until(compared)


def test_labels_are_moved_on_the_running_server(server: Server, run: Command) -> None:
    files = ["--model-config-file", server.config_file, "--model-name", "sentiment"]
    flags = [*files, "--server", server.address]
    for version in (2, 1):
        moved = run("models", "label", "stable", version, *flags)
        assert moved.returncode == 0, moved.stderr
        with client(server, version_label="stable") as asked:
            assert asked.predict(["好"])[0].model_version == version
    status = run("models", "status", *flags, "--json")
    assert status.returncode == 0, status.stderr


def test_a_reload_unloads_and_loads_versions(server: Server) -> None:
    text = server.config_file.read_text()
    whole = parse_models_config(text)
    config = parse_models_config(text.replace("versions: 1 versions: 2", "versions: 1"))
    with ls.RunningServer(server.address) as running, client(server) as asked:
        lines = server.log.count()
        running.reload(config)
        server.log.wait_for("sentiment version 2: UNLOADING", lines)
        assert asked.predict(["好"])[0].model_version == 1
        running.reload(whole)
        server.log.wait_for("sentiment version 2: AVAILABLE", lines)
        assert asked.predict(["好"])[0].model_version == 2
