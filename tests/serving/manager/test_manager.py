import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.serving.errors import ServableLoadError, VersionNotAvailableError
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from tests.serving.scripted_loaders import (
    TIMEOUT_SECONDS,
    ScriptedLoaders,
    aspire,
    await_state,
    await_that,
    running_manager,
    settle,
    states,
)

START, LOADING, AVAILABLE, UNLOADING, END = ManagerState


@pytest.fixture
def loaders() -> ScriptedLoaders:
    return ScriptedLoaders()


@pytest.fixture
def manager(loaders: ScriptedLoaders) -> Iterator[Manager]:
    with running_manager(loaders) as manager:
        yield manager


def test_a_new_version_is_loaded_before_the_old_one_is_unloaded(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    aspire(manager, 1)
    settle(manager)
    aspire(manager, 2)
    settle(manager)
    assert loaders.events == [("load", 1), ("load", 2), ("unload", 1)]
    assert states(manager) == {2: AVAILABLE, 1: END}
    assert [state.error for state in manager.states("m")] == [None, None]


def test_while_a_version_loads_the_old_one_answers(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    aspire(manager, 1)
    settle(manager)
    loaders.gates[2] = threading.Event()
    aspire(manager, 2)
    await_state(manager, 2, LOADING)
    assert not manager.wait_until_settled(0)
    with manager.get_handle("m") as handle:
        assert handle.id.version == 1
    with pytest.raises(ServableNotFoundError):
        manager.get_handle("m", 2)
    loaders.gates[2].set()
    settle(manager)
    with manager.get_handle("m") as handle:
        assert handle.id.version == 2


def test_the_highest_available_version_answers_by_default(manager: Manager) -> None:
    aspire(manager, 9, 10, 2)
    settle(manager)
    with manager.get_handle("m") as handle:
        assert handle.id == ServableId("m", 10)
    with manager.get_handle("m", 2) as handle:
        assert handle.id == ServableId("m", 2)
    assert [state.id.version for state in manager.states("m")] == [10, 9, 2]


def test_a_version_in_use_is_unloaded_only_when_released_and_blocks_nothing(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    aspire(manager, 1)
    settle(manager)
    first, second = manager.get_handle("m"), manager.get_handle("m")
    aspire(manager, 2)
    settle(manager)
    assert states(manager) == {2: AVAILABLE, 1: UNLOADING}
    with pytest.raises(ServableNotFoundError):
        manager.get_handle("m", 1)
    aspire(manager, 3)
    settle(manager)
    assert states(manager) == {3: AVAILABLE, 2: END, 1: UNLOADING}
    first.release()
    first.release()
    assert ("unload", 1) not in loaders.events
    second.release()
    await_state(manager, 1, END)
    assert loaders.events[-1] == ("unload", 1)


def test_a_handle_is_released_also_when_its_request_fails(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    aspire(manager, 1)
    settle(manager)
    with pytest.raises(RuntimeError), manager.get_handle("m"):
        raise RuntimeError
    aspire(manager)
    await_state(manager, 1, END)


@pytest.mark.parametrize("error", [ServableLoadError("bad file"), RuntimeError("bad file")])
def test_a_version_that_cannot_be_loaded_ends_with_its_error_and_the_old_one_serves_on(
    manager: Manager, loaders: ScriptedLoaders, error: Exception
) -> None:
    aspire(manager, 1)
    settle(manager)
    loaders.failures[2] = error
    aspire(manager, 2)
    settle(manager)
    failed, old = manager.states("m")
    assert failed.state is END
    assert failed.error is not None
    assert "bad file" in str(failed.error)
    assert old.state is AVAILABLE
    with manager.get_handle("m") as handle:
        assert handle.id.version == 1


def test_a_failed_version_is_tried_again_only_when_aspired_anew(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    loaders.failures[1] = ServableLoadError("bad file")
    aspire(manager, 1)
    settle(manager)
    del loaders.failures[1]
    aspire(manager, 1)
    settle(manager)
    assert loaders.events == [("load", 1)]
    aspire(manager)
    aspire(manager, 1)
    settle(manager)
    assert states(manager) == {1: AVAILABLE}
    assert manager.states("m")[0].error is None


def test_a_failed_version_is_tried_again_from_another_folder(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    loaders.failures[1] = ServableLoadError("bad file")
    aspire(manager, 1)
    settle(manager)
    del loaders.failures[1]
    aspire(manager, 1, folder="elsewhere")
    settle(manager)
    assert states(manager) == {1: AVAILABLE}


def test_the_error_of_a_failed_load_does_not_hold_what_was_half_loaded(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    loaders.failures[1] = ServableLoadError("bad file")
    aspire(manager, 1)
    settle(manager)
    error = manager.states("m")[0].error
    assert error is not None
    assert error.__traceback__ is None
    assert error.__context__ is None


def test_a_version_let_go_before_its_turn_is_never_loaded(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    loaders.gates[2] = threading.Event()
    aspire(manager, 1, 2)
    await_state(manager, 2, LOADING)
    aspire(manager, 2)
    loaders.gates[2].set()
    settle(manager)
    assert loaders.events == [("load", 2)]
    assert states(manager) == {2: AVAILABLE, 1: END}


def test_a_version_let_go_while_loading_is_unloaded_and_can_come_back(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    loaders.gates[1] = threading.Event()
    aspire(manager, 1)
    await_state(manager, 1, LOADING)
    aspire(manager)
    loaders.gates[1].set()
    settle(manager)
    assert states(manager) == {1: END}
    aspire(manager, 1)
    settle(manager)
    assert loaders.events == [("load", 1), ("unload", 1), ("load", 1)]
    assert states(manager) == {1: AVAILABLE}


def test_a_version_wanted_again_while_it_is_being_unloaded_is_loaded_again(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    aspire(manager, 1)
    settle(manager)
    handle = manager.get_handle("m")
    aspire(manager)
    await_state(manager, 1, UNLOADING)
    aspire(manager, 1)
    handle.release()
    await_state(manager, 1, AVAILABLE)
    assert loaders.events == [("load", 1), ("unload", 1), ("load", 1)]


def test_one_stream_does_not_touch_another(manager: Manager) -> None:
    aspire(manager, 1)
    manager.set_aspired_versions("other", {5: Path("other/5")})
    settle(manager)
    aspire(manager)
    settle(manager)
    with manager.get_handle("other") as handle:
        assert handle.id == ServableId("other", 5)
    assert manager.states("absent") == []


@pytest.mark.parametrize(
    ("version", "message"),
    [(None, "Latest(m)"), (9, "Specific(m, 9)"), (0, "Specific(m, 0)")],
)
def test_what_is_not_available_is_not_found(
    manager: Manager, version: int | None, message: str
) -> None:
    with pytest.raises(ServableNotFoundError) as caught:
        manager.get_handle("m", version)
    assert str(caught.value) == f"Servable not found for request: {message}"


def test_labels_point_to_available_versions(manager: Manager) -> None:
    aspire(manager, 1, 2)
    settle(manager)
    manager.set_version_labels("m", {"stable": 1, "canary": 2})
    with manager.get_handle("m", label="stable") as handle:
        assert handle.id.version == 1
    with pytest.raises(VersionNotAvailableError) as caught:
        manager.set_version_labels("m", {"stable": 2, "canary": 7})
    assert str(caught.value) == (
        "Request to assign label to version 7 of model m, "
        "which is not currently available for inference"
    )
    assert manager.version_of_label("m", "stable") == 1, "a refused change was half made"


def test_a_label_may_wait_for_its_version_when_asked(manager: Manager) -> None:
    manager.set_version_labels("m", {"stable": 1}, allow_unavailable=True)
    with pytest.raises(ServableNotFoundError, match=r"Specific\(m, 1\)"):
        manager.get_handle("m", label="stable")
    aspire(manager, 1)
    settle(manager)
    with manager.get_handle("m", label="stable") as handle:
        assert handle.id.version == 1


def test_an_unknown_label_and_a_label_with_a_version_are_refused(manager: Manager) -> None:
    with pytest.raises(InvalidInputError) as caught:
        manager.get_handle("m", label="x")
    assert str(caught.value) == "Unrecognized servable version label: x"
    with pytest.raises(InvalidInputError, match="cannot be supplied"):
        manager.get_handle("m", version=1, label="x")


def test_stop_unloads_everything_and_ends_the_thread(loaders: ScriptedLoaders) -> None:
    before = set(threading.enumerate())
    manager = Manager(loaders)
    manager.start()
    aspire(manager, 1, 2)
    settle(manager)
    manager.stop()
    assert sorted(loaders.events)[2:] == [("unload", 1), ("unload", 2)]
    assert states(manager) == {2: END, 1: END}
    assert set(threading.enumerate()) <= before


def test_handles_taken_while_versions_change_are_always_of_a_loaded_version(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    aspire(manager, 0)
    settle(manager)
    done = threading.Event()

    def ask() -> int:
        count = 0
        while not done.is_set():
            with manager.get_handle("m") as handle:
                assert ("unload", handle.id.version) not in loaders.events
                count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        try:
            for version in range(1, 21):
                aspire(manager, version)
                settle(manager)
        finally:
            done.set()
    assert all(future.result() for future in asking)
    with manager.get_handle("m") as handle:
        assert handle.id.version == 20


def test_a_request_keeps_its_version_while_many_others_come_and_go(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    aspire(manager, 0)
    settle(manager)
    handle = manager.get_handle("m")
    for version in range(1, 21):
        aspire(manager, version)
        settle(manager)
    assert states(manager) == {20: AVAILABLE, 0: UNLOADING} | dict.fromkeys(range(1, 20), END)
    assert ("unload", 0) not in loaders.events
    handle.release()
    await_state(manager, 0, END)
    assert loaders.events[-1] == ("unload", 0)


def test_every_change_of_state_is_told_in_order(loaders: ScriptedLoaders) -> None:
    told: list[tuple[int, ManagerState, str | None]] = []

    def tell(state: ServableState) -> None:
        error = None if state.error is None else str(state.error)
        told.append((state.id.version, state.state, error))

    loaders.failures[3] = ServableLoadError("bad file")
    with running_manager(loaders, on_state=tell) as manager:
        aspire(manager, 1)
        settle(manager)
        assert told == [(1, START, None), (1, LOADING, None), (1, AVAILABLE, None)]
        aspire(manager, 2)
        settle(manager)
        aspire(manager, 2, 3)
        settle(manager)
        aspire(manager, 1, 2)
        settle(manager)
    history = {v: [state for version, state, _ in told if version == v] for v in (1, 2, 3)}
    assert history == {
        1: [START, LOADING, AVAILABLE, UNLOADING, END] * 2,
        2: [START, LOADING, AVAILABLE, UNLOADING, END],
        3: [START, LOADING, END],
    }
    assert (3, END, "bad file") in told


def test_whoever_is_told_of_states_may_raise_and_may_use_the_manager(
    loaders: ScriptedLoaders, caplog: pytest.LogCaptureFixture
) -> None:
    def tell(state: ServableState) -> None:
        if state.state is AVAILABLE:
            running.get_handle("m", state.id.version).release()
            aspire(running, 2)
        raise RuntimeError("no room for metrics")

    with running_manager(loaders, on_state=tell) as running:
        aspire(running, 1)
        await_state(running, 2, AVAILABLE)
        settle(running)
        assert states(running) == {2: AVAILABLE, 1: END}
    assert "no room for metrics" in caplog.text


def test_a_state_is_told_while_it_lasts(loaders: ScriptedLoaders) -> None:
    told: list[ManagerState] = []
    loaders.gates[1] = threading.Event()
    with running_manager(loaders, on_state=lambda state: told.append(state.state)) as manager:
        aspire(manager, 1)
        await_that(manager, lambda: told == [START, LOADING])
        loaders.gates[1].set()
        await_that(manager, lambda: told == [START, LOADING, AVAILABLE])


def test_the_manager_is_not_held_up_while_states_are_told(loaders: ScriptedLoaders) -> None:
    is_told, is_asked, go_on = threading.Event(), threading.Event(), threading.Event()
    told: list[ManagerState] = []

    def tell(state: ServableState) -> None:
        if state.state is AVAILABLE:
            is_told.set()
            assert go_on.wait(TIMEOUT_SECONDS)
        told.append(state.state)

    def all_is_told() -> bool:
        is_asked.set()
        return told[-1] is END

    with ThreadPoolExecutor(1) as pool, running_manager(loaders, on_state=tell) as manager:
        aspire(manager, 1)
        assert is_told.wait(TIMEOUT_SECONDS)
        with manager.get_handle("m") as handle:
            assert handle.id.version == 1
        aspire(manager)
        await_state(manager, 1, END)
        assert not manager.wait_until_settled(0), "not all is told"
        waiting = pool.submit(manager.wait_until, all_is_told)
        assert is_asked.wait(TIMEOUT_SECONDS)
        go_on.set()
        assert waiting.result(TIMEOUT_SECONDS)
        settle(manager)


def test_versions_that_ended_are_remembered_up_to_a_hundred(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    loaders.failures[500] = ServableLoadError("bad file")
    aspire(manager, 500)
    settle(manager)
    for version in [*range(300, 350), *range(120)]:
        aspire(manager, version, 500)
        settle(manager)
    assert states(manager) == {500: END, 119: AVAILABLE} | dict.fromkeys(range(19, 119), END)
    assert loaders.events.count(("load", 500)) == 1, "it was forgotten that it cannot be loaded"
    aspire(manager, 119, 50)
    settle(manager)
    assert states(manager)[50] is AVAILABLE


def test_a_removed_stream_has_no_labels_and_is_known_as_ended(
    manager: Manager, loaders: ScriptedLoaders
) -> None:
    manager.remove("absent")
    assert manager.states("absent") == []
    aspire(manager, 1)
    settle(manager)
    manager.set_version_labels("m", {"stable": 1})
    manager.remove("m")
    settle(manager)
    assert states(manager) == {1: END}
    with pytest.raises(InvalidInputError, match="Unrecognized servable version label: stable"):
        manager.get_handle("m", label="stable")
    aspire(manager, 1)
    settle(manager)
    assert states(manager) == {1: AVAILABLE}


def test_stop_does_not_wait_for_requests(loaders: ScriptedLoaders) -> None:
    with running_manager(loaders) as manager:
        aspire(manager, 1)
        settle(manager)
        in_use = manager.get_handle("m")
        aspire(manager, 2)
        settle(manager)
        also_in_use = manager.get_handle("m")
    assert sorted(loaders.events)[2:] == [("unload", 1), ("unload", 2)]
    in_use.release()
    also_in_use.release()
    manager.stop()
    assert len(loaders.events) == 4
    assert states(manager) == {2: END, 1: END}


def test_stop_waits_for_a_load_under_way_and_starts_no_other(loaders: ScriptedLoaders) -> None:
    loaders.gates[2] = threading.Event()
    states_told: list[ServableState] = []
    with running_manager(loaders, on_state=states_told.append) as manager:
        aspire(manager, 1, 2)
        await_state(manager, 2, LOADING)
        stopping = threading.Thread(target=manager.stop)
        stopping.start()
        await_state(manager, 1, END)
        aspire(manager, 1, 2, 3)
        loaders.gates[2].set()
        stopping.join(TIMEOUT_SECONDS)
        assert not stopping.is_alive()
        assert loaders.events == [("load", 2), ("unload", 2)]
        assert states(manager) == {2: END, 1: END}
        assert [s.state for s in states_told if s.id.version == 2][1:] == [
            LOADING,
            AVAILABLE,
            UNLOADING,
            END,
        ]


def test_stop_ends_a_version_that_waits_to_be_tried_again(loaders: ScriptedLoaders) -> None:
    loaders.failures[1] = ServableLoadError("bad file")
    with running_manager(loaders, max_num_load_retries=5) as manager:
        aspire(manager, 1)
        settle(manager)
        assert states(manager) == {1: LOADING}
    assert states(manager) == {1: END}
    assert str(manager.states("m")[0].error) == "bad file"


def test_a_manager_that_was_never_started_can_be_stopped(loaders: ScriptedLoaders) -> None:
    manager = Manager(loaders)
    aspire(manager, 1)
    manager.stop()
    assert states(manager) == {1: END}
