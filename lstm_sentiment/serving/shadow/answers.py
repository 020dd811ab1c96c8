"""Compares the answers of two versions to the same text."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lstm_sentiment.serving.inference.classification import Classifications
from lstm_sentiment.serving.servable import Array
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY, TEXT, TOKENS, probabilities_of

PREDICT_SIGNATURES = frozenset({TEXT, TOKENS, DEFAULT_SIGNATURE_KEY})
"""Signatures whose answers to Predict can be compared; for Classify, all can."""

# The first of these outputs that a version has is its label.
_LABELS = ("label", "classification", "predict_classification")
_PROBABILITIES, _LOGITS = "probabilities", "predict_scores"
_COMPARED = (*_LABELS, _PROBABILITIES, _LOGITS)

Outputs = Mapping[str, Array]

GivenAnswer = Outputs | Classifications
"""All outputs of Predict, or the classes of Classify."""


class Judgement(NamedTuple):
    """A version's answer for one text.

    Attributes:
        label: The predicted class.
        probabilities: Probability of each class, by its name or number; empty where the version
            returns none.
    """

    label: str
    probabilities: Mapping[str, float]


def comparable_part(answer: GivenAnswer, rows: int) -> GivenAnswer | None:
    """Selects the outputs that a comparison needs.

    Args:
        answer: The answer.
        rows: Number of rows, counted from the first.

    Returns:
        Views of these outputs; `None` if the answer has no label.
    """
    if not isinstance(answer, Mapping):
        return answer[:rows]
    part = {name: answer[name][:rows] for name in _COMPARED if _has_rows(answer.get(name))}
    return part if any(name in part for name in _LABELS) else None


def judgements(answer: GivenAnswer) -> list[Judgement]:
    """Splits an answer into one judgement for each text.

    Args:
        answer: An answer with a label.

    Raises:
        ValueError: If the answer has another form than those of this package's signatures.
    """
    if not isinstance(answer, Mapping):
        return [_of_classes(classes) for classes in answer]
    labels = next((answer[name] for name in _LABELS if name in answer), None)
    if labels is None or labels.ndim != 1:
        raise ValueError("there must be a label for each text")
    given = [_as_text(label) for label in labels.tolist()]
    found = _probabilities(answer)
    if found is None:
        return [Judgement(label, {}) for label in given]
    if found.ndim != 2 or len(found) != len(given):
        raise ValueError("there must be probabilities for each text")
    names = [str(number) for number in range(found.shape[1])]
    return [
        Judgement(label, dict(zip(names, row, strict=True)))
        for label, row in zip(given, found.tolist(), strict=True)
    ]


def largest_difference(one: Judgement, other: Judgement) -> float | None:
    """Returns the largest difference of a class's probability between two judgements of a text.

    Returns:
        The difference; `None` where the judgements have no probabilities of the same classes.
    """
    if not one.probabilities or one.probabilities.keys() != other.probabilities.keys():
        return None
    found = [abs(p - other.probabilities[name]) for name, p in one.probabilities.items()]
    return max(found) if all(map(math.isfinite, found)) else None


def _of_classes(classes: Sequence[tuple[str, float]]) -> Judgement:
    if not classes:
        raise ValueError("there must be a class for each text")
    label, _ = max(classes, key=lambda scored: scored[1])
    return Judgement(label, dict(classes))


def _probabilities(outputs: Outputs) -> Array | None:
    if _PROBABILITIES in outputs:
        return outputs[_PROBABILITIES]
    if _LOGITS not in outputs:
        return None
    logits = outputs[_LOGITS]
    return probabilities_of(logits) if logits.size else logits


def _has_rows(array: Array | None) -> bool:
    return array is not None and array.ndim > 0


def _as_text(label: bytes | int) -> str:
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
