"""Finds the misclassified texts: the most confident mistakes, and the most frequent confusions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.versions.labelled_answers import LabelledAnswers

if TYPE_CHECKING:
    from lstm_sentiment.client.answers import Explanation

Explain = Callable[[Sequence[str]], "list[Explanation]"]
"""Explains the classification of texts, one explanation for each text in order."""

SHOWN = 20
"""Number of mistakes in a report."""


@dataclass(frozen=True)
class Mistake:
    """A misclassified text.

    Attributes:
        text: The text as it was given.
        label: Its true label.
        given: The predicted label.
        given_probability: Probability of the predicted label.
        label_probability: Probability of the true label.
        times: Number of occurrences of the same text with the same label.
        explanation: Its tokens and attributions; `None` if the version cannot explain.
    """

    text: str
    label: str
    given: str
    given_probability: float
    label_probability: float
    times: int
    explanation: "Explanation | None"


@dataclass(frozen=True)
class Confusion:
    """A pair of classes that are mistaken for one another.

    Attributes:
        label: The true label.
        given: The predicted label.
        texts: Number of texts.
        share: Their share of all texts of `label`.
    """

    label: str
    given: str
    texts: int
    share: float


def confident_mistakes(
    scores: LabelledAnswers, explain: Explain | None, *, limit: int = SHOWN
) -> tuple[Mistake, ...]:
    """Returns the wrong predictions with the highest probabilities.

    Args:
        scores: The version's answers.
        explain: Explains predictions; `None` leaves explanations out.
        limit: Maximum number of mistakes. A text that occurs several times counts once.

    Returns:
        The mistakes, the most confident first.
    """
    wrong = np.flatnonzero(~scores.is_right)
    wrong = wrong[np.argsort(-scores.confidences[wrong], kind="stable")]
    places: dict[tuple[str, int], list[int]] = {}
    for place in wrong.tolist():
        key = scores.corpus.texts[place], scores.corpus.labels[place]
        if key in places or len(places) < limit:
            places.setdefault(key, []).append(place)
    firsts = [same[0] for same in places.values()]
    explanations = _explanations([scores.corpus.texts[place] for place in firsts], explain)
    names = scores.corpus.label_names
    return tuple(
        Mistake(
            text=scores.corpus.texts[place],
            label=names[scores.labels[place]],
            given=names[scores.predicted[place]],
            given_probability=float(scores.confidences[place]),
            label_probability=float(scores.probabilities[place, scores.labels[place]]),
            times=len(same),
            explanation=explanation,
        )
        for place, same, explanation in zip(firsts, places.values(), explanations, strict=True)
    )


def _explanations(texts: Sequence[str], explain: Explain | None) -> "Sequence[Explanation | None]":
    if not texts or explain is None:
        return [None] * len(texts)
    try:
        return explain(texts)
    except InvalidInputError:  # the version has no signature `explain`
        return [None] * len(texts)


def most_frequent_confusions(
    confusion_matrix: Sequence[Sequence[int]], label_names: Sequence[str], *, limit: int
) -> tuple[Confusion, ...]:
    """Returns the most frequent pairs of a true label and a wrong prediction, at most `limit`.

    Args:
        confusion_matrix: Number of texts by true class (outer) and predicted class (inner).
        label_names: The classes in id order.
        limit: Maximum number of pairs.
    """
    counts = np.array(confusion_matrix, np.int64)
    sizes = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts.ravel(), kind="stable")[:limit]
    return tuple(
        Confusion(
            label_names[true],
            label_names[given],
            int(counts[true, given]),
            float(counts[true, given] / sizes[true]),
        )
        for true, given in (divmod(int(place), len(label_names)) for place in order)
        if counts[true, given]
    )
