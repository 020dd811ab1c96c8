"""Calls that stay open for long are bounded, and take nothing from those who ask."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import RequestCancelledError
from lstm_sentiment.serving.grpc_api.health import MOST_WATCHES
from lstm_sentiment.serving.grpc_api.reflection import MOST_STREAMS
from lstm_sentiment.serving.grpc_api.service import MOST_RELOADS
from tests.serving.fake_servables import FakeServable, plane_of
from tests.serving.grpc_api.test_answering import texts_request
from tests.serving.grpc_servers import served

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture
def channel() -> Iterator[grpc.Channel]:
    with serving() as made:
        yield made


@contextmanager
def serving(**options: Any) -> Iterator[grpc.Channel]:
    servable = FakeServable().add("text", {"y": np.zeros(1, np.float32)}, ("text",))
    plane = plane_of(servable)
    with (
        served(plane, health=True, is_serving=True, reflection=True, **options) as address,
        grpc.insecure_channel(address) as channel,
    ):
        yield channel


def asks(channel: grpc.Channel) -> None:
    stub: Any = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    assert "y" in stub.Predict(texts_request(b"a"), timeout=30).outputs


def watch(channel: grpc.Channel) -> Any:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return stub.Watch(health_pb2.HealthCheckRequest(), timeout=60)


def reflect(channel: grpc.Channel) -> Any:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    is_over = threading.Event()

    def requests() -> Iterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        is_over.wait(60)

    call = stub.ServerReflectionInfo(requests(), timeout=60)
    call.add_callback(is_over.set)
    return call


@pytest.mark.parametrize(("open_one", "most"), [(watch, MOST_WATCHES), (reflect, MOST_STREAMS)])
def test_streams_are_bounded_and_take_nothing_from_those_who_ask(
    channel: grpc.Channel, open_one: Callable[[grpc.Channel], Any], most: int
) -> None:
    streams = [open_one(channel) for _ in range(most)]
    for stream in streams:
        next(stream)
    asks(channel)
    with pytest.raises(grpc.RpcError) as caught:
        next(open_one(channel))
    assert caught.value.code() is EXHAUSTED
    assert f"at most {most} streams of " in (caught.value.details() or "")
    for stream in streams:
        stream.cancel()
    reopened = until_answered(lambda: open_one(channel))
    reopened.cancel()


def until_answered(open_one: Callable[[], Any]) -> Any:
    """Opens a stream; the server learns some time after its callers that they are gone."""
    while True:
        stream = open_one()
        try:
            next(stream)
            return stream
        except grpc.RpcError as error:
            assert isinstance(error, grpc.Call) and error.code() is EXHAUSTED


def reload_request() -> model_management_pb2.ReloadConfigRequest:
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.config.add(name="m", base_path="/m")
    return request


def test_configs_that_wait_for_their_models_are_bounded_and_end_with_their_callers() -> None:
    waiting = threading.Semaphore(0)

    def reload(config: Any, caller: Caller) -> None:
        is_gone = threading.Event()
        caller.when_gone(is_gone.set)
        waiting.release()
        is_gone.wait(60)
        raise RequestCancelledError("gone")

    with serving(reload=reload) as channel:
        stub: Any = model_service_pb2_grpc.ModelServiceStub(channel)
        calls = [
            stub.HandleReloadConfigRequest.future(reload_request()) for _ in range(MOST_RELOADS)
        ]
        for _ in calls:
            assert waiting.acquire(timeout=30)
        asks(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.HandleReloadConfigRequest(reload_request(), timeout=30)
        assert caught.value.code() is EXHAUSTED
        for call in calls:
            call.cancel()
        again = None
        while again is None:
            again = stub.HandleReloadConfigRequest.future(reload_request())
            if not waiting.acquire(timeout=1):
                assert again.code() is EXHAUSTED
                again = None
        again.cancel()


def test_thousands_of_calls_that_come_at_once_on_a_connection_are_answered(
    channel: grpc.Channel,
) -> None:
    stub: Any = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    asked = [stub.Predict.future(texts_request(b"a"), timeout=100) for _ in range(4000)]
    assert {call.code() for call in asked} == {grpc.StatusCode.OK}
