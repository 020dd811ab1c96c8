"""What all gRPC methods share, over a real socket and a servable that does what a test says.

What REST's share too is in `tests/serving/test_requests.py`.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf import wrappers_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import (
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.models_config.config import as_models_config
from lstm_sentiment.serving.errors import (
    RequestCancelledError,
    VersionNotAvailableError,
)
from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.grpc_api.answering import LARGE_BYTES, MAX_FIELDS
from lstm_sentiment.serving.grpc_api.server import GrpcServer
from lstm_sentiment.serving.inference.bytes_in_flight import BytesInFlight
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.servable_id import ServableId
from tests.serving.fake_servables import FakeServable, plane_of
from tests.serving.grpc_servers import served
from tests.serving.requests_answered import Observed

SERVICES = [
    "inference.GRPCInferenceService",
    "tensorflow.serving.ModelService",
    "tensorflow.serving.PredictionService",
]


class Wire:
    """A server, its stubs and its observer."""

    def __init__(
        self, servable: FakeServable, limits: RequestLimits | None = None, **options: Any
    ) -> None:
        self.observed = Observed()
        self._stack = ExitStack()
        serving = served(plane_of(servable, limits), observer=self.observed, **options)
        address = self._stack.enter_context(serving)
        self.channel = self._stack.enter_context(grpc.insecure_channel(address))
        self.prediction: Any = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model: Any = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    with ExitStack() as stack:

        def make(servable: FakeServable, **options: Any) -> Wire:
            made = Wire(servable, **options)
            stack.callback(made.close)
            return made

        yield make


def texts_request(*texts: bytes, signature: str = "text") -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    request.model_spec.version_label = "stable"
    request.model_spec.signature_name = signature
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=texts)
    proto.tensor_shape.dim.add(size=len(texts))
    request.inputs["text"].CopyFrom(proto)
    return request


def servable_of(answer: Any) -> FakeServable:
    return FakeServable().add("text", answer, ("text",))


def refused(call: Any, request: Any, **options: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=30, **options)
    return caught.value.code(), caught.value.details() or ""


def test_tasks_of_one_input_tensor_are_answered_together(wire: Callable[..., Wire]) -> None:
    servable = FakeServable().add("serving_default", {"classes": [["a"]]})
    there = wire(servable.add("price", {"outputs": np.array([0.5], np.float32)}))
    request = inference_pb2.MultiInferenceRequest()
    for signature, method in (("", "classify"), ("price", "regress")):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = "m", signature
    example = request.input.example_list.examples.add()
    example.features.feature["text"].bytes_list.value.append(b"a")
    kind, price = there.prediction.MultiInference(request, timeout=30).results
    assert [each.model_spec.signature_name for each in (kind, price)] == [
        "serving_default",
        "price",
    ]
    assert [each.model_spec.version.value for each in (kind, price)] == [3, 3]
    assert kind.classification_result.classifications[0].classes[0].label == "a"
    assert price.regression_result.regressions[0].value == 0.5
    answered = there.observed.the_only()
    assert (answered.api, answered.signature_key) == ("MultiInference", "serving_default")
    assert list(answered.texts) == [b"a"]


def test_the_observer_is_told_that_the_default_signature_was_asked(
    wire: Callable[..., Wire],
) -> None:
    there = wire(servable_of({"y": np.zeros(1)}))
    refused(there.prediction.Predict, texts_request(b"a", signature=""))
    assert there.observed.the_only().signature_key == "serving_default"


def test_the_observer_is_told_of_errors(wire: Callable[..., Wire]) -> None:
    there = wire(servable_of({"y": np.zeros(1)}))
    code, message = refused(there.prediction.Predict, texts_request(b"a", signature="x"))
    answered = there.observed.the_only()
    assert (answered.status, answered.message) == (code.name, message)
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert (answered.model_name, answered.signature_key, answered.version) == ("m", "x", None)
    assert (answered.batch_size, answered.response_bytes) == (None, 0)


def waits_until_gone(begun: threading.Event) -> Any:
    def wait(inputs: Any, caller: Any) -> Any:
        gone = threading.Event()
        caller.when_gone(gone.set)
        begun.set()
        assert gone.wait(30)
        raise RequestCancelledError("gone")

    return wait


def test_a_caller_that_cancels_is_let_go(wire: Callable[..., Wire]) -> None:
    begun = threading.Event()
    there = wire(servable_of(waits_until_gone(begun)))
    call = there.prediction.Predict.future(texts_request(b"a"), timeout=60)
    assert begun.wait(30)
    call.cancel()
    assert there.observed.the_only().status == "CANCELLED"


def test_a_caller_whose_deadline_passes_is_let_go(wire: Callable[..., Wire]) -> None:
    servable = servable_of(waits_until_gone(threading.Event()))
    there = wire(servable)
    with pytest.raises(grpc.RpcError) as caught:
        there.prediction.Predict(texts_request(b"a"), timeout=0.2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert there.observed.the_only().status == "DEADLINE_EXCEEDED"


def test_a_call_without_a_deadline_has_none(wire: Callable[..., Wire]) -> None:
    servable = servable_of({"y": np.zeros(1, np.float32)})
    wire(servable).prediction.Predict(texts_request(b"a"))
    assert [caller.deadline for caller in servable.callers] == [None]


def test_the_limit_on_rows_is_told_to_the_client(wire: Callable[..., Wire]) -> None:
    there = wire(
        servable_of({"y": np.zeros(3, np.float32)}), limits=RequestLimits(max_batch_size=2)
    )
    with pytest.raises(grpc.RpcError) as caught:
        there.prediction.Predict(texts_request(b"a", b"b", b"c"), timeout=30)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "at most 2 rows" in (caught.value.details() or "")
    trailing: Any = caught.value.trailing_metadata()
    assert dict(trailing)["max-batch-size"] == "2"


def test_a_message_beyond_the_limit_is_refused(wire: Callable[..., Wire]) -> None:
    servable = servable_of({"y": np.zeros(1, np.float32)})
    there = wire(servable, max_request_bytes=1000)
    code, _ = refused(there.prediction.Predict, texts_request(b"x" * 1000))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    there.prediction.Predict(texts_request(b"x" * 800), timeout=30)
    assert len(servable.received) == 1


def test_large_requests_are_answered_as_small_ones_are(wire: Callable[..., Wire]) -> None:
    rows = 3000
    servable = servable_of(lambda inputs, caller: {"y": np.arange(rows, dtype=np.float32)})
    labels = {"classes": [["a"]] * rows}
    numbers = {"outputs": np.arange(rows, dtype=np.float32)}
    there = wire(servable.add("kind", labels).add("price", numbers))
    texts = [f"{number:0200}".encode() for number in range(rows)]
    request = texts_request(*texts)
    assert request.ByteSize() > LARGE_BYTES
    response = there.prediction.Predict(request, timeout=30)
    assert list(response.outputs["y"].float_val) == list(range(rows))
    assert servable.received[0][1]["text"].tolist() == texts

    examples = inference_pb2.MultiInferenceRequest()
    for signature, method in (("kind", "classify"), ("price", "regress")):
        task = examples.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = "m", signature
    for text in texts:
        example = examples.input.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(text)
    kind, price = there.prediction.MultiInference(examples, timeout=30).results
    assert len(kind.classification_result.classifications) == rows
    assert [each.value for each in price.regression_result.regressions] == list(range(rows))


def test_a_large_request_that_is_wrong_is_refused_as_a_small_one(wire: Callable[..., Wire]) -> None:
    there = wire(servable_of({"y": np.zeros(1, np.float32)}))
    request = texts_request(b"x" * (LARGE_BYTES + 1), b"y")
    request.inputs["text"].tensor_shape.dim[0].size = -1
    code, message = refused(there.prediction.Predict, request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message == (
        "tensor parsing error: text: the shape must be fully known, of at most 254 dimensions."
    )
    assert there.observed.the_only().request_bytes == request.ByteSize()


def reload_request() -> model_management_pb2.ReloadConfigRequest:
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.config.add(name="m", base_path="/m")
    return request


def test_a_message_that_does_not_fit_beside_others_may_be_sent_again_later(
    wire: Callable[..., Wire],
) -> None:
    in_flight = BytesInFlight(1000)
    in_flight.holding().take(990)
    there = wire(servable_of({"y": np.zeros(1, np.float32)}), in_flight=in_flight)
    code, message = refused(there.prediction.Predict, texts_request(b"a"))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "--max-bytes-in-flight" in message
    in_flight.give_back(990)
    assert "y" in there.prediction.Predict(texts_request(b"a"), timeout=30).outputs
    assert in_flight.bytes == 0


def test_a_message_of_very_many_fields_is_not_parsed(wire: Callable[..., Wire]) -> None:
    there = wire(servable_of({"y": np.zeros(1, np.float32)}))
    predict: Any = there.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    # Each is an empty entry of the map of inputs, which would take a hundred bytes.
    code, message = refused(predict, b"\x12\x00" * (MAX_FIELDS + 1))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message.startswith(f"a message must have at most {MAX_FIELDS} fields")


def test_a_config_is_handed_on(wire: Callable[..., Wire]) -> None:
    received: list[Any] = []
    there = wire(FakeServable(), reload=lambda config, caller: received.append(config))
    response = there.model.HandleReloadConfigRequest(reload_request(), timeout=30)
    assert response.HasField("status")
    assert (response.status.error_code, response.status.error_message) == (0, "")
    assert received == [as_models_config(reload_request().config)]
    assert there.observed.the_only().api == "HandleReloadConfigRequest"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("`base_path` must be absolute."), grpc.StatusCode.INVALID_ARGUMENT),
        (VersionNotAvailableError(ServableId("m", 1)), grpc.StatusCode.FAILED_PRECONDITION),
    ],
)
def test_a_config_that_cannot_be_served_is_refused(
    wire: Callable[..., Wire], error: Exception, code: grpc.StatusCode
) -> None:
    def refuse(config: Any, caller: Any) -> None:
        raise error

    there = wire(FakeServable(), reload=refuse)
    found = refused(there.model.HandleReloadConfigRequest, reload_request())
    assert found == (code, str(error))


def test_a_config_without_a_list_of_models_is_refused(wire: Callable[..., Wire]) -> None:
    received: list[Any] = []
    there = wire(FakeServable(), reload=lambda config, caller: received.append(config))
    custom = model_management_pb2.ReloadConfigRequest()
    custom.config.custom_model_config.Pack(wrappers_pb2.StringValue(value="x"))
    for request in (custom, model_management_pb2.ReloadConfigRequest()):
        assert refused(there.model.HandleReloadConfigRequest, request) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
            "ModelConfigList is currently supported",
        )
    assert received == []


def test_a_server_may_take_no_configs(wire: Callable[..., Wire]) -> None:
    there = wire(FakeServable())
    code, _ = refused(there.model.HandleReloadConfigRequest, reload_request())
    assert code is grpc.StatusCode.UNIMPLEMENTED


def test_health_is_told_as_a_whole_and_by_service() -> None:
    told = health_pb2.HealthCheckResponse
    loop = EventLoop()
    loop.start()
    try:
        server = GrpcServer(loop, plane_of(FakeServable()), health=True)
        port = server.add_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            assert statuses(stub) == {told.NOT_SERVING}
            assert listed(stub) == dict.fromkeys(("", *HEALTH_NAMES), told.NOT_SERVING)
            server.set_serving()
            assert statuses(stub) == {told.SERVING}
            assert listed(stub) == dict.fromkeys(("", *HEALTH_NAMES), told.SERVING)
            code, _ = refused(stub.Check, health_pb2.HealthCheckRequest(service="x"))
            assert code is grpc.StatusCode.NOT_FOUND
            watched = stub.Watch(health_pb2.HealthCheckRequest(), timeout=30)
            assert next(watched).status == told.SERVING
            stopped = server.stop(30)
            assert next(watched).status == told.NOT_SERVING
            watched.cancel()
            stopped.result()
    finally:
        loop.stop()


# TensorFlow Serving leaves out the package.
HEALTH_NAMES = (*SERVICES, "PredictionService", "ModelService")


def statuses(stub: Any) -> set[int]:
    return {
        stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=30).status
        for service in ("", *HEALTH_NAMES)
    }


def listed(stub: Any) -> dict[str, int]:
    messages: Any = health_pb2  # whose types know no `List`
    found = stub.List(messages.HealthListRequest(), timeout=30).statuses
    return {service: found[service].status for service in found}


def test_reflection_lists_the_services(wire: Callable[..., Wire]) -> None:
    there = wire(FakeServable(), reflection=True, health=True)
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(there.channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    [response] = stub.ServerReflectionInfo(iter([asked]), timeout=30)
    names = [service.name for service in response.list_services_response.service]
    assert {*SERVICES, "grpc.health.v1.Health"} <= set(names)


DESCRIBE_IN_A_PROCESS_WITHOUT_TENSORFLOW = """
import json, sys
import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.grpc_api.server import GrpcServer
from lstm_sentiment.serving.inference.dataplane import DataPlane

loop = EventLoop()
loop.start()
server = GrpcServer(loop, DataPlane(None), health=True, reflection=True)
port = server.add_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    described = {
        name: {m.name: m.input_type.full_name for m in pool.FindServiceByName(name).methods}
        for name in database.get_services()
    }
    request = pool.FindMessageTypeByName("tensorflow.serving.PredictRequest")
    inputs = request.fields_by_name["inputs"]
    value = inputs.message_type.fields_by_name["value"].message_type
    print(json.dumps([described, [field.name for field in value.fields]]))
server.stop(None).result()
loop.stop()
assert "tensorflow" not in sys.modules
"""


def test_reflection_describes_all_services_with_their_messages() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DESCRIBE_IN_A_PROCESS_WITHOUT_TENSORFLOW],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    described, tensor_fields = json.loads(ended.stdout)
    assert described == {
        "grpc.health.v1.Health": {
            "Check": "grpc.health.v1.HealthCheckRequest",
            "List": "grpc.health.v1.HealthListRequest",
            "Watch": "grpc.health.v1.HealthCheckRequest",
        },
        **{
            f"grpc.reflection.{version}.ServerReflection": {
                "ServerReflectionInfo": f"grpc.reflection.{version}.ServerReflectionRequest"
            }
            for version in ("v1", "v1alpha")
        },
        "tensorflow.serving.ModelService": {
            "GetModelStatus": "tensorflow.serving.GetModelStatusRequest",
            "HandleReloadConfigRequest": "tensorflow.serving.ReloadConfigRequest",
        },
        "tensorflow.serving.PredictionService": {
            "Classify": "tensorflow.serving.ClassificationRequest",
            "Regress": "tensorflow.serving.RegressionRequest",
            "Predict": "tensorflow.serving.PredictRequest",
            "MultiInference": "tensorflow.serving.MultiInferenceRequest",
            "GetModelMetadata": "tensorflow.serving.GetModelMetadataRequest",
        },
        "inference.GRPCInferenceService": {
            name: f"inference.{name}Request"
            for name in (
                *("ServerLive", "ServerReady", "ModelReady"),
                *("ServerMetadata", "ModelMetadata", "ModelInfer"),
            )
        },
    }
    assert {"dtype", "tensor_shape", "string_val", "float8_val"} <= set(tensor_fields)


def test_health_and_reflection_are_off_by_default(wire: Callable[..., Wire]) -> None:
    there = wire(FakeServable())
    health: Any = health_pb2_grpc.HealthStub(there.channel)
    code, _ = refused(health.Check, health_pb2.HealthCheckRequest())
    assert code is grpc.StatusCode.UNIMPLEMENTED
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(there.channel)
    with pytest.raises(grpc.RpcError) as caught:
        next(reflection.ServerReflectionInfo(iter(()), timeout=30))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_interceptors_see_every_call_first(wire: Callable[..., Wire]) -> None:
    seen: list[str] = []

    class Seeing(grpc.aio.ServerInterceptor):
        async def intercept_service(self, continuation: Any, details: Any) -> Any:
            seen.append(details.method)
            return await continuation(details)

    there = wire(servable_of({"y": np.zeros(1, np.float32)}), interceptors=[Seeing()])
    there.prediction.Predict(texts_request(b"a"), timeout=30)
    assert seen == ["/tensorflow.serving.PredictionService/Predict"]


def test_what_is_no_message_is_refused_and_observed_like_any_other_request() -> None:
    seen: list[AnsweredRequest] = []
    with (
        served(plane_of(FakeServable()), observer=seen.append) as address,
        grpc.insecure_channel(address) as channel,
    ):
        predict: Any = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        with pytest.raises(grpc.RpcError) as caught:
            predict(b"\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "not a message of this method" in (caught.value.details() or "")
    [observed] = seen
    assert (observed.api, observed.status, observed.request_bytes) == (
        "Predict",
        "INVALID_ARGUMENT",
        3,
    )
