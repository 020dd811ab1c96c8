"""What is learned of texts with labels, soft labels or both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import Corpus
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.training.inputs.soft_targets import (
    SoftTargets,
    count_learned,
    soft_targets,
    tempered,
)

NAMES = ("bad", "good")
TRAIN = Corpus.from_rows([("a", "bad"), ("b", "good"), ("c", "good")])
DEV = Corpus.from_rows([("Dev text!", "bad"), ("e", "good")])


def taught(texts: dict[str, float], *, weight: float = 0.25, smoothing: float = 0.0) -> SoftTargets:
    """The targets where the teacher gives each text this probability of `good`."""
    rows = np.array([[1 - good, good] for good in texts.values()], np.float32)
    soft = SoftLabels(tuple(texts), rows, NAMES)
    found = soft_targets(soft, TRAIN, DEV, weight=weight, temperature=1.0, smoothing=smoothing)
    assert count_learned(TRAIN, DEV, soft) == len(found.labels)
    return found


def test_labels_and_soft_labels_of_a_text_are_mixed_and_other_texts_follow() -> None:
    found = taught({"new": 0.75, "c": 0.5, "a": 1.0})
    assert found.more_texts == ("new",)
    np.testing.assert_allclose(
        found.targets, [[0.75, 0.25], [0.0, 1.0], [0.125, 0.875], [0.25, 0.75]], rtol=1e-6
    )
    assert found.targets.dtype == np.float32
    assert found.labels.tolist() == [0, 1, 1, 1]


def test_dev_texts_and_careless_copies_of_them_are_left_out() -> None:
    found = taught({"DEV TEXT": 0.5, "e": 0.5, "Dev text!": 0.5, "f": 0.5})
    assert found.more_texts == ("f",)
    assert len(found.targets) == len(TRAIN) + 1


def test_smoothing_is_for_labels_alone() -> None:
    found = taught({"a": 1.0, "new": 1.0}, weight=0.5, smoothing=0.2)
    np.testing.assert_allclose(
        found.targets, [[0.45, 0.55], [0.1, 0.9], [0.1, 0.9], [0.0, 1.0]], rtol=1e-6
    )


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=5),
    st.floats(0, 1),
    st.floats(0.05, 20),
)
def test_targets_are_probabilities_whatever_weight_and_temperature(
    drawn: list[float], weight: float, temperature: float
) -> None:
    texts = ("a", "b", "c", "d", "f")[: len(drawn)]
    rows = np.array([[1 - good, good] for good in drawn], np.float32)
    found = soft_targets(
        SoftLabels(texts, rows, NAMES), TRAIN, DEV, weight=weight, temperature=temperature
    )
    assert (found.targets >= 0).all()
    np.testing.assert_allclose(found.targets.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_temperature_divides_the_logits(temperature: float) -> None:
    logits = np.array([[0.0, 1.0, -2.0], [3.0, 3.0, 0.0]])

    def softmax(values: np.ndarray) -> np.ndarray:
        powers = np.exp(values)
        return powers / powers.sum(axis=1, keepdims=True)

    found = tempered(softmax(logits).astype(np.float32), temperature)
    np.testing.assert_allclose(found, softmax(logits / temperature), atol=1e-6)


def test_a_class_that_is_out_of_the_question_stays_so() -> None:
    rows = np.array([[0, 1]], np.float32)
    np.testing.assert_array_equal(tempered(rows, 1.0), rows)
    np.testing.assert_allclose(tempered(rows, 0.5), rows, atol=1e-6)


def test_a_teacher_that_is_always_sure_can_be_made_less_so() -> None:
    rows = np.array([[0, 1]], np.float32)
    assert 0.05 < tempered(rows, 5.0)[0, 0] < 0.1
