"""What every request shares, asked over each transport of servables that do what a test says."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import pytest

from lstm_sentiment.serving.errors import OverloadedError
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest, Observer
from lstm_sentiment.serving.rest_api.app import rest_app
from tests.serving.fake_servables import FakeServable, plane_of
from tests.serving.grpc_servers import served
from tests.serving.requests_answered import Observed
from tests.serving.transports import Grpc, Question, Rest, Transport, asgi_client

PREDICT = Question("Predict", "m", label="stable", signature="text", inputs={"text": ["好", "b"]})


@dataclass
class Wire:
    """A transport, and what the observer of its requests was told."""

    entrypoint: str
    transport: Transport
    observed: Observed


Make = Callable[..., Wire]


@pytest.fixture(params=["GRPC", "REST"])
def wire(request: pytest.FixtureRequest) -> Iterator[Make]:
    with ExitStack() as stack:

        def make(
            servable: Any,
            limits: RequestLimits | None = None,
            observer: Observer | None = None,
        ) -> Wire:
            plane, observed = plane_of(servable, limits), Observed()
            if request.param == "REST":
                app = rest_app(plane, observer=observer or observed)
                return Wire("REST", Rest(asgi_client(app)), observed)
            serving = served(plane, observer=observer or observed)
            channel = stack.enter_context(grpc.insecure_channel(stack.enter_context(serving)))
            return Wire("GRPC", Grpc(channel), observed)

        yield make


def servable_of(answer: Any) -> FakeServable:
    return FakeServable().add("text", answer, ("text",))


def answering(rows: int = 2) -> FakeServable:
    return servable_of({"y": np.arange(rows, dtype=np.float32), "z": np.arange(rows)})


def test_the_observer_is_told_of_an_answer(wire: Make) -> None:
    there = wire(answering())
    assert there.transport.ask(PREDICT) == {"y": [0.0, 1.0], "z": [0, 1]}
    answered = there.observed.the_only()
    assert (answered.entrypoint, answered.api) == (there.entrypoint, "Predict")
    assert (answered.status, answered.message) == ("OK", "")
    assert (answered.model_name, answered.version, answered.label) == ("m", 3, "stable")
    assert (answered.signature_key, answered.batch_size) == ("text", 2)
    assert list(answered.texts) == ["好".encode(), b"b"]
    assert answered.request_bytes == there.transport.sent_bytes
    assert answered.response_bytes == there.transport.received_bytes
    assert answered.peer.startswith("ipv4:127.0.0.1:")
    assert answered.seconds > 0
    assert "b'b'" not in repr(answered)


@pytest.mark.parametrize(
    ("api", "outputs"),
    [("Classify", {"classes": [["a"]]}), ("Regress", {"outputs": np.array([1], np.float32)})],
)
def test_the_observer_is_told_of_the_texts_in_examples(
    wire: Make, api: str, outputs: dict[str, Any]
) -> None:
    there = wire(FakeServable().add("serving_default", outputs))
    there.transport.ask(Question(api, "m", examples=[{"text": "好"}]))
    answered = there.observed.the_only()
    assert (answered.api, answered.batch_size, answered.version) == (api, 1, 3)
    assert (answered.signature_key, answered.label) == ("serving_default", None)
    assert list(answered.texts) == ["好".encode()]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question("Predict", "n", signature="text"), "nobody"),
        (Question("Classify", "n"), "nobody"),
        (Question("GetModelStatus", "n"), "Could not find any versions of model n"),
    ],
)
def test_the_observer_is_told_of_errors(wire: Make, question: Question, message: str) -> None:
    there = wire(answering())
    there.transport.assert_refused(question, "NOT_FOUND", message)
    answered = there.observed.the_only()
    assert (answered.api, answered.status, answered.message) == (question.api, "NOT_FOUND", message)
    asked = {"Predict": "text", "Classify": "serving_default", "GetModelStatus": ""}
    assert (answered.model_name, answered.signature_key) == ("n", asked[question.api])
    assert (answered.version, answered.batch_size, answered.texts) == (None, None, ())
    # gRPC has no message beside an error.
    is_rest = there.entrypoint == "REST"
    assert answered.response_bytes == (there.transport.received_bytes if is_rest else 0)


@pytest.mark.parametrize(("api", "version"), [("GetModelStatus", None), ("GetModelMetadata", 3)])
def test_the_observer_is_told_of_questions_about_models(
    wire: Make, api: str, version: int | None
) -> None:
    there = wire(answering())
    there.transport.ask(Question(api, "m"))
    answered = there.observed.the_only()
    assert (answered.api, answered.status, answered.version) == (api, "OK", version)
    assert (answered.model_name, answered.signature_key) == ("m", "")


def test_an_observer_that_fails_harms_nobody(wire: Make) -> None:
    def fail(answered: AnsweredRequest) -> None:
        raise RuntimeError("broken")

    assert wire(answering(), observer=fail).transport.ask(PREDICT)["z"] == [0, 1]


def test_an_error_that_nobody_foresaw_is_internal_and_not_told(wire: Make) -> None:
    def break_down(inputs: Any, caller: Any) -> Any:
        raise RuntimeError("/srv/models/secret")

    there = wire(servable_of(break_down))
    there.transport.assert_refused(PREDICT, "INTERNAL", "internal error")
    assert there.observed.the_only().status == "INTERNAL"


def test_an_overloaded_servable_is_unavailable(wire: Make) -> None:
    def refuse(inputs: Any, caller: Any) -> Any:
        raise OverloadedError("too many wait")

    there = wire(servable_of(refuse))
    there.transport.assert_refused(PREDICT, "UNAVAILABLE", "too many wait")


def test_a_caller_has_until_the_deadline(wire: Make) -> None:
    servable = answering()
    wire(servable).transport.ask(PREDICT)
    [caller] = servable.callers
    assert caller.deadline is not None


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (PREDICT, "`text` must have at most 1 rows. Received: 2 rows."),
        (
            Question("Classify", "m"),
            "the request must have at most 1 examples. Received: 2 examples.",
        ),
    ],
)
def test_too_many_rows_are_refused(wire: Make, question: Question, message: str) -> None:
    servable = answering().add("serving_default", {"classes": [["a"], ["b"]]})
    there = wire(servable, limits=RequestLimits(max_batch_size=1))
    there.transport.assert_refused(question, "INVALID_ARGUMENT", message)
    assert there.observed.the_only().status == "INVALID_ARGUMENT"
    assert servable.received == []
