"""Texts that wait to be shown to a second version: never more than there is room for."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_sentiment.serving.servable import Array
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.shadow.answers import GivenAnswer
from lstm_sentiment.serving.shadow.tally import Pair


@dataclass(frozen=True)
class ShadowQuestion:
    """Texts that a second version is asked about.

    Attributes:
        servable_id: Which version.
        signature_key: The signature that the first version answered by.
        is_classify: Whether by Classify; else by Predict.
        inputs: An array for each input of the signature, by name; a row for each text.
    """

    servable_id: ServableId
    signature_key: str
    is_classify: bool
    inputs: Mapping[str, Array]


@dataclass(frozen=True)
class DrawnTexts:
    """Some texts of one request, and what the caller was told of them.

    Attributes:
        pair: The version that answered, and the one that is to answer too.
        question: The texts.
        answer: What the first version said of each.
        rows: How many texts.
        size_bytes: What they take in memory.
    """

    pair: Pair
    question: ShadowQuestion
    answer: GivenAnswer
    rows: int
    size_bytes: int

    def part(self, begin: int, end: int, size_bytes: int) -> "DrawnTexts":
        """Takes some of the texts.

        Args:
            begin: The first.
            end: The one after the last.
            size_bytes: What to count for them.

        Returns:
            Views of those.
        """
        answer: GivenAnswer = (
            {name: array[begin:end] for name, array in self.answer.items()}
            if isinstance(self.answer, Mapping)
            else self.answer[begin:end]
        )
        inputs = {name: array[begin:end] for name, array in self.question.inputs.items()}
        question = replace(self.question, inputs=inputs)
        return DrawnTexts(self.pair, question, answer, end - begin, size_bytes)

    def group(self) -> Any:
        """Those of one group can be asked about together, and belong to the same two versions."""
        question = self.question
        widths = tuple(array.shape[1:] for array in question.inputs.values())
        return self.pair, question.signature_key, question.is_classify, widths


def drawn_texts(pair: Pair, question: ShadowQuestion, answer: GivenAnswer) -> DrawnTexts:
    """Gathers the texts of a request.

    Args:
        pair: The version that answered, and the one that is to answer too.
        question: The texts.
        answer: What the first version said of each.
    """
    size_bytes = sum(map(_size_bytes, question.inputs.values()))
    return DrawnTexts(pair, question, answer, common_rows(question.inputs), size_bytes)


def joined(questions: Sequence[ShadowQuestion]) -> ShadowQuestion:
    """Makes one question of several of the same group.

    Args:
        questions: At least one.
    """
    first = questions[0]
    if len(questions) == 1:
        return first
    inputs = {name: np.concatenate([q.inputs[name] for q in questions]) for name in first.inputs}
    return replace(first, inputs=inputs)


def common_rows(inputs: Mapping[str, Array]) -> int:
    """Counts the texts in a request.

    Args:
        inputs: An array for each input.

    Returns:
        How many there are; 0 where that cannot be told.
    """
    rows = {len(array) if array.ndim else 0 for array in inputs.values()}
    return rows.pop() if len(rows) == 1 else 0


class ShadowQueue:
    """A line with a limit, first come first served. Safe to share among threads."""

    def __init__(self, *, max_texts: int, max_bytes: int, max_group: int) -> None:
        """Holds nothing yet.

        Args:
            max_texts: How many texts may wait.
            max_bytes: How many bytes the requests may have whose texts wait.
            max_group: How many texts are taken at once.
        """
        self._max_texts, self._max_bytes, self._max_group = max_texts, max_bytes, max_group
        self._condition = threading.Condition()
        self._waiting: deque[DrawnTexts] = deque()
        self._texts = self._bytes = 0
        self._is_closed = False

    def put(self, drawn: DrawnTexts) -> int:
        """Takes in as many texts as there is room for; does not wait.

        Args:
            drawn: Of one request.

        Returns:
            How many: the first ones.
        """
        with self._condition:
            has_room = self._bytes + drawn.size_bytes <= self._max_bytes and not self._is_closed
            rows = min(drawn.rows, self._max_texts - self._texts) if has_room else 0
            if not rows:
                return 0
            for begin in range(0, rows, self._max_group):
                end = min(begin + self._max_group, rows)
                # The arrays are there in full until the last part of them is gone.
                size_bytes = drawn.size_bytes if end == rows else 0
                self._waiting.append(drawn.part(begin, end, size_bytes))
            self._texts += rows
            self._bytes += drawn.size_bytes
            self._condition.notify()
            return rows

    def take(self) -> list[DrawnTexts]:
        """Takes out as many texts as are taken at once, those of several requests maybe."""
        return self._take_while(lambda rows: rows <= self._max_group)

    def close(self) -> list[DrawnTexts]:
        """Takes in nothing any more.

        Returns:
            All that still waited.
        """
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
        return self._take_while(lambda rows: True)

    def wait(self) -> bool:
        """Waits for texts.

        Returns:
            Whether there are any; `False` once it is closed.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._waiting or self._is_closed)
            return not self._is_closed

    def _take_while(self, may_be: Callable[[int], bool]) -> list[DrawnTexts]:
        taken: list[DrawnTexts] = []
        rows = 0
        with self._condition:
            # No part has more texts than a group may have.
            while self._waiting and may_be(rows + self._waiting[0].rows):
                drawn = self._waiting.popleft()
                rows += drawn.rows
                self._texts -= drawn.rows
                self._bytes -= drawn.size_bytes
                taken.append(drawn)
        return taken


def _size_bytes(array: Array) -> int:
    return sum(map(len, array.ravel().tolist())) if array.dtype.hasobject else array.nbytes
