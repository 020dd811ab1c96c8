"""One table: what TensorFlow Serving answers to a question, over either transport."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import grpc
import httpx
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from lstm_sentiment.serving.server import ModelServer


@dataclass(frozen=True)
class Question:
    """The same for both; texts are sent as the input `text`, or as examples."""

    api: str
    model: str = "sentiment"
    version: int | None = None
    label: str | None = None
    signature: str = ""
    texts: tuple[str, ...] = ("好", "bad")

    def fill(self, request: Any) -> Any:
        request.model_spec.name = self.model
        request.model_spec.signature_name = self.signature
        if self.version is not None:
            request.model_spec.version.value = self.version
        if self.label is not None:
            request.model_spec.version_label = self.label
        return request

    def fill_examples(self, request: Any) -> Any:
        for text in self.texts:
            example = request.input.example_list.examples.add()
            example.features.feature["text"].bytes_list.value.append(text.encode())
        return self.fill(request)

    def path(self) -> str:
        verb = {"Predict": ":predict", "Classify": ":classify", "Regress": ":regress"}
        choice = "" if self.version is None else f"/versions/{self.version}"
        choice += "" if self.label is None else f"/labels/{self.label}"
        suffix = "/metadata" if self.api == "GetModelMetadata" else verb.get(self.api, "")
        return f"/v1/models/{self.model}{choice}{suffix}"

    def body(self) -> dict[str, Any]:
        named = {"signature_name": self.signature} if self.signature else {}
        if self.api == "Predict":
            return {**named, "inputs": {"text": list(self.texts)}}
        return {**named, "examples": [{"text": text} for text in self.texts]}


@pytest.fixture(scope="module")
def channel(server: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


@pytest.fixture(scope="module")
def http(server: ModelServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_api_port}", timeout=30) as client:
        yield client


def over_grpc(channel: grpc.Channel, question: Question) -> Any:
    prediction: Any = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    model: Any = model_service_pb2_grpc.ModelServiceStub(channel)
    match question.api:
        case "Predict":
            request = question.fill(predict_pb2.PredictRequest())
            request.inputs["text"].CopyFrom(tf.make_tensor_proto(list(question.texts)))
            return prediction.Predict(request, timeout=30)
        case "Classify":
            request = question.fill_examples(classification_pb2.ClassificationRequest())
            return prediction.Classify(request, timeout=30)
        case "Regress":
            request = question.fill_examples(regression_pb2.RegressionRequest())
            return prediction.Regress(request, timeout=30)
        case "GetModelMetadata":
            request = question.fill(get_model_metadata_pb2.GetModelMetadataRequest())
            request.metadata_field.append("signature_def")
            return prediction.GetModelMetadata(request, timeout=30)
        case _:
            request = question.fill(get_model_status_pb2.GetModelStatusRequest())
            return model.GetModelStatus(request, timeout=30)


def over_rest(http: httpx.Client, question: Question) -> httpx.Response:
    if question.api.startswith("Get"):
        return http.get(question.path())
    return http.post(question.path(), json=question.body())


APIS = ("Predict", "Classify", "Regress", "GetModelMetadata")
NOT_FOUND = [
    (Question(api, **choice), "NOT_FOUND", f"Servable not found for request: {request}", None)
    for api in APIS
    for choice, request in (
        ({"model": "m"}, "Latest(m)"),
        ({"version": 9}, "Specific(sentiment, 9)"),
    )
]
NO_LABEL = [
    (Question(api, label="x"), "INVALID_ARGUMENT", "Unrecognized servable version label: x", None)
    for api in (*APIS, "GetModelStatus")
]
REFUSALS: list[tuple[Question, str, str, str | None]] = [
    *NOT_FOUND,
    *NO_LABEL,
    (
        Question("GetModelStatus", model="m"),
        "NOT_FOUND",
        "Could not find any versions of model m",
        None,
    ),
    (
        Question("GetModelStatus", version=9),
        "NOT_FOUND",
        "Could not find version 9 of model sentiment",
        None,
    ),
    (
        Question("Predict", signature="x"),
        "FAILED_PRECONDITION",
        'Serving signature key "x" not found.',
        # REST looks for the signature itself, to read the JSON by it.
        'Serving signature name: "x" not found in signature def',
    ),
    (
        Question("Classify", signature="x"),
        "INVALID_ARGUMENT",
        "No signature was found with the name: x",
        None,
    ),
    (
        Question("Regress", signature="x"),
        "INVALID_ARGUMENT",
        "No signature was found with the name: x",
        None,
    ),
    (
        Question("Regress", signature="classify"),
        "INVALID_ARGUMENT",
        "Expected one output Tensor.",
        None,
    ),
    (
        Question("Classify", signature="regress"),
        "INVALID_ARGUMENT",
        'Expected classification signature outputs to contain at least one of "classes" or '
        '"scores". Signature was: inputs {inputs} outputs {outputs}',
        None,
    ),
    (
        Question("Predict", signature="tokens"),
        "INVALID_ARGUMENT",
        "input size does not match signature: 1!=1 len({text}) != len({tokens}). Sent extra: "
        "{text}. Missing but required: {tokens}.",
        "Missing named input: tokens in 'inputs' object.",
    ),
]
HTTP_STATUSES = {"NOT_FOUND": 404, "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400}


@pytest.mark.parametrize(("question", "code", "message", "rest_message"), REFUSALS)
def test_a_question_is_refused_alike_over_both(
    channel: grpc.Channel,
    http: httpx.Client,
    question: Question,
    code: str,
    message: str,
    rest_message: str | None,
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        over_grpc(channel, question)
    assert (caught.value.code().name, caught.value.details()) == (code, message)
    response = over_rest(http, question)
    assert response.status_code == HTTP_STATUSES[code]
    assert response.json() == {"error": rest_message or message}


@pytest.mark.parametrize(
    ("choice", "version"),
    [({}, 2), ({"version": 1}, 1), ({"label": "stable"}, 1), ({"label": "canary"}, 2)],
)
def test_a_question_is_answered_alike_over_both(
    channel: grpc.Channel, http: httpx.Client, choice: dict[str, Any], version: int
) -> None:
    predict = Question("Predict", signature="text", **choice)
    labels = [f"v{version}:好", f"v{version}:bad"]
    outputs = over_grpc(channel, predict).outputs
    assert [label.decode() for label in outputs["label"].string_val] == labels
    assert over_rest(http, predict).json()["outputs"]["label"] == labels

    classify = replace(predict, api="Classify", signature="classify")
    found = over_grpc(channel, classify).result.classifications
    pairs = [[[each.label, each.score] for each in row.classes] for row in found]
    assert over_rest(http, classify).json() == {"results": pairs}
    assert [row[0] for row in pairs] == [[label, version] for label in labels]

    regress = replace(predict, api="Regress", signature="regress")
    values = [each.value for each in over_grpc(channel, regress).result.regressions]
    assert over_rest(http, regress).json() == {"results": values}
    assert values == [version + 1 / 8, version + 3 / 8]


@pytest.mark.parametrize("choice", [{}, {"version": 1}, {"label": "stable"}])
def test_a_model_is_described_alike_over_both(
    channel: grpc.Channel, http: httpx.Client, choice: dict[str, Any]
) -> None:
    status = Question("GetModelStatus", **choice)
    document = json_format.MessageToDict(
        over_grpc(channel, status), always_print_fields_with_no_presence=True
    )
    assert over_rest(http, status).json() == json.loads(json.dumps(document))

    metadata = Question("GetModelMetadata", **choice)
    response = over_grpc(channel, metadata)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    told = over_rest(http, metadata).json()
    assert told["model_spec"]["version"] == str(response.model_spec.version.value)
    parsed = json_format.ParseDict(
        told["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap()
    )
    assert parsed == signatures
