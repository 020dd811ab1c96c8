"""Texts drawn from a request, with the answer that the caller got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_sentiment.serving.servable import Array
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.shadow.answers import GivenAnswer
from lstm_sentiment.serving.shadow.tally import Pair


@dataclass(frozen=True)
class ShadowQuestion:
    """A question to the shadow version.

    Attributes:
        servable_id: The shadow version.
        signature_key: The signature that the first version answered by.
        is_classify: True for the Classify API, False for Predict.
        inputs: An array for each input of the signature, by name; the first dimension is the
            texts.
    """

    servable_id: ServableId
    signature_key: str
    is_classify: bool
    inputs: Mapping[str, Array]


@dataclass(frozen=True)
class DrawnTexts:
    """Texts of one request, with the first version's answer.

    Attributes:
        pair: The version that answered the caller, and the shadow version.
        question: The question to the shadow version.
        answer: The first version's answer, a row for each text.
        rows: Number of texts.
    """

    pair: Pair
    question: ShadowQuestion
    answer: GivenAnswer
    rows: int

    def part(self, begin: int, end: int) -> "DrawnTexts":
        """Returns the texts from `begin` up to `end`, as views."""
        answer: GivenAnswer = (
            {name: array[begin:end] for name, array in self.answer.items()}
            if isinstance(self.answer, Mapping)
            else self.answer[begin:end]
        )
        inputs = {name: array[begin:end] for name, array in self.question.inputs.items()}
        return DrawnTexts(self.pair, replace(self.question, inputs=inputs), answer, end - begin)

    def group(self) -> Any:
        """Returns a key that is equal for texts of one pair that fit into one question."""
        question = self.question
        widths = tuple(array.shape[1:] for array in question.inputs.values())
        return self.pair, question.signature_key, question.is_classify, widths

    def size_bytes(self) -> int:
        """Returns the memory of the inputs, in bytes."""
        return sum(map(_size_bytes, self.question.inputs.values()))


def joined(questions: Sequence[ShadowQuestion]) -> ShadowQuestion:
    """Joins questions of one group into one.

    Args:
        questions: At least one.
    """
    first = questions[0]
    if len(questions) == 1:
        return first
    inputs = {name: np.concatenate([q.inputs[name] for q in questions]) for name in first.inputs}
    return replace(first, inputs=inputs)


def common_rows(inputs: Mapping[str, Array]) -> int:
    """Returns the first dimension that all inputs share; 0 where they share none."""
    rows = {len(array) if array.ndim else 0 for array in inputs.values()}
    return rows.pop() if len(rows) == 1 else 0


def _size_bytes(array: Array) -> int:
    return sum(map(len, array.ravel().tolist())) if array.dtype.hasobject else array.nbytes
