"""All versions under one name, present and ended, and their labels."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.manager.load_order import VersionSnapshot
from lstm_sentiment.serving.manager.loader_harness import LoaderHarness
from lstm_sentiment.serving.servable import ManagerState, ServableState

MAX_ENDED_VERSIONS = 100
"""Ended versions of a stream whose state is remembered; the oldest are forgotten."""


class ServableStream:
    """One servable stream. Read and written only under the manager's lock.

    Attributes:
        labels: The version number of each label.
    """

    def __init__(self, make_harness: Callable[[int, Path], LoaderHarness]) -> None:
        """Creates a stream without versions; `make_harness` gets a version's number and folder."""
        self.labels: dict[str, int] = {}
        self._make_harness = make_harness
        self._harnesses: dict[int, LoaderHarness] = {}
        # Apart from the others, so that months of swaps slow no request down.
        self._ended: dict[int, ServableState] = {}

    def harnesses(self) -> Collection[LoaderHarness]:
        """Returns a live view of the versions that have not ended or are still aspired."""
        return self._harnesses.values()

    def harness(self, number: int) -> LoaderHarness:
        """Returns the harness of a version of `snapshots`."""
        return self._harnesses[number]

    def aspire(self, versions: Mapping[int, Path]) -> None:
        """Sets the aspired versions, each with its folder; all others are let go."""
        for number, harness in self._harnesses.items():
            if number not in versions:
                harness.let_go()
        for number, path in versions.items():
            self._ended.pop(number, None)
            if number in self._harnesses:
                self._harnesses[number].aspire(path)
            else:
                self._harnesses[number] = self._make_harness(number, path)

    def find_available(self, number: int | None) -> LoaderHarness | None:
        """Returns the available version of a number, or the highest for `None`."""
        for candidate in sorted(self._harnesses, reverse=True) if number is None else (number,):
            harness = self._harnesses.get(candidate)
            if harness is not None and harness.state is ManagerState.AVAILABLE:
                return harness
        return None

    def snapshots(self) -> list[VersionSnapshot]:
        """Returns the snapshots, for a policy, of all versions that have not ended."""
        return [VersionSnapshot(n, h.state, h.is_aspired) for n, h in self._harnesses.items()]

    def states(self) -> list[ServableState]:
        """Returns the states of all versions, ended ones included, the highest version first."""
        states = {n: h.servable_state() for n, h in self._harnesses.items()} | self._ended
        return [states[number] for number in sorted(states, reverse=True)]

    def last_load_error(self, number: int) -> ServableLoadError | None:
        """Returns why the last load of a version failed, also while a retry is due."""
        known = self._harnesses.get(number) or self._ended.get(number)
        return None if known is None else known.error

    def put_away_ended(self) -> None:
        """Reduces ended versions to their state, and forgets the oldest beyond the limit."""
        for number in [n for n, h in self._harnesses.items() if h.has_ended()]:
            self._ended[number] = self._harnesses.pop(number).servable_state()
        while len(self._ended) > MAX_ENDED_VERSIONS:
            del self._ended[next(iter(self._ended))]
