"""Signatures and outputs of any form; what a SavedModel answers is in the transports' tests."""

import asyncio
from typing import Any

import numpy as np
import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.regression import Regressions
from lstm_sentiment.serving.inference.results import ModelSpec
from tests.serving.fake_servables import FakeServable, plane_of

VALUES = np.array([0.25, -1], np.float32)


def answering(inputs: tuple[str, ...] = ("inputs",), **outputs: Any) -> FakeServable:
    return FakeServable().add("regress", outputs, inputs)


def regress(servable: FakeServable, key: str, examples: list[bytes]) -> Regressions:
    return asyncio.run(plane_of(servable).regress(ModelSpec("m"), key, examples)).regressions


@pytest.mark.parametrize("outputs", [VALUES, VALUES[:, None]])
def test_examples_are_run_as_one_batch(outputs: Any) -> None:
    servable = answering(outputs=outputs)
    assert regress(servable, "regress", [b"1", b"2"]) == [0.25, -1.0]
    [(key, inputs)] = servable.received
    assert key == "regress"
    assert inputs["inputs"].tolist() == [b"1", b"2"]


@pytest.mark.parametrize(
    ("servable", "message"),
    [
        (answering((), outputs=VALUES), "Expected one input Tensor."),
        (answering(("a", "inputs"), outputs=VALUES), "Expected one input Tensor."),
        (answering(), "Expected one output Tensor."),
        (answering(outputs=VALUES, x=VALUES), "Expected one output Tensor."),
        (
            answering(outputs=VALUES[None, :, None]),
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            "[1,2,1]",
        ),
        (
            answering(outputs=np.zeros((2, 3), np.float32)),
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            "[2,3]",
        ),
        (
            answering(outputs=np.float32(1)),
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got []",
        ),
        (
            answering(outputs=VALUES[:1]),
            "Input batch size did not match output batch size: 2 vs. 1",
        ),
        (
            answering(outputs=VALUES.astype(np.float64)),
            "Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE",
        ),
    ],
)
def test_what_is_no_regression_is_refused_as_by_tensorflow_serving(
    servable: FakeServable, message: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        regress(servable, "regress", [b"1", b"2"])
    assert str(caught.value) == message


def test_tensors_of_other_names_are_told_apart() -> None:
    for servable, message in (
        (answering(("text",), outputs=VALUES), "No regression inputs found in SignatureDef"),
        (answering(y=VALUES), "No regression outputs found in SignatureDef"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            regress(servable, "regress", [b"1", b"2"])


def test_an_empty_input_is_refused_before_it_is_run_and_after_the_signature_is_known() -> None:
    servable = answering(outputs=VALUES)
    with pytest.raises(InvalidInputError, match=r"^Input is empty\.$"):
        regress(servable, "regress", [])
    with pytest.raises(InvalidInputError, match=r"^No signature was found with the name: x$"):
        regress(servable, "x", [])
    assert servable.received == []
