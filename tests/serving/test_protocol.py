"""What TensorFlow Serving answers to a question, asked over each transport."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import httpx
import pytest
from tensorflow.core.framework import types_pb2

from lstm_sentiment.serving.server import ModelServer
from tests.serving.transports import SECONDS, Grpc, Question, Rest, Transport


@pytest.fixture(scope="module", params=["gRPC", "REST"])
def transport(server: ModelServer, request: pytest.FixtureRequest) -> Iterator[Transport]:
    if request.param == "gRPC":
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield Grpc(channel)
    else:
        base_url = f"http://127.0.0.1:{server.rest_api_port}"
        with httpx.Client(base_url=base_url, timeout=SECONDS) as http:
            yield Rest(http)


IDS = {"input_sentence": [[1, 2], [3, 4]]}
CHOICES: list[tuple[dict[str, Any], int]] = [
    ({}, 2),
    ({"version": 1}, 1),
    ({"version": 2}, 2),
    ({"label": "stable"}, 1),
    ({"label": "canary"}, 2),
]


def test_the_default_signature_answers_ids(transport: Transport) -> None:
    assert transport.ask(Question("Predict", inputs=IDS)) == {
        "predict_classification": [1, 1],
        "predict_scores": [[2, 3], [2, 7]],
    }


@pytest.mark.parametrize(("choice", "version"), CHOICES)
def test_a_version_is_asked_by_number_or_label(
    transport: Transport, choice: dict[str, Any], version: int
) -> None:
    labels = [f"v{version}:好", f"v{version}:bad"]
    outputs = transport.ask(Question("Predict", signature="text", **choice))
    assert outputs["label"] == labels
    rows = transport.ask(Question("Classify", signature="classify", **choice))
    assert rows == [
        [[labels[0], version], ["length", 1]],
        [[labels[1], version], ["length", 3]],
    ]
    values = transport.ask(Question("Regress", signature="regress", **choice))
    assert values == [version + 1 / 8, version + 3 / 8]


def test_every_example_has_the_features_of_the_context(transport: Transport) -> None:
    question = Question("Classify", signature="classify", context={"hotel": "如家"})
    assert [row[0][0] for row in transport.ask(question)] == ["v2:如家好", "v2:如家bad"]


@pytest.mark.parametrize(("choice", "version"), CHOICES)
def test_metadata_has_the_signatures_of_a_version(
    transport: Transport, choice: dict[str, Any], version: int
) -> None:
    spec, signatures = transport.ask(Question("GetModelMetadata", **choice))
    assert (spec.name, spec.signature_name, spec.version.value) == ("sentiment", "", version)
    assert {"serving_default", "text", "classify"} <= set(signatures.signature_def)
    ids = signatures.signature_def["serving_default"].inputs["input_sentence"]
    assert [dim.size for dim in ids.tensor_shape.dim] == [-1, -1]
    assert ids.dtype == types_pb2.DT_INT64
    text = signatures.signature_def["text"]
    assert text.method_name == "tensorflow/serving/predict"
    assert set(text.outputs) == {"label", "classification", "probabilities"}


@pytest.mark.parametrize(
    ("choice", "versions"), [({}, [2, 1]), ({"version": 1}, [1]), ({"label": "stable"}, [1])]
)
def test_status_lists_versions_the_highest_first(
    transport: Transport, choice: dict[str, Any], versions: list[int]
) -> None:
    found = transport.ask(Question("GetModelStatus", **choice)).model_version_status
    assert [each.version for each in found] == versions
    assert all(each.HasField("status") for each in found)
    assert {(each.State.Name(each.state), each.status.error_code) for each in found} == {
        ("AVAILABLE", 0)
    }


PREDICT = Question("Predict", inputs={"input_sentence": [[1]]})
CLASSIFY = Question("Classify", signature="classify")
REGRESS = Question("Regress", signature="regress")
METADATA, STATUS = Question("GetModelMetadata"), Question("GetModelStatus")

NOT_FOUND: list[tuple[Question, str, str, str | None]] = [
    (replace(question, **choice), "NOT_FOUND", f"Servable not found for request: {request}", None)
    for question in (PREDICT, CLASSIFY, REGRESS, METADATA)
    for choice, request in (
        ({"model": "m"}, "Latest(m)"),
        ({"version": 9}, "Specific(sentiment, 9)"),
        ({"version": 0}, "Specific(sentiment, 0)"),
    )
]
NO_LABEL: list[tuple[Question, str, str, str | None]] = [
    (
        replace(question, label="x"),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: x",
        None,
    )
    for question in (PREDICT, CLASSIFY, REGRESS, METADATA, STATUS)
]
REFUSALS: list[tuple[Question, str, str, str | None]] = [
    *NOT_FOUND,
    *NO_LABEL,
    (replace(STATUS, model="m"), "NOT_FOUND", "Could not find any versions of model m", None),
    (
        replace(STATUS, version=9),
        "NOT_FOUND",
        "Could not find version 9 of model sentiment",
        None,
    ),
    (
        replace(PREDICT, signature="x"),
        "FAILED_PRECONDITION",
        'Serving signature key "x" not found.',
        # REST looks for the signature itself, to read the JSON by it.
        'Serving signature name: "x" not found in signature def',
    ),
    (
        replace(PREDICT, signature="tokens"),
        "INVALID_ARGUMENT",
        "Signature input alias: tokens(feed name: tokens_tokens:0) not found in request and no "
        "default value provided. Inputs expected to be in the request {input_sentence}, or default "
        "input alias set: ",
        "Missing named input: tokens in 'inputs' object.",
    ),
    (
        replace(PREDICT, inputs={"input_sentence": [[99]]}),
        "INVALID_ARGUMENT",
        "indices[0,0] = 99 is not in [0, 10)",
        None,
    ),
    (
        replace(PREDICT, inputs={"input_sentence": [1]}),
        "INVALID_ARGUMENT",
        # The shape is left to the graph.
        "Invalid reduction dimension (1 for input with 1 dimension(s)",
        None,
    ),
    (
        replace(CLASSIFY, signature="x"),
        "INVALID_ARGUMENT",
        "No signature was found with the name: x",
        None,
    ),
    (
        replace(CLASSIFY, signature=""),
        "INVALID_ARGUMENT",
        "No classification inputs found in SignatureDef: inputs {input_sentence} "
        "outputs {predict_classification,predict_scores}",
        None,
    ),
    (
        replace(CLASSIFY, signature="regress"),
        "INVALID_ARGUMENT",
        'Expected classification signature outputs to contain at least one of "classes" or '
        '"scores". Signature was: inputs {inputs} outputs {outputs}',
        None,
    ),
    (
        replace(REGRESS, signature="x"),
        "INVALID_ARGUMENT",
        "No signature was found with the name: x",
        None,
    ),
    (
        replace(REGRESS, signature="classify"),
        "INVALID_ARGUMENT",
        "Expected one output Tensor.",
        None,
    ),
]


@pytest.mark.parametrize(("question", "code", "message", "rest_message"), REFUSALS)
def test_what_cannot_be_answered_is_refused_as_by_tensorflow_serving(
    transport: Transport, question: Question, code: str, message: str, rest_message: str | None
) -> None:
    transport.assert_refused(question, code, message, rest_message)
