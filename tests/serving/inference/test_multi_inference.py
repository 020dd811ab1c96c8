import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.inference.multi_inference import (
    CLASSIFY_METHOD,
    REGRESS_METHOD,
    InferenceResult,
    InferenceTask,
)
from lstm_sentiment.serving.inference.results import ModelSpec
from tests.serving.fake_servables import FakeServable, plane_of


@pytest.fixture
def servable() -> FakeServable:
    return (
        FakeServable()
        .add("kind", {"classes": [["a"], ["b"]]})
        .add("price", {"outputs": np.array([1, 2], np.float32)})
        .add("rooms", {"outputs": np.array([3, 4], np.float32)})
    )


def task(signature: str, method_name: str, model: str = "m") -> InferenceTask:
    return InferenceTask(model, signature, method_name)


def infer(
    servable: FakeServable, tasks: list[InferenceTask], examples: list[bytes]
) -> Sequence[InferenceResult]:
    asked = plane_of(servable).multi_inference(ModelSpec("m"), tasks, examples)
    return asyncio.run(asked).results


KIND, PRICE = task("kind", CLASSIFY_METHOD), task("price", REGRESS_METHOD)


def test_each_task_is_answered_of_the_same_examples(servable: FakeServable) -> None:
    price, kind = infer(servable, [PRICE, KIND], [b"1", b"2"])
    assert (price.signature_key, price.regressions, price.classifications) == (
        "price",
        [1.0, 2.0],
        None,
    )
    assert (kind.signature_key, kind.classifications, kind.regressions) == (
        "kind",
        [[("a", 0.0)], [("b", 0.0)]],
        None,
    )
    assert [inputs["inputs"].tolist() for _, inputs in servable.received] == 2 * [[b"1", b"2"]]


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([task("kind", CLASSIFY_METHOD, "")], "Found ModelSpec with an empty model name."),
        (
            [KIND, task("price", REGRESS_METHOD, "n")],
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        ([KIND, KIND], "Duplicate evaluation of signature: kind"),
        ([task("x", REGRESS_METHOD)], "Requested signature not found in model graph: x"),
        ([task("price", CLASSIFY_METHOD)], "Expected classification signature outputs to contain"),
        ([PRICE, task("kind", REGRESS_METHOD)], "No regression outputs found in SignatureDef"),
    ],
)
def test_tasks_that_do_not_fit_are_refused_before_any_is_run(
    servable: FakeServable, tasks: list[InferenceTask], message: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        infer(servable, tasks, [b"1", b"2"])
    assert str(caught.value).startswith(message)
    assert servable.received == []


def test_another_method_is_not_implemented(servable: FakeServable) -> None:
    with pytest.raises(
        NotImplementedInServingError, match=r"^Unsupported signature method_name: p"
    ):
        infer(servable, [KIND, task("price", "predict")], [b"1"])
    assert servable.received == []


def test_examples_are_needed(servable: FakeServable) -> None:
    with pytest.raises(InvalidInputError, match=r"^Input is empty\.$"):
        infer(servable, [KIND], [])
