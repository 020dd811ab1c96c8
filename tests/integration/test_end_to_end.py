"""Texts to answers over the wire: real training, real SavedModels, real sockets.

The requests are written with the stubs of tensorflow-serving-api and with plain HTTP, as a client
that knows nothing of this package would write them.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from lstm_sentiment import (
    Corpus,
    FitResult,
    ModelConfig,
    ModelServer,
    PredictClient,
    SavedModelPredictor,
    ServerOptions,
    TrainingConfig,
    export_servable,
    fit,
)
from lstm_sentiment.version_folder import WARMUP_REQUESTS
from tests.conftest import REPOSITORY
from tests.saved_model_session import SavedModelSession

TEXTS = ["房间很干净，服务非常好", "早餐真的差", "", "位置 一般😀", "前台特别脏" * 40]
WHOLE_EXPORTS = True
RECIPE_LENGTH = 50
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def second(fitted: FitResult, corpus: Corpus) -> FitResult:
    """A second classifier of the same words, of another shape and with other scores."""
    train, dev, _ = corpus.split(seed=0)
    return fit(
        train,
        dev,
        tokenizer=fitted.tokenizer,
        model=ModelConfig(lstm_units=4, bidirectional=False, pooling="last", ngrams=0),
        training=TrainingConfig(cross_validation="off", epochs=1, batch_size=16),
    )


@pytest.fixture(scope="module")
def base_path(
    fitted: FitResult, second: FitResult, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    assert [export_servable(result, path).name for result in (fitted, second)] == ["1", "2"]
    (path / "2" / WARMUP_REQUESTS).unlink()  # that the first is warmed up with them is enough
    return path


@pytest.fixture(scope="module")
def predictors(base_path: Path) -> dict[int, SavedModelPredictor]:
    return {version: SavedModelPredictor(base_path / str(version)) for version in (1, 2)}


@pytest.fixture(scope="module")
def sessions(base_path: Path) -> dict[int, SavedModelSession]:
    return {version: SavedModelSession(base_path / str(version)) for version in (1, 2)}


@pytest.fixture(scope="module")
def server(base_path: Path) -> Iterator[ModelServer]:
    """The committed models.config, its base path moved as the README says."""
    stock = (REPOSITORY / "serving_configs" / "models.config").read_text("utf-8")
    config = base_path.parent / "models.config"
    config.write_text(stock.replace('"/models/sentiment"', f'"{base_path}"'), "utf-8")
    with ModelServer(config, port=0, rest_api_port=0) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


@pytest.fixture(scope="module")
def rest(server: ModelServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_api_port}/v1/models") as client:
        yield client


def ask(channel: grpc.Channel, signature: str, value: Any, **spec: Any) -> dict[str, Any]:
    """One Predict call, with the signature's only input."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "sentiment"
    request.model_spec.signature_name = signature
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    if "label" in spec:
        request.model_spec.version_label = spec["label"]
    name = "input_sentence" if signature == "serving_default" else signature
    request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    response = stub.Predict(request, timeout=30)
    outputs = {key: tf.make_ndarray(proto) for key, proto in response.outputs.items()}
    return {**outputs, "answered by": response.model_spec.version.value}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("signature", ["text", "tokens"])
def test_local_session_grpc_and_rest_agree(
    fitted: FitResult,
    predictors: dict[int, SavedModelPredictor],
    sessions: dict[int, SavedModelSession],
    channel: grpc.Channel,
    rest: httpx.Client,
    version: int,
    signature: str,
) -> None:
    segment = fitted.tokenizer.tokenize
    texts = TEXTS if signature == "text" else [" ".join(segment(text)) for text in TEXTS]
    local = predictors[version].predict(texts, signature=signature)
    expected = np.array([prediction.probabilities for prediction in local])

    values = np.array([text.encode() for text in texts], dtype=object)
    in_session = sessions[version].run(signature, values)
    over_grpc = ask(channel, signature, values, version=version)
    body = {"signature_name": signature, "instances": texts}
    over_rest = rest.post(f"/sentiment/versions/{version}:predict", json=body).json()

    assert over_grpc["answered by"] == version
    rows = over_rest["predictions"]
    for probabilities in (
        in_session["probabilities"],
        over_grpc["probabilities"],
        [row["probabilities"] for row in rows],
    ):
        np.testing.assert_allclose(probabilities, expected, atol=TOLERANCE)
    labels = [prediction.label for prediction in local]
    assert [label.decode() for label in over_grpc["label"]] == labels
    assert [row["label"] for row in rows] == labels


def test_the_recipes_client_gets_the_recipes_answer(
    fitted: FitResult, channel: grpc.Channel, rest: httpx.Client
) -> None:
    """Ids as int64, padded to 50 on the left by Keras, one sentence and 129 in one request."""
    words = (fitted.tokenizer.vocabulary.token_to_id(w) for w in ("房间", "很", "干净"))
    sentence = keras.utils.pad_sequences([list(words)], maxlen=RECIPE_LENGTH).astype(np.int64)
    one = ask(channel, "serving_default", sentence, version=1)
    label = fitted.label_names[int(one["predict_classification"][0])]
    assert label == "positive"
    by_text = ask(channel, "text", np.array(["房间很干净"], object), version=1)
    np.testing.assert_allclose(
        keras.ops.softmax(one["predict_scores"] / fitted.temperature),
        by_text["probabilities"],
        atol=TOLERANCE,
    )

    many = ask(channel, "serving_default", np.repeat(sentence, 129, axis=0), version=1)
    assert many["predict_scores"].shape == (129, 3)
    np.testing.assert_allclose(many["predict_scores"], np.repeat(one["predict_scores"], 129, 0))

    body = {"instances": sentence.tolist()}
    (row,) = rest.post("/sentiment/versions/1:predict", json=body).json()["predictions"]
    np.testing.assert_allclose(row["predict_scores"], one["predict_scores"][0], atol=TOLERANCE)


def test_ids_sent_as_int32_are_refused(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        ask(channel, "serving_default", np.array([[5, 6]], np.int32))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_an_id_beyond_the_vocabulary_is_refused(channel: grpc.Channel, fitted: FitResult) -> None:
    beyond = np.array([[len(fitted.tokenizer.vocabulary)]], np.int64)
    with pytest.raises(grpc.RpcError) as raised:
        ask(channel, "serving_default", beyond)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_versions_are_found_by_number_by_label_and_by_being_the_latest(
    channel: grpc.Channel, rest: httpx.Client
) -> None:
    text = np.array(["位置有点一般"], object)
    by_number = {v: ask(channel, "text", text, version=v)["probabilities"] for v in (1, 2)}
    assert np.abs(by_number[1] - by_number[2]).max() > 1e-3
    stable, latest = ask(channel, "text", text, label="stable"), ask(channel, "text", text)
    assert (stable["answered by"], latest["answered by"]) == (1, 2)
    np.testing.assert_array_equal(stable["probabilities"], by_number[1])

    body = {"signature_name": "text", "inputs": ["位置有点一般"]}
    outputs = rest.post("/sentiment/labels/stable:predict", json=body).json()["outputs"]
    np.testing.assert_allclose(outputs["probabilities"], by_number[1], atol=TOLERANCE)


def test_status_over_grpc_and_rest(channel: grpc.Channel, rest: httpx.Client) -> None:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "sentiment"
    response = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request)
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert {s.version: s.state for s in response.model_version_status} == {
        1: available,
        2: available,
    }
    statuses = rest.get("/sentiment").json()["model_version_status"]
    assert {s["version"]: s["state"] for s in statuses} == {"1": "AVAILABLE", "2": "AVAILABLE"}


def test_our_client_asks_for_129_texts_in_one_request(
    server: ModelServer, predictors: dict[int, SavedModelPredictor]
) -> None:
    texts = [TEXTS[i % len(TEXTS)] for i in range(129)]
    with PredictClient(
        f"localhost:{server.port}", model="sentiment", version_label="stable"
    ) as client:
        answers = client.predict(texts)
    local = predictors[1].predict(texts)
    assert [a.label for a in answers] == [p.label for p in local]
    assert {a.model_version for a in answers} == {1}
    np.testing.assert_allclose(
        [a.probabilities for a in answers], [p.probabilities for p in local], atol=TOLERANCE
    )


def test_a_version_exported_while_serving_takes_over(base_path: Path, tmp_path: Path) -> None:
    from lstm_sentiment.models_config.config import single_model_config
    from lstm_sentiment.serving.servable import ManagerState

    base = tmp_path / "sentiment"
    for version_dir in base_path.iterdir():  # what it is warmed up with takes longer than the test
        shutil.copytree(version_dir, tmp_path / version_dir.name)
        (tmp_path / version_dir.name / WARMUP_REQUESTS).unlink(missing_ok=True)
    base.mkdir()
    (tmp_path / "1").rename(base / "1")
    config = single_model_config("sentiment", base)
    with (
        ModelServer(
            config, ServerOptions(file_system_poll_wait_seconds=0.05), port=0, rest_api_port=None
        ) as server,
        PredictClient(f"localhost:{server.port}", model="sentiment") as client,
    ):
        assert client.predict(["房间很好"])[0].model_version == 1
        (tmp_path / "2").rename(base / "2")  # as an export does in the end
        swapped = [ManagerState.AVAILABLE, ManagerState.END]
        assert server.wait_until(lambda states: [s.state for s in states] == swapped, 60)
        assert client.predict(["房间很好"])[0].model_version == 2
