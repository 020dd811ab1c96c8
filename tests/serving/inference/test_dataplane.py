"""What holds for every question, whatever transport it came by."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest

from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import (
    DeadlineExceededError,
    RequestCancelledError,
    RequestTooLargeError,
)
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.multi_inference import CLASSIFY_METHOD, InferenceTask
from lstm_sentiment.serving.inference.results import ModelSpec, PredictResult
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.servable import ManagerState, ServableState
from tests.serving.fake_servables import FakeServable, OneServable, array_of, plane_of

M = ModelSpec("m")
EXAMPLES = [b"1", b"2"]


def predict(
    plane: DataPlane, caller: Caller | None = None, texts: Any = ("a", "b"), **inputs: Any
) -> PredictResult:
    sent = {name: array_of(value) for name, value in (inputs or {"text": texts}).items()}
    return asyncio.run(plane.predict(M, "text", lambda signature: sent, caller=caller or Caller()))


def answering(answer: Any, inputs: tuple[str, ...] = ("text",)) -> FakeServable:
    return FakeServable().add("text", answer, inputs)


def test_nobody_is_asked_for_a_caller_who_does_not_wait() -> None:
    servable = answering({"y": [1]})
    gone, late = Caller(), Caller(time.monotonic())
    gone.leave()
    with pytest.raises(RequestCancelledError):
        predict(plane_of(servable), gone)
    with pytest.raises(DeadlineExceededError):
        predict(plane_of(servable), late)
    assert servable.received == []


@pytest.mark.parametrize("does_the_servable_notice", [True, False])
def test_an_answer_that_comes_too_late_is_an_error(does_the_servable_notice: bool) -> None:
    def dawdle(inputs: Any, caller: Caller) -> Any:
        # gRPC says of a caller whose deadline passes that it is gone.
        caller.deadline = time.monotonic()
        caller.leave()
        if does_the_servable_notice:
            raise RequestCancelledError("gone")
        return {"y": np.ones(2)}

    manager = OneServable(answering(dawdle))
    with pytest.raises(DeadlineExceededError):
        predict(DataPlane(cast(Manager, manager)))
    assert manager.events == ["taken", "released"]


def test_an_answer_for_a_caller_who_left_is_an_error() -> None:
    def dawdle(inputs: Any, caller: Caller) -> Any:
        caller.leave()
        return {"y": np.ones(2)}

    with pytest.raises(RequestCancelledError):
        predict(plane_of(answering(dawdle)))


@pytest.mark.parametrize(
    "ask",
    [
        lambda plane: predict(plane),
        lambda plane: asyncio.run(plane.classify(M, "kind", EXAMPLES)),
        lambda plane: asyncio.run(plane.regress(M, "price", EXAMPLES)),
        lambda plane: asyncio.run(
            plane.multi_inference(M, [InferenceTask("m", "kind", CLASSIFY_METHOD)], EXAMPLES)
        ),
    ],
)
def test_every_question_is_limited(ask: Callable[[DataPlane], Any]) -> None:
    servable = (
        answering({"y": [1, 2]})
        .add("kind", {"classes": [["a"], ["b"]]})
        .add("price", {"outputs": np.array([1, 2], np.float32)})
    )
    assert ask(plane_of(servable)).batch_size == 2
    assert ask(plane_of(servable, RequestLimits(max_batch_size=2))).batch_size == 2
    with pytest.raises(RequestTooLargeError) as caught:
        ask(plane_of(servable, RequestLimits(max_batch_size=1)))
    assert caught.value.max_batch_size == 1
    assert len(servable.received) == 2


def test_texts_are_those_of_a_signature_of_texts_alone() -> None:
    assert predict(plane_of(answering({"y": [1, 2]}))).texts == [b"a", b"b"]
    two = plane_of(answering({"y": [1, 2]}, ("other", "text")))
    assert predict(two, text=["a"], other=["b"]).texts == ()
    other = plane_of(answering({"y": [1, 2]}, ("tokens",)))
    assert predict(other, tokens=["a"]).texts == ()
    numbers = plane_of(answering({"y": [1, 2]}))
    assert predict(numbers, text=[1, 2]).texts == ()


COUNTS = {
    "num_characters": np.array([5, 7]),
    "num_tokens": np.array([4, 6]),
    "num_truncated": np.array([0, 1]),
    "num_oov": np.array([2, 0]),
}


def counting() -> FakeServable:
    servable = answering({"y": [1, 2]}).add("kind", {"classes": [["a"], ["b"]]})
    servable.counts = COUNTS
    return servable


@pytest.mark.parametrize(
    "ask",
    [
        lambda plane: predict(plane),
        lambda plane: asyncio.run(plane.classify(M, "kind", EXAMPLES)),
        lambda plane: asyncio.run(
            plane.multi_inference(M, [InferenceTask("m", "kind", CLASSIFY_METHOD)], EXAMPLES)
        ),
    ],
)
def test_counts_of_texts_come_beside_the_answer(ask: Callable[[DataPlane], Any]) -> None:
    counts = ask(plane_of(counting(), with_counts=True)).counts
    assert counts.characters.tolist() == [5, 7]
    assert counts.tokens.tokens.tolist() == [4, 6]
    assert counts.tokens.truncated.tolist() == [0, 1]
    assert counts.tokens.oov.tolist() == [2, 0]
    assert ask(plane_of(counting())).counts is None
    assert ask(plane_of(answering({"y": [1]}).add("kind", {"classes": [["a"]] * 2}))).counts is None


def test_counts_are_no_outputs() -> None:
    assert list(predict(plane_of(counting(), with_counts=True)).outputs) == ["y"]


def test_counts_that_are_the_signatures_own_outputs_stay() -> None:
    servable = answering(COUNTS)
    servable.counts = COUNTS
    result = predict(plane_of(servable, with_counts=True))
    assert result.outputs.keys() == COUNTS.keys()
    assert result.counts is None


def test_inputs_without_rows_have_no_batch_size() -> None:
    assert predict(plane_of(answering({"y": [1]})), texts="a").batch_size is None


def test_the_models_that_are_served_are_told_in_their_order_with_or_without_versions() -> None:
    manager: Any = OneServable(FakeServable())
    unavailable = ManagerState.UNLOADING

    def merged(states: Sequence[ServableState]) -> list[ServableState]:
        return [ServableState(state.id, unavailable) for state in states]

    labels = {"empty": {}, "m": {"stable": 3}}
    plane = DataPlane(manager, merged_states=merged, labels=lambda: labels)
    empty, found = plane.served_models()
    assert (empty.name, empty.states, empty.labels) == ("empty", [], {})
    assert (found.name, found.labels) == ("m", {"stable": 3})
    assert [(state.id.version, state.state) for state in found.states] == [(3, unavailable)]
