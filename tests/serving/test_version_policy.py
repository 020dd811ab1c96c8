import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.serving.servable import ManagerState
from lstm_sentiment.serving.version_policy import (
    Action,
    ActionKind,
    All,
    Latest,
    Specific,
    VersionSnapshot,
    aspired_versions,
    availability_preserving_action,
)

START, LOADING, AVAILABLE, UNLOADING, END = ManagerState
VERSIONS = st.frozensets(st.integers(0, 30), max_size=8)


@given(VERSIONS, st.integers(0, 10))
def test_latest_takes_the_highest_numbers_and_at_least_one(
    found: frozenset[int], num_versions: int
) -> None:
    aspired = aspired_versions(Latest(num_versions), found)
    assert len(aspired) == min(max(num_versions, 1), len(found))
    assert aspired <= found
    assert all(left < kept for left in found - aspired for kept in aspired)


@given(VERSIONS, VERSIONS)
def test_all_takes_everything_and_specific_what_is_there_of_it(
    found: frozenset[int], wanted: frozenset[int]
) -> None:
    assert aspired_versions(All(), found) == found
    assert aspired_versions(Specific(wanted), found) == found & wanted


def test_the_default_is_the_latest_version_alone() -> None:
    assert aspired_versions(Latest(), [2, 10, 9]) == {10}


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
    ],
)
def test_availability_preserving_action(
    versions: list[tuple[int, ManagerState, bool]], expected: Action | None
) -> None:
    assert availability_preserving_action([VersionSnapshot(*v) for v in versions]) == expected


@given(
    served=VERSIONS,
    aspired=VERSIONS,
    broken=VERSIONS,
)
def test_availability_preserving_actions_reach_the_aspired_versions_and_never_leave_a_gap(
    served: frozenset[int], aspired: frozenset[int], broken: frozenset[int]
) -> None:
    states = {v: AVAILABLE if v in served else START for v in served | aspired}

    def available() -> set[int]:
        return {v for v, state in states.items() if state is AVAILABLE}

    steps = 0
    while action := availability_preserving_action(
        [VersionSnapshot(v, state, v in aspired) for v, state in states.items()]
    ):
        steps += 1
        assert steps <= 2 * len(states), "a version was loaded or unloaded twice"
        if action.kind is ActionKind.LOAD:
            assert states[action.version] is START
            assert action.version in aspired
            states[action.version] = END if action.version in broken else AVAILABLE
        else:
            assert action.version in available() - aspired
            states[action.version] = END
            assert available() or not aspired, "nothing answers while a version is aspired"
    can_answer = aspired - (broken - served)
    if can_answer or not aspired:
        assert available() == can_answer
    else:
        assert len(available()) == min(len(served), 1)
