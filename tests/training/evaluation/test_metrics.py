import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError, evaluate_predictions

NAMES = ("a", "b", "c")
pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1)


def test_scores_of_a_small_example_worked_out_by_hand() -> None:
    scores = evaluate_predictions([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 0, 2], NAMES)
    assert scores.confusion_matrix == ((2, 1, 0), (1, 1, 0), (0, 0, 1))
    assert scores.accuracy == pytest.approx(4 / 6)
    assert [c.precision for c in scores.classes] == pytest.approx([2 / 3, 1 / 2, 1])
    assert [c.recall for c in scores.classes] == pytest.approx([2 / 3, 1 / 2, 1])
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert [c.support for c in scores.classes] == [3, 2, 1]


@given(pairs)
def test_scores_stay_in_range_and_accuracy_is_the_diagonal(seen: list[tuple[int, int]]) -> None:
    labels, predicted = zip(*seen, strict=True)
    scores = evaluate_predictions(labels, predicted, NAMES)
    assert scores.accuracy == pytest.approx(np.mean([a == b for a, b in seen]))
    assert 0 <= scores.macro_f1 <= 1
    assert np.array(scores.confusion_matrix).sum() == len(seen)


def test_a_class_that_never_occurs_does_not_lower_macro_f1() -> None:
    assert evaluate_predictions([0, 1], [0, 1], NAMES).macro_f1 == 1


def test_a_class_that_is_always_missed_counts_as_zero() -> None:
    assert evaluate_predictions([0, 2], [0, 0], NAMES).macro_f1 == pytest.approx((2 / 3 + 0) / 2)


@pytest.mark.parametrize(("labels", "predicted"), [([], []), ([0], [0, 1])])
def test_refuses_what_cannot_be_compared(labels: list[int], predicted: list[int]) -> None:
    with pytest.raises(InvalidInputError, match="as many predictions as labels"):
        evaluate_predictions(labels, predicted, NAMES)
