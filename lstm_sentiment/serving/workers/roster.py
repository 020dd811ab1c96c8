"""The workers there are, and what they agree on: config, states and counts."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.serving.counts import Counts
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.workers.asking import ask_all
from lstm_sentiment.serving.workers.outcomes import outcome_of
from lstm_sentiment.serving.workers.states import Report, VersionState, lacks, merged_states
from lstm_sentiment.serving.workers.worker_process import WorkerProcess
from lstm_sentiment.timeouts import timeout_or_none

logger = get_logger(__name__)

_SECONDS_FOR_COUNTS = 2.0
_SECONDS_OF_PATIENCE = 5.0


class Roster:
    """Answers the workers' messages. Safe to share among threads.

    Attributes:
        changed: Guards all other attributes; notified when one of them, or a worker's, has changed.
        workers: The workers that have not ended, by number.
        restarts: How many workers took the place of one that had ended.
        is_stopping: No worker is started any more.
    """

    def __init__(self, size: int) -> None:
        """Begins without a worker.

        Args:
            size: The number of workers there shall be.
        """
        self.changed = threading.Condition()
        self.workers: dict[int, WorkerProcess] = {}
        self.restarts = 0
        self.is_stopping = False
        self._size = size
        self._started = time.time()
        self._ended = Counts()
        self._config = b""
        self._have_all_loaded = self._is_reloading = False
        self._one_reload = threading.Lock()

    def handlers(self) -> dict[str, Callable[[WorkerProcess, Any], Any]]:
        """Returns what is called for each message of a worker, by its kind."""
        return {
            "changed": self._note_report,
            "counted": self._note_counts,
            "ready": self._note_ready,
            "refused": self._note_refusal,
            "join": self._join,
            "reload": self._reload,
            "gather": self._gather,
        }

    def are_ready(self) -> bool:
        """Returns whether there are all workers, and all of them listen."""
        return self._is_complete() and all(each.is_ready for each in self.workers.values())

    def states(self) -> list[VersionState]:
        """Returns the states of all versions, merged over the workers."""
        with self.changed:
            return merged_states([w.states for w in self.workers.values() if w.is_serving])

    def remove(self, worker: WorkerProcess) -> None:
        """Removes a worker that has ended, and keeps what it has counted."""
        with self.changed:
            self._ended = self._ended.ended(worker.counts)
            if self.workers.get(worker.number) is worker:
                del self.workers[worker.number]
            self._tell_states()
            self.changed.notify_all()

    def _is_complete(self) -> bool:
        return len(self.workers) == self._size

    def _serving(self, *, but: WorkerProcess) -> list[WorkerProcess]:
        return [w for w in self.workers.values() if w.is_serving and w is not but]

    def _note_report(self, worker: WorkerProcess, report: Report) -> None:
        with self.changed:
            if report.number <= worker.last_report:
                return  # it was overtaken by a newer one
            if not self._config or (worker.is_serving and report.config != worker.config):
                self._config = report.config  # the last that one of them took
            worker.last_report, worker.states, worker.config = report
            self._tell_states()
            self.changed.notify_all()

    def _note_counts(self, worker: WorkerProcess, counts: Counts) -> None:
        worker.counts = counts

    def _note_ready(self, worker: WorkerProcess, content: None) -> None:
        with self.changed:
            worker.is_ready = True
            self.changed.notify_all()

    def _note_refusal(self, worker: WorkerProcess, outcome: bytes) -> None:
        worker.outcome = outcome

    def _join(self, worker: WorkerProcess, report: Report) -> bytes | None:
        """Waits until a worker that has loaded its models may listen.

        Returns:
            `None`, or a config that the others serve and the worker has to load first.
        """
        with self.changed:
            self._note_report(worker, report)
            worker.has_loaded = True
            missing = self._lacking(worker)
            if missing:
                logger.info("worker %s waits for %s", worker.number, ", ".join(missing))
            self.changed.wait_for(lambda: self.is_stopping or self._may_go_on(worker))
            if worker.config != self._config and not self.is_stopping:
                return self._config
            worker.is_serving = True
            self._tell_states()
            return None

    def _may_go_on(self, worker: WorkerProcess) -> bool:
        if self._is_reloading:
            return False
        if not self._have_all_loaded:
            self._have_all_loaded = self._is_complete() and all(
                each.has_loaded for each in self.workers.values()
            )
            self.changed.notify_all()
        is_other_config = worker.config != self._config
        return self._have_all_loaded and (is_other_config or not self._lacking(worker))

    def _lacking(self, worker: WorkerProcess) -> list[str]:
        return lacks(worker.states, [other.states for other in self._serving(but=worker)])

    def _reload(self, asker: WorkerProcess, content: tuple[bytes, float | None]) -> bytes | None:
        """Makes all workers serve a config, or all of them the one of before.

        Returns:
            What kept the first worker from it; `None` if all of them serve it.
        """
        config, timeout_seconds = content
        timeout = timeout_or_none(timeout_seconds)
        if not self._one_reload.acquire(timeout=-1 if timeout is None else timeout):
            return outcome_of(ServableUnavailableError("another config is still being loaded."))
        try:
            with self.changed:
                self._is_reloading = True
                workers, before = self._serving(but=asker), self._config
            # The one that was asked comes first: what it refuses, it says in its own words.
            return self._reload_all([asker, *workers], config, before, timeout)
        finally:
            with self.changed:
                self._is_reloading = False
                self.changed.notify_all()
            self._one_reload.release()

    def _reload_all(
        self, workers: list[WorkerProcess], config: bytes, before: bytes, timeout: float | None
    ) -> bytes | None:
        patience = None if timeout is None else timeout + _SECONDS_OF_PATIENCE
        refused: list[bytes] = []
        took: list[WorkerProcess] = []
        content = config, timeout
        answers = ask_all(workers, lambda w: w.channel.ask("reload", content, patience))
        for worker, answer in zip(workers, answers, strict=True):
            if isinstance(answer, Exception):
                # One that has ended loads the config when another takes its place.
                if not worker.channel.has_ended:
                    refused.append(outcome_of(answer))
                continue
            outcome, report = answer
            self._note_report(worker, report)
            if outcome is None:
                took.append(worker)
            else:
                refused.append(outcome)
        if refused and before:
            back = before, None
            for worker in took:
                logger.warning("worker %s goes back to the config of before", worker.number)
            ask_all(took, lambda w: w.channel.ask("reload", back, patience))
        return refused[0] if refused else None

    def _gather(self, asker: WorkerProcess, own: Counts) -> tuple[Any, ...]:
        """Returns what the others have counted, including ended ones: see `Gathered`."""
        with self.changed:
            asker.counts = own
            others = self._serving(but=asker)
            ended, restarts = self._ended, self.restarts
            processes = [
                {"number": number, "pid": worker.pid, "ready": worker.is_ready}
                for number, worker in sorted(self.workers.items())
            ]
        answers = ask_all(others, lambda w: w.channel.ask("counts", None, _SECONDS_FOR_COUNTS))
        for worker, answer in zip(others, answers, strict=True):
            if isinstance(answer, Counts):
                # Kept: a counter on a page must never be lower than on an earlier one.
                worker.counts = answer
        counts = [worker.counts for worker in others]
        known = frozenset().union(own.known, *(each.known for each in counts))
        with self.changed:
            self._ended = self._ended.of_versions(known)
        return (
            counts,
            ended.of_versions(known),
            self._started,
            os.getpid(),
            {"count": self._size, "restarts": restarts, "processes": processes},
        )

    def _tell_states(self) -> None:
        """Tells each worker the states of the others; the lock must be held."""
        for worker in self.workers.values():
            worker.channel.tell("others", [o.states for o in self._serving(but=worker)])
