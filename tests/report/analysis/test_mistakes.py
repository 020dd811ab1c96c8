"""The mistakes that a report shows."""

import pytest

from lstm_sentiment import InvalidInputError
from lstm_sentiment.report.analysis.mistakes import confident_mistakes, most_frequent_confusions
from tests.report.evaluations import explain, make_evaluation

TEXTS = ("a", "b", "c", "b", "d", "b")
LABELS = (0, 0, 0, 0, 1, 1)
PROBABILITIES = ((0.9, 0.1), (0.2, 0.8), (0.4, 0.6), (0.2, 0.8), (0.99, 0.01), (0.2, 0.8))


def test_the_confident_mistakes_come_first_and_each_text_once() -> None:
    scores = make_evaluation(TEXTS, LABELS, PROBABILITIES, names=("no", "yes")).scores
    mistakes = confident_mistakes(scores, explain)
    assert [(one.text, one.label, one.given, one.times) for one in mistakes] == [
        ("d", "yes", "no", 1),
        ("b", "no", "yes", 2),
        ("c", "no", "yes", 1),
    ]
    assert mistakes[0].given_probability == pytest.approx(0.99)
    assert mistakes[0].label_probability == pytest.approx(0.01)
    assert mistakes[0].explanation is not None
    assert mistakes[0].explanation.tokens == ("d",)
    assert [one.text for one in confident_mistakes(scores, explain, limit=2)] == ["d", "b"]


def test_a_version_that_cannot_explain_has_mistakes_without_tokens() -> None:
    def refuse(texts: object) -> list[object]:
        raise InvalidInputError("There must be a signature `explain`.")

    scores = make_evaluation(TEXTS, LABELS, PROBABILITIES, names=("no", "yes")).scores
    for way in (None, refuse):
        mistakes = confident_mistakes(scores, way)  # type: ignore[arg-type]
        assert [one.explanation for one in mistakes] == [None] * 3


def test_nobody_is_asked_where_all_is_right() -> None:
    def fail(texts: object) -> list[object]:
        raise AssertionError("must not be asked")

    scores = make_evaluation(("a",), (0,), ((0.9, 0.1),), names=("no", "yes")).scores
    assert confident_mistakes(scores, fail) == ()  # type: ignore[arg-type]


def test_confusions_are_told_with_their_share_of_the_true_class() -> None:
    matrix = ((5, 0, 5), (1, 9, 0), (0, 0, 3))
    found = most_frequent_confusions(matrix, ("a", "b", "c"), limit=5)
    assert [(one.label, one.given, one.texts, one.share) for one in found] == [
        ("a", "c", 5, 0.5),
        ("b", "a", 1, 0.1),
    ]
    assert len(most_frequent_confusions(matrix, ("a", "b", "c"), limit=1)) == 1
