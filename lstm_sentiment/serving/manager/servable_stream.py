"""All versions under one name, those in service and those that were; their labels too."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.manager.load_order import VersionSnapshot
from lstm_sentiment.serving.manager.loader_harness import LoaderHarness
from lstm_sentiment.serving.servable import ManagerState, ServableState

MAX_ENDED_VERSIONS = 100
"""How many versions of a stream are remembered after they have ended, the last to end first."""


class ServableStream:
    """One servable stream. Read and written under the manager's lock alone.

    Attributes:
        labels: The version each label points to.
    """

    def __init__(self, make_harness: Callable[[int, Path], LoaderHarness]) -> None:
        """Has no version yet.

        Args:
            make_harness: Makes the harness of a version from its number and folder.
        """
        self.labels: dict[str, int] = {}
        self._make_harness = make_harness
        self._harnesses: dict[int, LoaderHarness] = {}
        # Apart from the others, so that months of swaps slow no request down.
        self._ended: dict[int, ServableState] = {}

    def harnesses(self) -> Collection[LoaderHarness]:
        """The versions that have not ended, and those that are aspired though they could not load.

        Returns:
            A live view, in no order.
        """
        return self._harnesses.values()

    def harness(self, number: int) -> LoaderHarness:
        """The harness of one of the versions that `snapshots` tells of.

        Args:
            number: The version.

        Returns:
            Its harness.
        """
        return self._harnesses[number]

    def aspire(self, versions: Mapping[int, Path]) -> None:
        """Wants these versions served, and no others.

        Args:
            versions: The folder of each.
        """
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
        """Looks for a version that can answer.

        Args:
            number: Which one; `None` for the highest.

        Returns:
            Its harness, or `None` if there is no such version.
        """
        for candidate in sorted(self._harnesses, reverse=True) if number is None else (number,):
            harness = self._harnesses.get(candidate)
            if harness is not None and harness.state is ManagerState.AVAILABLE:
                return harness
        return None

    def snapshots(self) -> list[VersionSnapshot]:
        """What a policy may know of each version that has not ended."""
        return [VersionSnapshot(n, h.state, h.is_aspired) for n, h in self._harnesses.items()]

    def states(self) -> list[ServableState]:
        """The state of each version, those that have ended included; the highest first."""
        states = {n: h.servable_state() for n, h in self._harnesses.items()} | self._ended
        return [states[number] for number in sorted(states, reverse=True)]

    def last_load_error(self, number: int) -> ServableLoadError | None:
        """Why the last try to load a version failed, also while the next is to come.

        Args:
            number: The version.

        Returns:
            The error, or `None` if there is none.
        """
        known = self._harnesses.get(number) or self._ended.get(number)
        return None if known is None else known.error

    def put_away_ended(self) -> None:
        """Keeps no more than the state of versions that have ended, and forgets the oldest."""
        for number in [n for n, h in self._harnesses.items() if h.has_ended()]:
            self._ended[number] = self._harnesses.pop(number).servable_state()
        while len(self._ended) > MAX_ENDED_VERSIONS:
            del self._ended[next(iter(self._ended))]
