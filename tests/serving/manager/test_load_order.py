from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.manager.load_order import (
    Action,
    ActionKind,
    AspiredVersionPolicy,
    VersionSnapshot,
    availability_preserving_action,
    resource_preserving_action,
)
from lstm_sentiment.serving.manager.loader_harness import LoaderHarness, LoadRetries
from lstm_sentiment.serving.manager.servable_stream import ServableStream
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from tests.serving.scripted_loaders import FakeServable, ScriptedLoader, ScriptedLoaders

START, LOADING, AVAILABLE, UNLOADING, END = ManagerState
VERSIONS = st.frozensets(st.integers(0, 30), max_size=8)


def load(version: int) -> Action:
    return Action(ActionKind.LOAD, version)


def unload(version: int) -> Action:
    return Action(ActionKind.UNLOAD, version)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], None),
        ([(1, START, True)], load(1)),
        ([(1, START, True), (2, START, True)], load(2)),
        ([(1, LOADING, True)], None),
        ([(1, AVAILABLE, True)], None),
        # The new one is loaded while the old one still answers ...
        ([(1, AVAILABLE, False), (2, START, True)], load(2)),
        ([(1, AVAILABLE, False), (2, LOADING, True)], None),
        # ... which goes when the new one answers, and stays when it cannot.
        ([(1, AVAILABLE, False), (2, AVAILABLE, True)], unload(1)),
        ([(1, AVAILABLE, False), (2, END, True)], None),
        # One old version is enough to keep the stream answering.
        ([(1, AVAILABLE, False), (2, AVAILABLE, False), (3, START, True)], unload(1)),
        ([(1, AVAILABLE, False)], unload(1)),
        ([(1, UNLOADING, False), (2, START, True)], load(2)),
        ([(1, END, False), (2, END, True)], None),
        ([(1, START, False)], None),
    ],
)
def test_availability_preserving_action(
    versions: list[tuple[int, ManagerState, bool]], expected: Action | None
) -> None:
    assert availability_preserving_action([VersionSnapshot(*v) for v in versions]) == expected


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], None),
        ([(1, START, True), (2, START, True)], load(2)),
        ([(1, AVAILABLE, True), (2, START, True)], load(2)),
        # The old one goes first, and the new one waits until it is gone ...
        ([(1, AVAILABLE, False), (2, START, True)], unload(1)),
        ([(1, UNLOADING, False), (2, START, True)], None),
        ([(1, END, False), (2, START, True)], load(2)),
        # ... all of them, also one that is still being loaded.
        ([(1, AVAILABLE, False), (2, AVAILABLE, False), (3, START, True)], unload(1)),
        ([(1, LOADING, False), (2, START, True)], None),
        ([(1, LOADING, True), (2, START, True)], load(2)),
        ([(1, END, True), (2, AVAILABLE, False)], unload(2)),
    ],
)
def test_resource_preserving_action(
    versions: list[tuple[int, ManagerState, bool]], expected: Action | None
) -> None:
    assert resource_preserving_action([VersionSnapshot(*v) for v in versions]) == expected


LEGAL_STEPS = {
    (START, LOADING),
    (START, END),
    (LOADING, AVAILABLE),
    (LOADING, END),
    (AVAILABLE, UNLOADING),
    (UNLOADING, END),
    (END, START),
}


class Simulation:
    """A stream that any number of threads work at, in whatever order hypothesis likes."""

    def __init__(self, policy: AspiredVersionPolicy, broken: frozenset[int]) -> None:
        self.policy, self.broken = policy, broken
        self.aspired: frozenset[int] = frozenset()
        self.history: dict[int, list[ManagerState]] = {}
        self.stream = ServableStream(self.make_harness)

    def make_harness(self, number: int, path: Path) -> LoaderHarness:
        return LoaderHarness(ServableId("m", number), path, LoadRetries(1, 0.0), self.note)

    def note(self, state: ServableState) -> None:
        history = self.history.setdefault(state.id.version, [])
        if history:
            assert (history[-1], state.state) in LEGAL_STEPS
        history.append(state.state)

    def in_state(self, *states: ManagerState) -> set[int]:
        return {h.id.version for h in self.stream.harnesses() if h.state in states}

    def aspire(self, versions: frozenset[int]) -> None:
        self.aspired = versions
        self.stream.aspire({v: Path(str(v)) for v in versions})
        self.stream.put_away_ended()

    def act(self) -> bool:
        action = self.policy(self.stream.snapshots())
        if action is None:
            return False
        harness = self.stream.harness(action.version)
        if action.kind is ActionKind.LOAD:
            harness.start_to_load()
            if self.policy is resource_preserving_action:
                assert self.in_state(LOADING, AVAILABLE, UNLOADING) <= self.aspired
        else:
            harness.start_to_unload()
            if self.policy is availability_preserving_action:
                assert self.in_state(AVAILABLE) or not self.aspired, "the last answer was taken"
        return True

    def finish_one(self, choice: int) -> bool:
        under_way = sorted(self.in_state(LOADING, UNLOADING))
        if not under_way:
            return False
        harness = self.stream.harness(under_way[choice % len(under_way)])
        if harness.state is UNLOADING:
            harness.unloaded()
        elif harness.retry_at is not None:
            harness.start_to_load()
        elif harness.id.version in self.broken:
            harness.failed(ServableLoadError("broken"), 0.0)
        else:
            loader = ScriptedLoader(ScriptedLoaders(), harness.id.version)
            harness.loaded(loader, FakeServable())
        self.stream.put_away_ended()
        return True


@pytest.mark.parametrize("policy", [availability_preserving_action, resource_preserving_action])
@given(
    commands=st.lists(st.one_of(VERSIONS, st.none(), st.integers(0, 9)), max_size=30),
    aspired=VERSIONS,
    broken=VERSIONS,
)
def test_a_policy_reaches_the_aspired_versions_whatever_was_aspired_before(
    policy: AspiredVersionPolicy,
    commands: list[frozenset[int] | int | None],
    aspired: frozenset[int],
    broken: frozenset[int],
) -> None:
    simulation = Simulation(policy, broken)
    for command in [*commands, aspired]:
        if isinstance(command, frozenset):
            simulation.aspire(command)
        elif command is None:
            simulation.act()
        else:
            simulation.finish_one(command)
    could_answer = bool(simulation.in_state(AVAILABLE))
    # A version is unloaded, loaded and unloaded again at most, and each load tried twice.
    for _ in range(8 * len(simulation.history) + 1):
        if not simulation.act() and not simulation.finish_one(0):
            break
    else:
        pytest.fail("loads and unloads go on for ever")
    available = simulation.in_state(AVAILABLE)
    can_answer = aspired - broken
    assert can_answer <= available
    if can_answer or not aspired or policy is resource_preserving_action:
        assert available == can_answer
    else:
        assert could_answer <= len(available) <= 1, "one old version answers for the broken ones"
    assert simulation.in_state(END) == aspired & broken
