import pytest

from lstm_sentiment.serving.manager_state import ManagerState
from lstm_sentiment.serving.workers.states import VersionState, lacks, merged_states

START, LOADING, AVAILABLE, UNLOADING, END = ManagerState


def states(*in_order: ManagerState) -> list[VersionState]:
    """The states of versions 1, 2, ... in one process, the highest first."""
    found = [VersionState("a", version, state) for version, state in enumerate(in_order, start=1)]
    return found[::-1]


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (AVAILABLE, AVAILABLE, AVAILABLE),
        (AVAILABLE, LOADING, LOADING),
        (START, LOADING, START),
        (AVAILABLE, UNLOADING, UNLOADING),
        (UNLOADING, END, UNLOADING),
        (AVAILABLE, END, UNLOADING),
        (END, END, END),
    ],
)
def test_a_version_is_as_far_as_the_process_that_is_furthest_behind(
    one: ManagerState, other: ManagerState, merged: ManagerState
) -> None:
    assert merged_states([states(one), states(other)]) == states(merged)
    assert merged_states([states(other), states(one)]) == states(merged)


def test_a_version_that_a_process_does_not_know_is_not_available_yet() -> None:
    assert merged_states([states(AVAILABLE, AVAILABLE), states(AVAILABLE)]) == states(
        AVAILABLE, START
    )


def test_a_process_that_was_started_later_does_not_know_what_has_ended() -> None:
    assert merged_states([states(END, AVAILABLE), states(END, AVAILABLE)[:1]]) == states(
        END, AVAILABLE
    )


def test_a_version_has_failed_where_one_process_could_not_load_it() -> None:
    failed = VersionState("a", 1, END, "no space")
    assert merged_states([states(AVAILABLE), [failed]]) == [failed]


def test_models_keep_their_order_and_versions_come_highest_first() -> None:
    b, a = VersionState("b", 1, AVAILABLE), VersionState("a", 2, AVAILABLE)
    old = VersionState("a", 1, END)
    assert merged_states([[b, a], [b, a, old]]) == [b, a, old]
    assert merged_states([]) == []


def test_what_a_process_lacks_is_what_all_others_have() -> None:
    others = [states(AVAILABLE, AVAILABLE), states(LOADING, AVAILABLE)]
    assert lacks(states(AVAILABLE), others) == ["version 2 of model a"]
    assert lacks(states(END, AVAILABLE), others) == []
    assert lacks(states(AVAILABLE), []) == []
