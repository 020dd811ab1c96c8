"""The Open Inference Protocol over either transport, of servables that do what a test says."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from lstm_sentiment.protocol.open_inference_pb2 import (
    ModelInferRequest,
    ModelMetadataRequest,
    ModelReadyRequest,
    ServerLiveRequest,
    ServerMetadataRequest,
    ServerReadyRequest,
)
from lstm_sentiment.protocol.prediction_pb2 import PredictRequest, PredictResponse
from lstm_sentiment.protocol.services import OPEN_INFERENCE_SERVICE, calls
from lstm_sentiment.protocol.tensors import read_tensor
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.rest_api.app import rest_app
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from tests.serving.fake_servables import FakeServable, OneServable, plane_of
from tests.serving.grpc_servers import served
from tests.serving.requests_answered import Observed
from tests.serving.transports import asgi_client

Found = tuple[str, Any]
"""`OK` and the answer, or the code and the message of an error."""

CODES = {200: "OK", 400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 503: "UNAVAILABLE"}


class OverRest:
    entrypoint = "REST"

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def infer(self, texts: list[str], version: str = "", model: str = "m") -> Found:
        tensor = {"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": texts}
        path = f"/v2/models/{model}{f'/versions/{version}' if version else ''}/infer"
        code, answer = self._told(self._http.post(path, json={"inputs": [tensor]}))
        return code, answer if code != "OK" else {
            each["name"]: each["data"] for each in answer["outputs"]
        }

    def is_ready(self, version: str = "") -> Found:
        path = f"/v2/models/m{f'/versions/{version}' if version else ''}/ready"
        response = self._http.get(path)
        document = response.json()
        if "error" in document:
            return CODES[response.status_code], document["error"]
        assert response.status_code == (200 if document["ready"] else 503)
        assert document["name"] == "m"
        return "OK", document["ready"]

    def server(self) -> tuple[bool, bool, str]:
        live, ready = (self._http.get(f"/v2/health/{kind}") for kind in ("live", "ready"))
        assert ready.status_code == (200 if ready.json()["ready"] else 503)
        return live.json()["live"], ready.json()["ready"], self._http.get("/v2").json()["name"]

    def metadata(self) -> Found:
        return self._told(self._http.get("/v2/models/m"))

    def _told(self, response: httpx.Response) -> Found:
        document = response.json()
        return CODES[response.status_code], document.get("error", document)


class OverGrpc:
    entrypoint = "GRPC"

    def __init__(self, channel: grpc.Channel) -> None:
        self._calls = calls(channel, OPEN_INFERENCE_SERVICE)

    def infer(self, texts: list[str], version: str = "", model: str = "m") -> Found:
        request = ModelInferRequest(model_name=model, model_version=version)
        tensor = request.inputs.add(name="text", datatype="BYTES", shape=[len(texts)])
        tensor.contents.bytes_contents.extend(text.encode() for text in texts)
        code, answer = self._told("ModelInfer", request)
        return code, answer if code != "OK" else {
            each.name: list(each.contents.fp32_contents) for each in answer.outputs
        }

    def is_ready(self, version: str = "") -> Found:
        code, answer = self._told("ModelReady", ModelReadyRequest(name="m", version=version))
        return code, answer if code != "OK" else answer.ready

    def server(self) -> tuple[bool, bool, str]:
        return (
            self._told("ServerLive", ServerLiveRequest())[1].live,
            self._told("ServerReady", ServerReadyRequest())[1].ready,
            self._told("ServerMetadata", ServerMetadataRequest())[1].name,
        )

    def metadata(self) -> Found:
        return self._told("ModelMetadata", ModelMetadataRequest(name="m"))

    def _told(self, method: str, request: Any) -> Found:
        try:
            return "OK", self._calls[method](request, timeout=30)
        except grpc.RpcError as error:
            return error.code().name, error.details()


@dataclass
class Wire:
    transport: OverRest | OverGrpc
    observed: Observed


Make = Callable[..., Wire]


@pytest.fixture(params=["GRPC", "REST"])
def wire(request: pytest.FixtureRequest) -> Iterator[Make]:
    with ExitStack() as stack:

        def make(plane: Any, *, is_ready: bool = True) -> Wire:
            observed = Observed()
            if request.param == "REST":
                app = rest_app(plane, observer=observed, is_ready=lambda: is_ready)
                return Wire(OverRest(asgi_client(app)), observed)
            serving = served(plane, observer=observed, is_ready=lambda: is_ready)
            channel = stack.enter_context(grpc.insecure_channel(stack.enter_context(serving)))
            return Wire(OverGrpc(channel), observed)

        yield make


def floats() -> FakeServable:
    return FakeServable().add("text", {"y": np.array([1.5, 2.5], np.float32)}, ("text",))


@pytest.mark.parametrize("version", ["", "3", "stable"])
def test_the_observer_is_told_and_the_log_has_the_messages_of_predict(
    wire: Make, version: str
) -> None:
    there = wire(plane_of(floats()))
    assert there.transport.infer(["好", "b"], version) == ("OK", {"y": [1.5, 2.5]})
    answered = there.observed.the_only()
    assert (answered.entrypoint, answered.api) == (there.transport.entrypoint, "ModelInfer")
    assert (answered.model_name, answered.version, answered.status) == ("m", 3, "OK")
    assert answered.label == ("stable" if version == "stable" else None)
    assert (answered.signature_key, answered.batch_size) == ("text", 2)
    assert list(answered.texts) == ["好".encode(), b"b"]
    assert answered.request_bytes > 0 and answered.response_bytes > 0
    assert callable(answered.messages)
    asked, told = answered.messages()
    request, response = PredictRequest.FromString(asked), PredictResponse.FromString(told)
    assert request.model_spec.name == response.model_spec.name == "m"
    assert request.model_spec.signature_name == "text"
    assert read_tensor(request.inputs["text"]).tolist() == ["好".encode(), b"b"]
    assert read_tensor(response.outputs["y"]).tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("version", "model", "code"),
    [("4", "m", "NOT_FOUND"), ("", "x", "NOT_FOUND"), ("9" * 30, "m", "INVALID_ARGUMENT")],
)
def test_an_error_is_told_to_caller_and_observer(
    wire: Make, version: str, model: str, code: str
) -> None:
    there = wire(plane_of(floats()))
    found, message = there.transport.infer(["a"], version, model)
    assert found == code and message
    answered = there.observed.the_only()
    assert (answered.api, answered.status, answered.message) == ("ModelInfer", code, message)
    assert answered.model_name == model


def test_limits_are_those_of_predict(wire: Make) -> None:
    there = wire(plane_of(floats(), RequestLimits(max_batch_size=1, max_text_bytes=10)))
    assert there.transport.infer(["a", "b"])[0] == "INVALID_ARGUMENT"
    code, message = there.transport.infer(["a" * 11])
    assert code == "INVALID_ARGUMENT"
    assert message == ("each of `text` must have at most 10 bytes. Received: 11 bytes in row 0.")


@pytest.mark.parametrize("is_ready", [True, False])
def test_the_server_is_live_and_tells_whether_it_is_ready(wire: Make, is_ready: bool) -> None:
    there = wire(plane_of(floats()), is_ready=is_ready)
    assert there.transport.server() == (True, is_ready, "lstm_sentiment")


def test_who_asks_for_health_is_not_counted(wire: Make) -> None:
    there = wire(plane_of(floats()))
    there.transport.server()
    there.transport.infer(["a"])
    assert there.observed.the_only().api == "ModelInfer"


class _Ended(OneServable):
    def states(self, name: str) -> list[ServableState]:
        states = [
            ServableState(ServableId("m", 3), ManagerState.AVAILABLE),
            ServableState(ServableId("m", 2), ManagerState.END),
        ]
        return states if name == "m" else []


def test_readiness_of_a_model_and_of_each_version(
    wire: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.serving.fake_servables.OneServable", _Ended)
    there = wire(plane_of(floats())).transport
    assert there.is_ready() == ("OK", True)
    assert there.is_ready("3") == ("OK", True)
    assert there.is_ready("stable") == ("OK", True)
    assert there.is_ready("2") == ("OK", False)
    code, message = there.is_ready("7")
    assert code == "NOT_FOUND" and "version 7 of model m" in message


def test_a_model_without_a_signature_to_describe(wire: Make) -> None:
    code, message = wire(plane_of(FakeServable())).transport.metadata()
    assert code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION")
    assert message == 'Serving signature key "serving_default" not found.'
