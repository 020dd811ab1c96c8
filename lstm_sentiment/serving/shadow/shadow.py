"""Asks a shadow version in the background what another version answered, and compares the two.

Callers never see the shadow's answers, so its agreement on real traffic is known before any caller
gets one. Drawn texts wait for one thread. It rests for longer than it works, sends few texts
at once and stays out of the batching queue; texts beyond the limit are dropped and counted.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.example_pb2 import Example
from lstm_sentiment.serving.background_queue import BackgroundQueue
from lstm_sentiment.serving.inference.examples import INPUTS, TEXT_FEATURE
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.servable import Array
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.shadow.answers import (
    PREDICT_SIGNATURES,
    GivenAnswer,
    Judgement,
    comparable_part,
    judgements,
    largest_difference,
)
from lstm_sentiment.serving.shadow.drawn_texts import (
    DrawnTexts,
    ShadowQuestion,
    common_rows,
    joined,
)
from lstm_sentiment.serving.shadow.options import ShadowOptions, VersionOrLabel
from lstm_sentiment.serving.shadow.tally import (
    Disagreement,
    Pair,
    ShadowOutcome,
    ShadowTally,
    TallyCounts,
)
from lstm_sentiment.timeouts import timeout_or_none

logger = get_logger(__name__)

_RESTS_TIMES_WORK = 2.0
_SECONDS_BETWEEN_LOGS = 600.0


AskShadow = Callable[[ShadowQuestion], GivenAnswer]
"""Asks a version; raises `LstmSentimentError` if the version is gone or does not answer."""


class Shadow:
    """Draws texts from one model's answered requests and compares the shadow version's answers."""

    def __init__(
        self,
        options: ShadowOptions,
        model_name: str,
        ask: AskShadow,
        version_of_label: Callable[[str, str], int],
        *,
        when_known: Callable[[ShadowOutcome], None] = lambda outcome: None,
        with_texts: bool = False,
        max_waiting: int = 256,
        max_waiting_bytes: int = 16 * 2**20,
        max_group: int = 32,
        pause_seconds: float = 0.05,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepares to compare; `start` starts the thread.

        Args:
            options: The shadow version, and which requests it gets.
            model_name: The model, which `options` may leave out.
            ask: Asks a version.
            version_of_label: Called with a model's name and a version label; returns the version,
                or raises `InvalidInputError` for an unknown label.
            when_known: Called with the outcome of drawn texts; must be quick.
            with_texts: Whether the report may show the texts on which the versions disagree.
            max_waiting: Limit of texts in the queue.
            max_waiting_bytes: Limit of the memory of the requests in the queue, in bytes.
            max_group: Limit of texts in one question.
            pause_seconds: Pause that lets more texts come, to be sent together.
            draw: Returns random numbers in [0, 1).
            clock: Returns seconds since any fixed moment.
        """
        self._options, self._model_name = options, model_name
        self._ask, self._version_of_label = ask, version_of_label
        self._when_known, self._with_texts = when_known, with_texts
        self._draw, self._clock = draw, clock
        self._tally = ShadowTally(clock=clock)
        self._queue = BackgroundQueue[DrawnTexts](
            self.compare_waiting,
            name="shadow",
            max_rows=max_waiting,
            max_bytes=max_waiting_bytes,
            max_group=max_group,
            pause_seconds=pause_seconds,
            rest_ratio=_RESTS_TIMES_WORK,
            clock=clock,
        )
        self._outcome_known = threading.Condition()
        self._texts_without_outcome = 0
        self._next_log_at = -math.inf

    def start(self) -> None:
        """Starts the thread that sends texts and compares answers."""
        self._queue.start()

    def stop(self) -> None:
        """Stops the thread after its current question, and drops the texts in the queue."""
        for drawn in self._queue.stop():
            self._know(ShadowOutcome(drawn.pair, dropped=drawn.rows))

    def wait_until_idle(self, timeout_seconds: float | None = None) -> bool:
        """Waits until the outcome of every text drawn so far is known.

        Args:
            timeout_seconds: How long to wait at most; `None` for ever.

        Returns:
            Whether all outcomes were known in time.
        """
        with self._outcome_known:
            return self._outcome_known.wait_for(
                lambda: not self._texts_without_outcome, timeout_or_none(timeout_seconds)
            )

    @property
    def model_name(self) -> str:
        """The model of the versions."""
        return self._model_name

    def counts(self) -> TallyCounts:
        """Returns the tally as plain values, for another process."""
        return self._tally.counts()

    def report(self, others: Sequence[TallyCounts] = ()) -> dict[str, Any]:
        """Returns how often the versions agreed, for JSON: see `ShadowTally.report`.

        Args:
            others: The tallies of other processes, to be added.

        Returns:
            The tally's report with `model`, and with `of`, `to` and `share` as in
            `ShadowOptions.to_dict`.
        """
        return {"model": self._model_name, **self._options.to_dict(), **self._tally.report(others)}

    def __call__(
        self,
        servable_id: ServableId,
        signature_key: str,
        inputs: Mapping[str, Array],
        answer: GivenAnswer,
    ) -> None:
        """Draws from an answered request; does not wait, and never raises.

        Args:
            servable_id: The version that answered.
            signature_key: The signature that was run.
            inputs: The request, an array for each input by name.
            answer: The version's answer.
        """
        if servable_id.name != self._model_name:
            return
        is_classify = not isinstance(answer, Mapping)
        if not is_classify and signature_key not in PREDICT_SIGNATURES:
            return
        if self._draw() >= self._options.share:
            return
        try:
            self._take_in(servable_id, signature_key, is_classify, inputs, answer)
        except Exception as error:
            # The caller's request has succeeded and must not fail now. The message may quote a
            # text.
            logger.error("shadowing a request failed: %s", type(error).__name__)

    def compare_waiting(self) -> None:
        """Asks about the oldest texts in the queue, `max_group` at most."""
        groups: dict[Any, list[DrawnTexts]] = {}
        for drawn in self._queue.take():
            groups.setdefault(drawn.group(), []).append(drawn)
        for group in groups.values():
            self._compare(group)

    def _take_in(
        self,
        servable_id: ServableId,
        signature_key: str,
        is_classify: bool,
        inputs: Mapping[str, Array],
        answer: GivenAnswer,
    ) -> None:
        rows = common_rows(inputs)
        part = comparable_part(answer, rows)
        if not rows or part is None or not self._is_wanted(servable_id.version):
            return
        shadow_version = self._version_of(self._options.to)
        if shadow_version == servable_id.version:
            return
        pair = Pair(servable_id.version, shadow_version)
        self._tally.sampled(pair, rows)
        with self._outcome_known:
            self._texts_without_outcome += rows
        if shadow_version is None:
            self._failed(pair, rows, "its label points to no version")
            return
        shadow = ServableId(self._model_name, shadow_version)
        question = ShadowQuestion(shadow, signature_key, is_classify, inputs)
        drawn = DrawnTexts(pair, question, part, rows)
        kept = self._queue.put_rows(rows, drawn.size_bytes(), drawn.part)
        if kept < rows:
            self._know(ShadowOutcome(pair, dropped=rows - kept))

    def _is_wanted(self, version: int) -> bool:
        return self._options.of is None or self._version_of(self._options.of) == version

    def _version_of(self, asked: VersionOrLabel) -> int | None:
        if isinstance(asked, int):
            return asked
        try:
            return self._version_of_label(self._model_name, asked)
        except InvalidInputError:
            return None

    def _compare(self, group: Sequence[DrawnTexts]) -> None:
        """Asks one question about texts of the same group."""
        pair, rows = group[0].pair, sum(drawn.rows for drawn in group)
        if self._queue.is_stopped:
            self._know(ShadowOutcome(pair, dropped=rows))
            return
        try:
            shadow = judgements(self._ask(joined([drawn.question for drawn in group])))
            own = [judgement for drawn in group for judgement in judgements(drawn.answer)]
            if not len(shadow) == len(own) == rows:
                raise ValueError("there must be an answer for each text")
        except InvalidInputError as error:
            # One refused text must not fail the others.
            if len(group) == 1:
                self._failed(pair, rows, type(error).__name__)
                return
            for drawn in group:
                self._compare([drawn])
        except Exception as error:
            # The thread outlives any failure of a version.
            self._failed(pair, rows, type(error).__name__)
        else:
            self._know(self._outcome(pair, group, own, shadow))

    def _outcome(
        self,
        pair: Pair,
        group: Sequence[DrawnTexts],
        own: Sequence[Judgement],
        shadow: Sequence[Judgement],
    ) -> ShadowOutcome:
        differences, disagreements, agreed = [], [], 0
        places = ((drawn, row) for drawn in group for row in range(drawn.rows))
        for (drawn, row), one, other in zip(places, own, shadow, strict=True):
            difference = largest_difference(one, other)
            if difference is not None:
                differences.append(difference)
            if one.label == other.label:
                agreed += 1
            else:
                text = _text_of(drawn.question, row) if self._with_texts else None
                disagreements.append(Disagreement(one.label, other.label, difference, text))
        return ShadowOutcome(pair, agreed, disagreements, differences)

    def _failed(self, pair: Pair, rows: int, reason: str) -> None:
        if self._clock() >= self._next_log_at:
            self._next_log_at = self._clock() + _SECONDS_BETWEEN_LOGS
            logger.warning(
                "version %s of %s does not answer what version %s answers: %s; all such texts are "
                "counted, and one is logged in ten minutes",
                pair.shadow_version,
                self._model_name,
                pair.version,
                reason,
            )
        self._know(ShadowOutcome(pair, failed=rows))

    def _know(self, outcome: ShadowOutcome) -> None:
        self._tally.record(outcome)
        self._when_known(outcome)
        with self._outcome_known:
            self._texts_without_outcome -= sum(outcome.counts().values())
            self._outcome_known.notify_all()


def _text_of(question: ShadowQuestion, row: int) -> str | None:
    if question.is_classify:
        return _text_of_example(question.inputs[INPUTS][row])
    if len(question.inputs) != 1:
        return None
    (values,) = question.inputs.values()
    value = values[row]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None


def _text_of_example(serialized: bytes) -> str | None:
    try:
        features = Example.FromString(serialized).features.feature
    except DecodeError:
        return None
    # Indexing a missing feature would add it.
    values = features[TEXT_FEATURE].bytes_list.value if TEXT_FEATURE in features else ()
    return b" ".join(values).decode("utf-8", "replace") if values else None
