"""One question asked over gRPC or over REST, and the answer in one form."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
import numpy as np
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

from lstm_sentiment.serving.asgi import AsgiApp

SECONDS = 30  # for what must happen, on however busy a machine

HTTP_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
"""What each code is over REST."""


@dataclass(frozen=True)
class Question:
    """`inputs` are columns, for Predict; `examples` are texts by feature, for the others."""

    api: str
    model: str = "sentiment"
    version: int | None = None
    label: str | None = None
    signature: str = ""
    inputs: Mapping[str, Any] = field(default_factory=lambda: {"text": ["好", "bad"]})
    examples: Sequence[Mapping[str, str]] = ({"text": "好"}, {"text": "bad"})
    context: Mapping[str, str] | None = None

    def path(self) -> str:
        verb = {"Predict": ":predict", "Classify": ":classify", "Regress": ":regress"}
        choice = "" if self.version is None else f"/versions/{self.version}"
        choice += "" if self.label is None else f"/labels/{self.label}"
        suffix = "/metadata" if self.api == "GetModelMetadata" else verb.get(self.api, "")
        return f"/v1/models/{self.model}{choice}{suffix}"

    def body(self) -> dict[str, Any]:
        named = {"signature_name": self.signature} if self.signature else {}
        if self.api == "Predict":
            return {**named, "inputs": dict(self.inputs)}
        context = {} if self.context is None else {"context": dict(self.context)}
        return {**named, **context, "examples": [dict(example) for example in self.examples]}


def example_of(features: Mapping[str, str]) -> tf.train.Example:
    example = tf.train.Example()
    for name, text in features.items():
        example.features.feature[name].bytes_list.value.append(text.encode())
    return example


class Grpc:
    """By the stubs of tensorflow-serving-api alone; keeps the sizes of the last two messages."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._prediction: Any = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._model: Any = model_service_pb2_grpc.ModelServiceStub(channel)
        self.sent_bytes = self.received_bytes = 0

    def ask(self, question: Question) -> Any:
        match question.api:
            case "Predict":
                request = filled(predict_pb2.PredictRequest(), question)
                for name, value in question.inputs.items():
                    # REST reads a number by the signature, whose ids are int64.
                    is_text = isinstance(tf.nest.flatten(value)[0], str)
                    dtype = tf.string if is_text else tf.int64
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(value, dtype))
                response = self._call(self._prediction.Predict, request)
                return {name: _listed(proto) for name, proto in response.outputs.items()}
            case "Classify":
                request = with_examples(classification_pb2.ClassificationRequest(), question)
                response = self._call(self._prediction.Classify, request)
                found = response.result.classifications
                return [[[each.label, each.score] for each in row.classes] for row in found]
            case "Regress":
                request = with_examples(regression_pb2.RegressionRequest(), question)
                response = self._call(self._prediction.Regress, request)
                return [each.value for each in response.result.regressions]
            case "GetModelMetadata":
                request = filled(get_model_metadata_pb2.GetModelMetadataRequest(), question)
                request.metadata_field.append("signature_def")
                response = self._call(self._prediction.GetModelMetadata, request)
                signatures = get_model_metadata_pb2.SignatureDefMap()
                response.metadata["signature_def"].Unpack(signatures)
                return response.model_spec, signatures
            case _:
                request = filled(get_model_status_pb2.GetModelStatusRequest(), question)
                return self._call(self._model.GetModelStatus, request)

    def assert_refused(
        self, question: Question, code: str, message: str, rest_message: str | None = None
    ) -> None:
        with pytest.raises(grpc.RpcError) as caught:
            self.ask(question)
        assert (caught.value.code().name, caught.value.details()) == (code, message)

    def _call(self, method: Any, request: Any) -> Any:
        self.sent_bytes, self.received_bytes = request.ByteSize(), 0
        response = method(request, timeout=SECONDS)
        self.received_bytes = response.ByteSize()
        return response


class Rest:
    """By plain HTTP; keeps the sizes of the last two bodies."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.sent_bytes = self.received_bytes = 0

    def ask(self, question: Question) -> Any:
        response = self._send(question)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        document = response.json()
        match question.api:
            case "Predict":
                return document["outputs"]
            case "Classify" | "Regress":
                return document["results"]
            case "GetModelMetadata":
                answer = get_model_metadata_pb2.GetModelMetadataResponse()
                spec = json_format.ParseDict(document["model_spec"], answer.model_spec)
                signatures = get_model_metadata_pb2.SignatureDefMap()
                json_format.ParseDict(document["metadata"]["signature_def"], signatures)
                return spec, signatures
            case _:
                status = get_model_status_pb2.GetModelStatusResponse()
                return json_format.ParseDict(document, status)

    def assert_refused(
        self, question: Question, code: str, message: str, rest_message: str | None = None
    ) -> None:
        response = self._send(question)
        assert response.headers["content-type"] == "application/json"
        status = HTTP_STATUSES[code]
        assert (response.status_code, response.json()) == (
            status,
            {"error": rest_message or message},
        )

    def _send(self, question: Question) -> httpx.Response:
        if question.api.startswith("Get"):
            response = self._http.get(question.path())
        else:
            response = self._http.post(question.path(), json=question.body())
        self.sent_bytes = len(response.request.content)
        self.received_bytes = len(response.content)
        return response


class _Asgi(httpx.BaseTransport):
    def __init__(self, app: AsgiApp) -> None:
        self._asgi = httpx.ASGITransport(app, client=("127.0.0.1", 50312))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def answer() -> httpx.Response:
            response = await self._asgi.handle_async_request(request)
            body = await response.aread()
            return httpx.Response(response.status_code, headers=response.headers, content=body)

        return asyncio.run(answer())


def asgi_client(app: AsgiApp) -> httpx.Client:
    """A client of an application, without a socket."""
    return httpx.Client(transport=_Asgi(app), base_url="http://server")


def filled(request: Any, question: Question) -> Any:
    request.model_spec.name = question.model
    request.model_spec.signature_name = question.signature
    if question.version is not None:
        request.model_spec.version.value = question.version
    if question.label is not None:
        request.model_spec.version_label = question.label
    return request


def with_examples(request: Any, question: Question) -> Any:
    if question.context is None:
        request.input.example_list.examples.extend(map(example_of, question.examples))
    else:
        both = request.input.example_list_with_context
        both.context.CopyFrom(example_of(question.context))
        both.examples.extend(map(example_of, question.examples))
    return filled(request, question)


def _listed(proto: Any) -> Any:
    array = tf.make_ndarray(proto)
    return np.char.decode(array.astype("S")).tolist() if array.dtype == object else array.tolist()


Transport = Grpc | Rest
"""Answers are outputs by name, rows of `[label, score]`, numbers, or messages."""
