"""Compares the texts of answered requests with what a version's card keeps of training."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lstm_sentiment.drift.evidence import DriftTest
from lstm_sentiment.drift.features import MeasuredTexts, Tally
from lstm_sentiment.drift.hours import HourlyTally, PlainHours, drift_report
from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.serving.background_queue import BackgroundQueue
from lstm_sentiment.serving.counts import Counts
from lstm_sentiment.serving.inference.results import Answer, ClassifyResult, PredictResult
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.monitoring.text_statistics import Ask, token_counts
from lstm_sentiment.serving.monitoring.version_lookup import BasePath, served_version_dir
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import load_card

logger = get_logger(__name__)

DRIFT = "drift"
"""The name of what is counted, among the counts of a process."""

_MOST_TEXTS = 256
_MOST_BYTES = 16 * 2**20
_PAUSE_SECONDS = 1.0


class _Waiting(NamedTuple):
    servable_id: ServableId
    text: bytes
    oov_rate: float | None
    answer: tuple[int, float] | None


class _Version:
    """What is known of one version: its test, if its card allows one, and its counts."""

    def __init__(self) -> None:
        self.test: DriftTest | None = None
        self.is_looked_up = False
        self.hours = HourlyTally()


class DriftMonitor:
    """An `Observer` that counts the features of texts. Safe to share among threads.

    Texts wait for the thread in memory, a second at most; what does not fit is left out, so that
    under load a sample is compared. Words are counted only if the version's card has them: no text
    and no new word is kept.

    Raises:
        InvalidInputError: If `alpha` is out of its range.
    """

    def __init__(self, alpha: float, *, now: Callable[[], float] = time.time) -> None:
        """Prepares to compare; `start` starts the thread.

        Args:
            alpha: Largest probability that a version ever raises a false alarm.
            now: Returns seconds since 1970.
        """
        self._alpha, self._now = alpha, now
        self._ask: Ask | None = None
        self._base_path: BasePath | None = None
        # Guards the versions and their counts.
        self._lock = threading.Lock()
        self._versions: dict[ServableId, _Version] = {}
        self._queue = BackgroundQueue[_Waiting](
            self.compare_waiting,
            name="drift-monitor",
            max_rows=_MOST_TEXTS,
            max_bytes=_MOST_BYTES,
            max_group=_MOST_TEXTS,
            pause_seconds=_PAUSE_SECONDS,
        )

    def start(self, ask: Ask, base_path: BasePath) -> None:
        """Starts the thread that compares.

        Args:
            ask: Returns token counts, where the engine has not made them: see `asking`.
            base_path: Finds the folder of a model.
        """
        self._ask, self._base_path = ask, base_path
        self._queue.start()

    def stop(self) -> None:
        """Stops the thread, and drops the texts in the queue."""
        self._queue.stop()

    def state_changed(self, state: ServableState) -> None:
        """Begins or drops the counts of a version; called for every state of every version."""
        with self._lock:
            if state.state is ManagerState.END:
                self._versions.pop(state.id, None)
            else:
                self._versions.setdefault(state.id, _Version())

    def __call__(self, request: AnsweredRequest) -> None:
        """Queues the texts of a successful request; does not wait."""
        if not request.texts or request.version is None or request.status != "OK":
            return
        texts, servable_id = request.texts, ServableId(request.model_name, request.version)
        answers = _answers(request.answer, len(texts))
        counts = request.counts
        rates: Sequence[float | None] = [None] * len(texts)
        if counts is not None and len(counts.tokens.tokens) == len(texts):
            rates = counts.tokens.oov_rates.tolist()
        self._queue.put_all(
            (_Waiting(servable_id, *row), len(row[0]))
            for row in zip(texts, rates, answers, strict=True)
        )

    def compare_waiting(self) -> None:
        """Counts all texts in the queue, unless `stop` was called."""
        while waiting := self._queue.take():
            by_version: dict[ServableId, list[_Waiting]] = {}
            for one in waiting:
                by_version.setdefault(one.servable_id, []).append(one)
            for servable_id, found in by_version.items():
                if not self._queue.is_stopped:
                    self._count(servable_id, found)

    def counts(self) -> Counts:
        """Returns what was counted, to be merged with other processes."""
        with self._lock:
            found = {_group(key): version.hours.counts() for key, version in self._versions.items()}
        return Counts({group: {DRIFT: hours} for group, hours in found.items() if hours})

    def report(
        self, servable_id: ServableId, others: Iterable[Counts] = ()
    ) -> dict[str, Any] | None:
        """Says whether the texts of a version have drifted.

        Args:
            servable_id: The version.
            others: The counts of other processes.

        Returns:
            See `drift_report`; `None` if the version's card keeps nothing to compare with, or the
            version is not here.
        """
        with self._lock:
            version = self._versions.get(servable_id)
            hours: list[PlainHours] = [] if version is None else [version.hours.counts()]
        test = None if version is None else self._test(servable_id, version)
        if test is None:
            return None
        of_others = (each.sums.get(_group(servable_id), {}).get(DRIFT, {}) for each in others)
        return drift_report(test, [*hours, *of_others])

    def reports(self, others: Sequence[Counts] = ()) -> dict[ServableId, dict[str, Any]]:
        """Returns the `report` of each version that has one."""
        with self._lock:
            known = list(self._versions)
        found = {servable_id: self.report(servable_id, others) for servable_id in known}
        return {key: report for key, report in found.items() if report is not None}

    def _count(self, servable_id: ServableId, waiting: Sequence[_Waiting]) -> None:
        with self._lock:
            version = self._versions.get(servable_id)
        try:
            test = None if version is None else self._test(servable_id, version)
            if version is None or test is None:
                return
            tally = _tally(test.reference, self._with_oov_rates(servable_id, waiting))
        except Exception as error:
            # The thread outlives any failure. The message may quote a text.
            logger.error("comparing texts of %s failed: %s", servable_id, type(error).__name__)
            return
        with self._lock:
            version.hours.add(tally, self._now())

    def _test(self, servable_id: ServableId, version: _Version) -> DriftTest | None:
        if not version.is_looked_up:
            try:
                folder = self._base_path and served_version_dir(servable_id, self._base_path)
                if folder is None:  # the config that adds the model is not in force yet
                    return None
                reference = DriftReference.from_card(load_card(folder), folder)
                version.test = DriftTest(reference, alpha=self._alpha)
            except LstmSentimentError as error:
                logger.warning("no look at drift: %s", error)
            version.is_looked_up = True
        return version.test

    def _with_oov_rates(
        self, servable_id: ServableId, waiting: Sequence[_Waiting]
    ) -> list[_Waiting]:
        asked = [one for one in waiting if one.oov_rate is None]
        found = [one for one in waiting if one.oov_rate is not None]
        if not asked:
            return found
        texts = [one.text for one in asked]
        try:
            outputs = self._ask and self._ask(servable_id.name, servable_id.version, texts)
        except LstmSentimentError:  # gone, or too busy
            outputs = None
        counts = token_counts(outputs, len(texts))
        if counts is None:
            return [*found, *asked]
        rates = counts.oov_rates.tolist()
        measured = (one._replace(oov_rate=r) for one, r in zip(asked, rates, strict=True))
        return [*found, *measured]


def _tally(reference: DriftReference, waiting: Sequence[_Waiting]) -> Tally:
    """Counts texts; some may lack an OOV rate, some an answer with class and confidence."""
    kinds: dict[tuple[bool, bool], list[_Waiting]] = {}
    for one in waiting:
        kinds.setdefault((one.oov_rate is None, one.answer is None), []).append(one)
    return Tally.sum(
        Tally.of_flags(reference.features.flags(_measured(kind))) for kind in kinds.values()
    )


def _measured(waiting: Sequence[_Waiting]) -> MeasuredTexts:
    """Returns texts of one kind."""
    rates = [one.oov_rate for one in waiting if one.oov_rate is not None]
    answers = [one.answer for one in waiting if one.answer is not None]
    return MeasuredTexts(
        [one.text.decode("utf-8", "replace") for one in waiting],
        oov_rates=np.array(rates) if rates else None,
        classes=np.array([place for place, _ in answers]) if answers else None,
        confidences=np.array([share for _, share in answers]) if answers else None,
    )


def _answers(answer: Answer | None, size: int) -> list[tuple[int, float] | None]:
    """Returns class id and probability for each of `size` texts; `None` if they are not known."""
    if isinstance(answer, ClassifyResult) and len(answer.classifications) == size:
        scores = [[scored.score for scored in row] for row in answer.classifications]
    elif isinstance(answer, PredictResult) and "probabilities" in answer.outputs:
        scores = answer.outputs["probabilities"].tolist()
    else:
        scores = []
    if len(scores) != size or not all(scores):
        return [None] * size
    return [(row.index(max(row)), max(row)) for row in scores]


def _group(servable_id: ServableId) -> tuple[str, str]:
    return servable_id.name, str(servable_id.version)
