"""Logged answers beside the answers that the same requests get now."""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lstm_sentiment.training.evaluation.intervals import Estimate, estimate_accuracy
from lstm_sentiment.version_folder import (
    CLASSIFY,
    DEFAULT_SIGNATURE_KEY,
    TEXT,
    TOKENS,
    ExampleAnswer,
)
from lstm_sentiment.versions.logged_request import LoggedRequest
from lstm_sentiment.versions.verification.answers import Answers

MOST_EXAMPLES = 10
"""Changed answers that a result shows."""

# Labels whose probabilities are so close may be swapped by the rounding of another engine.
_TIE = 1e-5
_ENOUGH_TEXTS = 10


@dataclass(frozen=True)
class LoggedAnswer:
    """A text of a logged request with its answer.

    Attributes:
        signature: The signature to which the text is sent again.
        sent: The text, tokens and token ids, with label and probabilities as they were logged.
        version: The version that answered; `None` if the log does not name it.
        has_label: Whether the log holds a label, or the index of a class.
        has_probabilities: Whether the log holds probabilities.
    """

    signature: str
    sent: ExampleAnswer
    version: int | None
    has_label: bool
    has_probabilities: bool


@dataclass(frozen=True)
class ChangedAnswer:
    """A text whose answer differs from the answer in the log.

    Attributes:
        text: The text, or the token ids if ids were sent.
        logged_version: The version that answered then; `None` if the log does not name it.
        logged_label: The label then, or the index of the class if token ids were sent.
        label: The label now.
        difference: The largest difference of a probability; `None` if they cannot be compared.
    """

    text: str
    logged_version: int | None
    logged_label: str
    label: str
    difference: float | None


def logged_answers(request: LoggedRequest) -> Iterator[LoggedAnswer]:
    """Yields each text of a request, read with `as_ids`."""
    for row, text in enumerate(request.texts):
        tokens = () if request.tokens is None else request.tokens[row]
        ids = () if request.token_ids is None else request.token_ids[row]
        scores = () if request.probabilities is None else request.probabilities[row]
        label = None if request.labels is None else request.labels[row]
        if request.token_ids is not None and request.classifications is not None:
            label = str(request.classifications[row])
        sent = ExampleAnswer(text, tokens, ids, label or "", scores)
        yield LoggedAnswer(
            _signature(request), sent, request.version, label is not None, bool(scores)
        )


def _signature(request: LoggedRequest) -> str:
    if request.token_ids is not None:
        return DEFAULT_SIGNATURE_KEY
    if request.tokens is not None:
        return TOKENS
    return CLASSIFY if request.api in ("Classify", "MultiInference") else TEXT


@dataclass
class ReplayTally:
    """Counts how the answers of now differ from those of the log.

    Attributes:
        tolerance: Largest difference of a probability that is no change.
        texts: Number of texts compared.
        labels_changed: Number of those with another label.
        probabilities_changed: Number of those with a probability that is off by more than
            `tolerance`, or whose number of classes is another.
        largest_difference: Largest difference of a probability.
    """

    tolerance: float
    texts: int = 0
    labels_changed: int = 0
    probabilities_changed: int = 0
    largest_difference: float | None = None
    _labels_then: set[str] = field(default_factory=set)
    _labels_now: set[str] = field(default_factory=set)
    _kept: list[tuple[tuple[bool, float, int], ChangedAnswer]] = field(default_factory=list)

    def add(self, logged: LoggedAnswer, answers: Answers, row: int) -> None:
        """Compares one text's answers; `row` is its place among those of now."""
        self.texts += 1
        given = np.asarray(answers.probabilities[row], np.float64)
        difference = _difference(logged, given)
        is_off = logged.has_probabilities and not (
            difference is not None and difference <= self.tolerance
        )
        label = str(int(np.argmax(given))) if answers.labels is None else answers.labels[row]
        is_other = (
            logged.has_label
            and label != logged.sent.label
            and not _is_tie(given, difference, self.tolerance)
        )
        self.labels_changed += is_other
        if logged.has_label:
            self._labels_then.add(logged.sent.label)
            self._labels_now.add(label)
        self.probabilities_changed += is_off
        if difference is not None and math.isfinite(difference):
            self.largest_difference = max(self.largest_difference or 0.0, difference)
        if is_other or is_off:
            text = logged.sent.text or " ".join(map(str, logged.sent.token_ids))
            changed = ChangedAnswer(text, logged.version, logged.sent.label, label, difference)
            self._keep((is_other, math.inf if difference is None else difference), changed)

    @property
    def has_other_labels(self) -> bool:
        """True if no label of the log is given now, as where the log is of another model.

        Fewer than `_ENOUGH_TEXTS` texts do not tell.
        """
        is_told = self.texts >= _ENOUGH_TEXTS and bool(self._labels_then)
        return is_told and not self._labels_then & self._labels_now

    @property
    def share_changed(self) -> Estimate:
        """Share of the texts with another label, with its interval."""
        return estimate_accuracy(self.labels_changed, self.texts)

    @property
    def examples(self) -> tuple[ChangedAnswer, ...]:
        """Changed answers: those with another label first, then by the difference."""
        return tuple(changed for _, changed in sorted(self._kept, key=lambda kept: kept[0])[::-1])

    def _keep(self, rank: tuple[bool, float], changed: ChangedAnswer) -> None:
        entry = ((*rank, -self.texts), changed)  # the earlier of two equal ones
        if len(self._kept) < MOST_EXAMPLES:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)


def _difference(logged: LoggedAnswer, given: np.ndarray) -> float | None:
    then = np.asarray(logged.sent.probabilities)
    if not logged.has_probabilities or then.shape != given.shape:
        return None
    return float(np.abs(then - given).max())


def _is_tie(given: np.ndarray, difference: float | None, tolerance: float) -> bool:
    """Returns whether another label means nothing: two classes are as probable, then and now."""
    slack = min(tolerance, _TIE)
    if difference is None or not difference <= slack or len(given) < 2:
        return False
    second, first = np.sort(given)[-2:]
    return bool(first - second <= 2 * slack)
