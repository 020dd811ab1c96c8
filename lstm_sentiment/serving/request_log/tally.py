"""Counts what became of the requests that were sampled for the log."""

import threading
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class LogOutcome(NamedTuple):
    """What became of some sampled requests of one model.

    Attributes:
        written: Requests that are in a file.
        dropped: Requests for which there was no space in memory.
        failed: Requests that could not be written.
        bytes: Size of the records written.
        stops: Errors that stopped the log.
    """

    written: int = 0
    dropped: int = 0
    failed: int = 0
    bytes: int = 0
    stops: int = 0

    def statuses(self) -> dict[str, int]:
        """Returns the number of requests by the status code of their logging."""
        return {
            "OK": self.written,
            "RESOURCE_EXHAUSTED": self.dropped,
            "UNAVAILABLE": self.failed,
        }


class LogTally:
    """The outcomes of each model, added up. Safe to share among threads."""

    def __init__(self) -> None:
        """Begins at zero."""
        self._lock = threading.Lock()
        self._of_models: dict[str, LogOutcome] = {}

    def record(self, model_name: str, outcome: LogOutcome) -> None:
        """Adds an outcome."""
        with self._lock:
            before = self._of_models.get(model_name, LogOutcome())
            self._of_models[model_name] = LogOutcome(*map(sum, zip(before, outcome, strict=True)))

    def counts(self) -> dict[str, dict[str, int]]:
        """Returns the outcomes as plain values, by model."""
        with self._lock:
            return {name: outcome._asdict() for name, outcome in self._of_models.items()}

    def of_model(self, model_name: str, others: Iterable[Mapping[str, int]]) -> dict[str, int]:
        """Returns the outcomes of one model.

        Args:
            model_name: The model.
            others: The model's `counts` of other processes, to be added; may be empty.
        """
        found = [self.counts().get(model_name, {}), *others]
        return {name: sum(counts.get(name, 0) for counts in found) for name in LogOutcome._fields}
