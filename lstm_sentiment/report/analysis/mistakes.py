"""Which texts were given a wrong label, the surest of them first, and what spoke for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.versions.labelled_answers import LabelledAnswers

if TYPE_CHECKING:
    from lstm_sentiment.client.answers import Explanation

Explain = Callable[[Sequence[str]], "list[Explanation]"]
"""Takes texts, gives an explanation of each in order."""

SHOWN = 20
"""How many mistakes a report shows."""


@dataclass(frozen=True)
class Mistake:
    """A text that was given a wrong label.

    Attributes:
        text: As it was given.
        label: What it is labelled.
        given: What the version says.
        given_probability: Of what the version says.
        label_probability: What the version leaves for the text's own label.
        times: How often the same text occurs with the same label.
        explanation: Its tokens and what they spoke for; `None` where the version cannot tell.
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
    """How often texts of one class were given another.

    Attributes:
        label: What they are labelled.
        given: What the version says.
        texts: How many there are.
        share: Of all texts of `label`.
    """

    label: str
    given: str
    texts: int
    share: float


def surest_mistakes(
    scores: LabelledAnswers, explain: Explain | None, *, limit: int = SHOWN
) -> tuple[Mistake, ...]:
    """Finds the wrong labels that the version was surest of.

    Args:
        scores: What it said.
        explain: Asks it what spoke for that. `None` where it cannot tell.
        limit: How many at most. A text that occurs several times counts once.

    Returns:
        The surest first.
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
    except InvalidInputError:  # of a version without the signature: it is shown without colours
        return [None] * len(texts)


def most_frequent_confusions(
    confusion_matrix: Sequence[Sequence[int]], label_names: Sequence[str], *, limit: int
) -> tuple[Confusion, ...]:
    """Finds what is mistaken for what.

    Args:
        confusion_matrix: Number of texts by true class (outer) and given class (inner).
        label_names: The classes in id order.
        limit: How many at most.

    Returns:
        Those with most texts first.
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
