"""The states of versions in several processes, as one server would tell them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lstm_sentiment.serving.manager_state import ManagerState


class VersionState(NamedTuple):
    """The state of a version in one process, as plain values.

    Attributes:
        name: The model.
        version: The version's number.
        state: Its state.
        error: The message of the failed load that ended it; else `None`.
        engine: The engine that answers; `None` while it is not loaded.
    """

    name: str
    version: int
    state: ManagerState
    error: str | None = None
    engine: str | None = None


class Report(NamedTuple):
    """What a worker serves.

    Attributes:
        number: Higher than that of the worker's earlier reports.
        states: The states of its versions.
        config: The serialized config in force.
    """

    number: int
    states: Sequence[VersionState]
    config: bytes


def merged_states(processes: Iterable[Sequence[VersionState]]) -> list[VersionState]:
    """Merges the states of versions in several processes.

    A version is AVAILABLE once all processes have it available, as a request may reach any of
    them: until then it has the state of the one that is furthest behind. It has failed where it
    failed in one.

    Args:
        processes: The states that each process knows.

    Returns:
        A state for each version that a process knows, by model as they first come, a model's
        highest version first.
    """
    found: dict[str, dict[int, list[VersionState]]] = {}
    number_of_processes = 0
    for states in processes:
        number_of_processes += 1
        for state in states:
            found.setdefault(state.name, {}).setdefault(state.version, []).append(state)
    return [
        _merged(versions[version], number_of_processes)
        for versions in found.values()
        for version in sorted(versions, reverse=True)
    ]


def lacks(states: Iterable[VersionState], others: Sequence[Sequence[VersionState]]) -> list[str]:
    """Names the versions that all other processes have available and one process has not."""
    own = _available(states)
    available = [_available(each) for each in others]
    in_all = set.intersection(*available) if available else set()
    return [f"version {version} of model {name}" for name, version in sorted(in_all - own)]


def _available(states: Iterable[VersionState]) -> set[tuple[str, int]]:
    return {(s.name, s.version) for s in states if s.state is ManagerState.AVAILABLE}


def _merged(states: Sequence[VersionState], number_of_processes: int) -> VersionState:
    failed = next((state for state in states if state.error is not None), None)
    if failed is not None:
        return failed
    lowest = min(states, key=lambda state: state.state)
    highest = max(state.state for state in states)
    if highest <= ManagerState.AVAILABLE:
        # A process that does not know the version yet will, with its next poll.
        is_everywhere = len(states) == number_of_processes
        return lowest if is_everywhere else lowest._replace(state=ManagerState.START)
    # A process that was started later does not know versions that were unloaded before.
    return lowest if lowest.state == highest else lowest._replace(state=ManagerState.UNLOADING)
