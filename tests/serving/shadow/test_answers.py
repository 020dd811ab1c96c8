"""What two versions say of the same text, side by side."""

import math
from typing import Any

import numpy as np
import pytest

from lstm_sentiment.serving.inference.classification import ScoredClass
from lstm_sentiment.serving.shadow.answers import (
    Judgement,
    comparable_part,
    judgements,
    largest_difference,
)


def objects(*values: bytes) -> Any:
    return np.array(values, dtype=object)


def test_texts_are_judged_by_label_and_probabilities() -> None:
    answer = {
        "label": objects(b"good", "坏".encode()),
        "classification": np.array([1, 0]),
        "probabilities": np.array([[0.25, 0.75], [0.5, 0.5]], np.float32),
    }
    assert judgements(answer) == [
        Judgement("good", {"0": 0.25, "1": 0.75}),
        Judgement("坏", {"0": 0.5, "1": 0.5}),
    ]


def test_logits_are_compared_as_probabilities() -> None:
    answer: dict[str, Any] = {
        "predict_classification": np.array([1], np.int64),
        "predict_scores": np.array([[1000.0, 1000.0 + math.log(3)]], np.float32),
    }
    (found,) = judgements(answer)
    assert found.label == "1"
    assert found.probabilities == pytest.approx({"0": 0.25, "1": 0.75}, abs=1e-4)


def test_classes_are_judged_by_the_highest_score() -> None:
    classes = [[ScoredClass("bad", 0.25), ScoredClass("good", 0.75)]]
    assert judgements(classes) == [Judgement("good", {"bad": 0.25, "good": 0.75})]


@pytest.mark.parametrize("outputs", [{}, {"y": np.zeros(2)}, {"label": np.array(b"x", object)}])
def test_an_answer_without_a_label_cannot_be_compared(outputs: dict[str, Any]) -> None:
    assert comparable_part(outputs, 2) is None


def test_the_part_compared_is_what_a_comparison_needs() -> None:
    answer = {"label": objects(b"a", b"b"), "tokens": objects(b"x", b"y")}
    part = comparable_part(answer, 1)
    assert isinstance(part, dict)
    assert {name: array.tolist() for name, array in part.items()} == {"label": [b"a"]}


@pytest.mark.parametrize(
    "outputs",
    [
        {"probabilities": np.zeros((1, 2))},
        {"label": np.array([[b"a"]], dtype=object)},
        {"label": objects(b"a"), "probabilities": np.zeros(2)},
        {"label": objects(b"a"), "probabilities": np.zeros((2, 2))},
        [[]],
    ],
)
def test_answers_of_another_form_are_refused(outputs: Any) -> None:
    with pytest.raises(ValueError, match="for each text"):
        judgements(outputs)


def test_the_largest_difference_is_that_of_any_class() -> None:
    one = Judgement("a", {"a": 0.5, "b": 0.25, "c": 0.25})
    other = Judgement("a", {"a": 0.5, "b": 0.5, "c": 0.0})
    assert largest_difference(one, other) == 0.25
    assert largest_difference(one, one) == 0


@pytest.mark.parametrize("other", [{}, {"a": 1.0}, {"a": 1.0, "x": 0.0}, {"a": 1.0, "b": math.nan}])
def test_probabilities_of_other_classes_have_no_difference(other: dict[str, float]) -> None:
    one = Judgement("a", {"a": 1.0, "b": 0.0})
    assert largest_difference(one, Judgement("a", other)) is None
