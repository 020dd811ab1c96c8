"""Has a second version answer what a first one answered, a little later and unseen by callers.

A canary: what the second version would have said of real traffic is known before anybody is told
it. Texts wait for one thread, and nowhere else. It rests for longer than it works, asks about few
texts at once and never stands in the line of requests for a batch; where more texts are drawn than
it gets to, the rest is dropped and counted.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.example import example_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.classification import INPUTS, TEXT
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
from lstm_sentiment.serving.shadow.options import ShadowOptions, VersionOrLabel
from lstm_sentiment.serving.shadow.queue import (
    DrawnTexts,
    ShadowQuestion,
    ShadowQueue,
    common_rows,
    drawn_texts,
    joined,
)
from lstm_sentiment.serving.shadow.tally import Disagreement, Pair, ShadowOutcome, ShadowTally

logger = logging.getLogger(__name__)

_RESTS_TIMES_WORK = 2.0
_SECONDS_BETWEEN_LOGS = 600.0


AskShadow = Callable[[ShadowQuestion], GivenAnswer]
"""Asks a version; raises `LstmSentimentError` where it is gone or does not answer."""


class Shadow:
    """Draws from the answers of one model, and compares them with another version's."""

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
            options: Which requests, and who answers them again.
            model_name: The model, where `options` may not name it.
            ask: Asks a version.
            version_of_label: Tells the version that a label of a model points to, and raises
                `InvalidInputError` where there is no such label.
            when_known: Told what became of texts; must be quick.
            with_texts: Whether the texts of disagreements may be kept and shown.
            max_waiting: How many texts may wait.
            max_waiting_bytes: How many bytes the requests that wait may have.
            max_group: How many texts are asked about at once.
            pause_seconds: How long texts wait for more, so that they are asked about together.
            draw: Gives numbers from 0 up to 1 at random.
            clock: Seconds, from any point on.
        """
        self._options, self._model_name = options, model_name
        self._ask, self._version_of_label = ask, version_of_label
        self._when_known, self._with_texts = when_known, with_texts
        self._pause_seconds = pause_seconds
        self._draw, self._clock = draw, clock
        self._tally = ShadowTally(clock=clock)
        self._queue = ShadowQueue(
            max_texts=max_waiting, max_bytes=max_waiting_bytes, max_group=max_group
        )
        self._is_stopped = threading.Event()
        self._outcome_known = threading.Condition()
        self._texts_without_outcome = 0
        self._next_log_at = -math.inf
        self._thread = threading.Thread(target=self._run, name="shadow")

    def start(self) -> None:
        """Starts the thread that asks and compares."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after a question under way; texts that wait are dropped."""
        self._is_stopped.set()
        for drawn in self._queue.close():
            self._know(ShadowOutcome(drawn.pair, dropped=drawn.rows))
        if self._thread.ident is not None:
            self._thread.join()

    def wait_until_idle(self, timeout_seconds: float | None = None) -> bool:
        """Waits until the outcome of every text drawn so far is known.

        Args:
            timeout_seconds: How long to wait at most; `None` for ever.

        Returns:
            Whether all outcomes were known in time.
        """
        with self._outcome_known:
            return self._outcome_known.wait_for(
                lambda: not self._texts_without_outcome, timeout_seconds
            )

    def report(self) -> dict[str, Any]:
        """Tells how often the versions agreed, as JSON has it: see `ShadowTally.report`.

        Returns:
            That, with `model`, and with `of`, `to` and `share` as in `ShadowOptions.to_dict`.
        """
        return {"model": self._model_name, **self._options.to_dict(), **self._tally.report()}

    def __call__(
        self,
        servable_id: ServableId,
        signature_key: str,
        inputs: Mapping[str, Array],
        answer: GivenAnswer,
    ) -> None:
        """Draws from what was asked; does not wait, and does not fail.

        Args:
            servable_id: The version that answered.
            signature_key: The signature that was run.
            inputs: What was asked, an array for each input by name.
            answer: What was answered.
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
            # A request that was answered is not to fail for this. Its message may quote a text.
            logger.error("shadowing a request failed: %s", type(error).__name__)

    def compare_waiting(self) -> None:
        """Asks about some of the texts that wait, as many as are asked about at once."""
        groups: dict[Any, list[DrawnTexts]] = {}
        for drawn in self._queue.take():
            groups.setdefault(drawn.group(), []).append(drawn)
        for group in groups.values():
            self._compare(group)

    def _run(self) -> None:
        while self._queue.wait() and not self._is_stopped.wait(self._pause_seconds):
            began = self._clock()
            self.compare_waiting()
            self._is_stopped.wait(_RESTS_TIMES_WORK * (self._clock() - began))

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
        kept = self._queue.put(drawn_texts(pair, question, part))
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
        """Asks about texts that can be asked about together."""
        pair, rows = group[0].pair, sum(drawn.rows for drawn in group)
        if self._is_stopped.is_set():
            self._know(ShadowOutcome(pair, dropped=rows))
            return
        try:
            shadow = judgements(self._ask(joined([drawn.question for drawn in group])))
            own = [judgement for drawn in group for judgement in judgements(drawn.answer)]
            if not len(shadow) == len(own) == rows:
                raise ValueError("there must be an answer for each text")
        except InvalidInputError as error:
            # One text that the version refuses is not to take the others with it.
            if len(group) == 1:
                self._failed(pair, rows, type(error).__name__)
                return
            for drawn in group:
                self._compare([drawn])
        except Exception as error:
            # Whatever a version does, this thread must live on.
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
    """The text that a version was asked about, where it was asked by one."""
    if question.is_classify:
        return _text_of_example(question.inputs[INPUTS][row])
    if len(question.inputs) != 1:
        return None
    (values,) = question.inputs.values()
    value = values[row]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None


def _text_of_example(serialized: bytes) -> str | None:
    try:
        features = example_pb2.Example.FromString(serialized).features.feature
    except DecodeError:
        return None
    # Looking for a feature that is not there would add it.
    values = features[TEXT].bytes_list.value if TEXT in features else ()
    return b" ".join(values).decode("utf-8", "replace") if values else None
