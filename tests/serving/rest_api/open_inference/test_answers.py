"""The answers of the Open Inference Protocol are those that `/openapi.json` tells of."""

from typing import Any

import httpx
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from lstm_sentiment.protocol import tensor_pb2
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.serving.rest_api.app import rest_app
from tests.serving.fake_servables import FakeServable, plane_of
from tests.serving.transports import asgi_client

TEXT = {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["好", "b"]}
ONE_MODEL = "/v2/models/{model}"
ONE_VERSION = f"{ONE_MODEL}/versions/{{version_or_label}}"


@pytest.fixture
def http() -> httpx.Client:
    servable = FakeServable().add("text", {"y": np.array([1, 2], np.float32)}, ("text",))
    definition = SignatureDef()
    definition.inputs["text"].name = "text:0"
    definition.inputs["text"].dtype = tensor_pb2.DT_STRING
    definition.inputs["text"].tensor_shape.dim.add(size=-1)
    definition.outputs["y"].name = "y:0"
    definition.outputs["y"].dtype = tensor_pb2.DT_FLOAT
    definition.outputs["y"].tensor_shape.unknown_rank = True
    servable.signature_defs["text"] = definition
    return asgi_client(rest_app(plane_of(servable)))


def asked(http: httpx.Client, path: str, body: Any) -> httpx.Response:
    path = path.format(model="m", version_or_label="stable")
    return http.get(path) if body is None else http.post(path, json=body)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{ONE_MODEL}/infer", {"inputs": [TEXT], "id": "5"}, 200),
        (f"{ONE_VERSION}/infer", {"inputs": [TEXT], "outputs": [{"name": "y"}]}, 200),
        (f"{ONE_MODEL}/infer", {"inputs": []}, 400),
        (ONE_MODEL, None, 200),
        (ONE_VERSION, None, 200),
        (f"{ONE_MODEL}/ready", None, 200),
        (f"{ONE_VERSION}/ready", None, 200),
        ("/v2/health/live", None, 200),
        ("/v2/health/ready", None, 200),
        ("/v2", None, 200),
    ],
)
def test_an_answer_is_as_described(http: httpx.Client, path: str, body: Any, status: int) -> None:
    described = http.get("/openapi.json").json()
    operation = described["paths"][path]["get" if body is None else "post"]
    response = asked(http, path, body)
    assert response.status_code == status, response.text
    [(content_type, content)] = operation["responses"][str(status)]["content"].items()
    assert response.headers["content-type"] == content_type
    schema = content["schema"] | {"components": described["components"]}
    Draft202012Validator(schema).validate(response.json())
    if status == 200 and body is not None:
        sent = operation["requestBody"]["content"]["application/json"]["schema"]
        Draft202012Validator(sent | {"components": described["components"]}).validate(body)


def test_metadata(http: httpx.Client) -> None:
    assert http.get("/v2/models/m").json() == {
        "name": "m",
        "versions": ["3"],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1]}],
        "properties": {"signature_name": "text", "signatures": "text"},
    }


def test_an_answer(http: httpx.Client) -> None:
    body = {"inputs": [TEXT], "id": "5"}
    assert http.post("/v2/models/m/versions/stable/infer", json=body).json() == {
        "model_name": "m",
        "model_version": "3",
        "id": "5",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [2], "data": [1.0, 2.0]}],
    }
