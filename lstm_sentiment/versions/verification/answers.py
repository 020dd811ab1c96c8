"""Compares answers, in one form for all transports, with the answers in the card."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_folder import (
    CLASSIFY,
    DEFAULT_SIGNATURE_KEY,
    EXPLAIN,
    IDS,
    ExampleAnswer,
    probabilities_of,
)


@dataclass(frozen=True)
class Expectation:
    """The expected answers of a version.

    Attributes:
        examples: Texts with their correct answers.
        label_names: The classes in id order.
        temperature: Divisor of the logits before the softmax.
        tolerance: Largest allowed difference of a probability. Labels whose probabilities are that
            close may be swapped.
        version: The version that must answer; `None` for any.
    """

    examples: Sequence[ExampleAnswer]
    label_names: Sequence[str]
    temperature: float
    tolerance: float
    version: int | None


@dataclass(frozen=True)
class Answers:
    """Answers of one signature to all texts of a card.

    Attributes:
        probabilities: One row for each text, one number for each class.
        labels: One label for each text; `None` if the signature returns no labels.
        classifications: Label ids; `None` if the signature returns none.
        tokens: Tokens of each text; `None` if the signature returns none.
        version: The version that answered; `None` if unknown.
    """

    probabilities: Sequence[Sequence[float]]
    labels: Sequence[str] | None = None
    classifications: Sequence[int] | None = None
    tokens: Sequence[Sequence[str]] | None = None
    version: int | None = None


def answers_from(
    signature: str, outputs: Mapping[str, Any], temperature: float, version: int | None = None
) -> Answers:
    """Converts the outputs of a signature.

    Args:
        signature: The signature's key.
        outputs: Lists by name, as JSON would hold them.
        temperature: Divisor of the logits before the softmax.
        version: The version that answered, if known.

    Raises:
        InvalidInputError: If an output is missing or malformed.
    """
    read = {
        DEFAULT_SIGNATURE_KEY: _of_ids,
        IDS: _of_ids,
        CLASSIFY: _of_classes,
        EXPLAIN: _of_explanations,
    }
    try:
        return replace(read.get(signature, _of_texts)(outputs, temperature), version=version)
    except KeyError as error:
        raise InvalidInputError(
            f"the signature must answer {error}. Received: {', '.join(outputs)}."
        ) from error
    except (TypeError, ValueError, IndexError) as error:
        raise InvalidInputError(
            f"the outputs must be those of the signature {signature!r}. Received: {error}."
        ) from error


def _of_texts(outputs: Mapping[str, Any], _: float) -> Answers:
    return Answers(
        outputs["probabilities"],
        labels=[str(label) for label in outputs["label"]],
        classifications=[int(index) for index in outputs["classification"]],
    )


def _of_ids(outputs: Mapping[str, Any], temperature: float) -> Answers:
    return Answers(
        probabilities_of(outputs["predict_scores"], temperature).tolist(),
        classifications=[int(index) for index in outputs["predict_classification"]],
    )


def _of_classes(outputs: Mapping[str, Any], _: float) -> Answers:
    best = [int(np.argmax(scores)) for scores in outputs["scores"]]
    return Answers(
        outputs["scores"],
        labels=[str(row[index]) for row, index in zip(outputs["classes"], best, strict=True)],
        classifications=best,
    )


def _of_explanations(outputs: Mapping[str, Any], _: float) -> Answers:
    return Answers(
        outputs["probabilities"],
        labels=[str(label) for label in outputs["label"]],
        tokens=[_without_padding([str(token) for token in row]) for row in outputs["tokens"]],
    )


def compare(answers: Answers, expected: Expectation) -> tuple[float | None, str | None]:
    """Compares answers to all examples, in order, with those of the card.

    Returns:
        The largest difference of a probability, `None` without comparable probabilities; and the
        first error in one line, `None` if all is right.
    """
    examples, tolerance = expected.examples, expected.tolerance
    problem = _other_version(answers, expected.version)
    wanted = np.array([example.probabilities for example in examples])
    try:
        given = np.array(answers.probabilities, dtype=np.float64)
    except (TypeError, ValueError):
        given = np.empty(0)  # rows of different lengths
    if given.shape != wanted.shape:
        return None, problem or (
            f"must answer probabilities of shape {wanted.shape}. Received: shape {given.shape}."
        )
    differences = np.abs(given - wanted).max(axis=1)
    worst = int(np.argmax(differences))  # the first NaN, if there is one
    off = float(differences[worst])
    if problem is None and not off <= tolerance:
        problem = (
            f"a probability of {_named(worst, examples)} is off by {off:.2g}, more than "
            f"{tolerance:g}"
        )
    problem = problem or _other_label(answers, expected) or _other_tokens(answers, examples)
    return off if math.isfinite(off) else None, problem


def _other_version(answers: Answers, version: int | None) -> str | None:
    if None in (version, answers.version) or answers.version == version:
        return None
    return f"version {answers.version} answered, and version {version} is on disk"


def _other_label(answers: Answers, expected: Expectation) -> str | None:
    known = dict(enumerate(expected.label_names))
    classified = [known.get(index, str(index)) for index in answers.classifications or ()]
    for kind, names in (("label", answers.labels), ("classification", classified)):
        for row, name in enumerate(names or ()):
            example = expected.examples[row]
            if name not in _right_labels(example, expected):
                return (
                    f"the {kind} of {_named(row, expected.examples)} is {name!r}, and "
                    f"{example.label!r} in the card"
                )
    return None


def _right_labels(example: ExampleAnswer, expected: Expectation) -> set[str]:
    """Returns the card's label, and every label as probable within the tolerance."""
    least = max(example.probabilities) - 2 * expected.tolerance
    pairs = zip(expected.label_names, example.probabilities, strict=True)
    return {example.label, *(name for name, probability in pairs if probability >= least)}


def _other_tokens(answers: Answers, examples: Sequence[ExampleAnswer]) -> str | None:
    for row, tokens in enumerate(answers.tokens or ()):
        given, right = tuple(tokens), examples[row].tokens[: len(examples[row].token_ids)]
        if given != right:
            return (
                f"the tokens of {_named(row, examples)} are {' '.join(given)!r}, and "
                f"{' '.join(right)!r} in the card"
            )
    return None


def _named(row: int, examples: Sequence[ExampleAnswer]) -> str:
    text = " ".join(examples[row].text.split())
    return f"text {row + 1} ({text if len(text) <= 12 else text[:12] + '…'})"


def _without_padding(tokens: Sequence[str]) -> Sequence[str]:
    return tokens[: max((index + 1 for index, token in enumerate(tokens) if token), default=0)]
