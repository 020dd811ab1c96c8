"""What two versions say of the same text, side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lstm_sentiment.serving.inference.classification import Classifications
from lstm_sentiment.serving.servable import Array
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY, TEXT, TOKENS

PREDICT_SIGNATURES = frozenset({TEXT, TOKENS, DEFAULT_SIGNATURE_KEY})
"""Signatures whose answers to Predict can be compared; of Classify, every one."""

# The first that there is tells the label.
_LABELS = ("label", "classification", "predict_classification")
_PROBABILITIES, _LOGITS = "probabilities", "predict_scores"
_COMPARED = (*_LABELS, _PROBABILITIES, _LOGITS)

Outputs = Mapping[str, Array]

GivenAnswer = Outputs | Classifications
"""The outputs of Predict, all of them, or the classes of Classify."""


class Judgement(NamedTuple):
    """What a version says of one text.

    Attributes:
        label: The class that it gives the text.
        probabilities: Of each class, by its name or its number; empty where it tells none.
    """

    label: str
    probabilities: Mapping[str, float]


def comparable_part(answer: GivenAnswer, rows: int) -> GivenAnswer | None:
    """Takes from an answer what a comparison needs.

    Args:
        answer: The answer.
        rows: How many of its rows are wanted: the first ones.

    Returns:
        Views, no copies; `None` if the answer holds no label.
    """
    if not isinstance(answer, Mapping):
        return answer[:rows]
    part = {name: answer[name][:rows] for name in _COMPARED if _has_rows(answer.get(name))}
    return part if any(name in part for name in _LABELS) else None


def judgements(answer: GivenAnswer) -> list[Judgement]:
    """Reads an answer.

    Args:
        answer: One with a label in it.

    Returns:
        What it says of each text.

    Raises:
        ValueError: If it is not of the form that our signatures have.
    """
    if not isinstance(answer, Mapping):
        return [_of_classes(classes) for classes in answer]
    labels = next((answer[name] for name in _LABELS if name in answer), None)
    if labels is None or labels.ndim != 1:
        raise ValueError("there must be a label for each text")
    told = [_as_text(label) for label in labels.tolist()]
    found = _probabilities(answer)
    if found is None:
        return [Judgement(label, {}) for label in told]
    if found.ndim != 2 or len(found) != len(told):
        raise ValueError("there must be probabilities for each text")
    names = [str(number) for number in range(found.shape[1])]
    return [
        Judgement(label, dict(zip(names, row, strict=True)))
        for label, row in zip(told, found.tolist(), strict=True)
    ]


def largest_difference(one: Judgement, other: Judgement) -> float | None:
    """Tells how far apart two judgements of a text are.

    Args:
        one: A version's.
        other: Another's.

    Returns:
        The largest difference that a class's probability has; `None` where they do not tell
        probabilities of the same classes.
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
    logits = outputs[_LOGITS].astype(np.float64)
    if not logits.size:
        return logits
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: Array = raised / raised.sum(axis=-1, keepdims=True)
    return found


def _has_rows(array: Array | None) -> bool:
    return array is not None and array.ndim > 0


def _as_text(label: bytes | int) -> str:
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
