import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.serving.manager import Manager
from lstm_sentiment.serving.servable import (
    ManagerState,
    ServableId,
    ServableLoadError,
    Signature,
    VersionNotAvailableError,
)

START, LOADING, AVAILABLE, UNLOADING, END = ManagerState
TIMEOUT_SECONDS = 30


class FakeServable:
    signatures: Mapping[str, Signature] = {}

    def run(self, signature_key: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {}


class FakeLoaders:
    """Makes loaders that tell what happens, and that can be made to fail or to wait."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.failures: dict[int, Exception] = {}
        self.gates: dict[int, threading.Event] = {}

    def __call__(self, servable_id: ServableId, path: Path) -> "FakeLoader":
        return FakeLoader(self, servable_id.version)


class FakeLoader:
    def __init__(self, loaders: FakeLoaders, version: int) -> None:
        self.loaders, self.version = loaders, version

    def load(self) -> FakeServable:
        self.loaders.events.append(("load", self.version))
        if self.version in self.loaders.gates:
            assert self.loaders.gates[self.version].wait(TIMEOUT_SECONDS)
        if self.version in self.loaders.failures:
            raise self.loaders.failures[self.version]
        return FakeServable()

    def unload(self) -> None:
        self.loaders.events.append(("unload", self.version))


@pytest.fixture
def loaders() -> FakeLoaders:
    return FakeLoaders()


@pytest.fixture
def manager(loaders: FakeLoaders) -> Iterator[Manager]:
    manager = Manager(loaders)
    manager.start()
    yield manager
    for gate in loaders.gates.values():
        gate.set()
    manager.stop()


def aspire(manager: Manager, *versions: int, folder: str = "m") -> None:
    manager.set_aspired_versions("m", {v: Path(folder, str(v)) for v in versions})


def settle(manager: Manager) -> None:
    assert manager.wait_until_settled(TIMEOUT_SECONDS)


def states(manager: Manager) -> dict[int, ManagerState]:
    return {state.id.version: state.state for state in manager.states("m")}


def reaches(manager: Manager, version: int, state: ManagerState) -> Callable[[], bool]:
    return lambda: states(manager).get(version) is state


def test_a_new_version_is_loaded_before_the_old_one_is_unloaded(
    manager: Manager, loaders: FakeLoaders
) -> None:
    aspire(manager, 1)
    settle(manager)
    aspire(manager, 2)
    settle(manager)
    assert loaders.events == [("load", 1), ("load", 2), ("unload", 1)]
    assert states(manager) == {2: AVAILABLE, 1: END}
    assert [state.error for state in manager.states("m")] == [None, None]


def test_while_a_version_loads_the_old_one_answers(manager: Manager, loaders: FakeLoaders) -> None:
    aspire(manager, 1)
    settle(manager)
    loaders.gates[2] = threading.Event()
    aspire(manager, 2)
    assert manager.wait_until(reaches(manager, 2, LOADING), TIMEOUT_SECONDS)
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
    manager: Manager, loaders: FakeLoaders
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
    assert manager.wait_until(reaches(manager, 1, END), TIMEOUT_SECONDS)
    assert loaders.events[-1] == ("unload", 1)


def test_a_handle_is_released_also_when_its_request_fails(
    manager: Manager, loaders: FakeLoaders
) -> None:
    aspire(manager, 1)
    settle(manager)
    with pytest.raises(RuntimeError), manager.get_handle("m"):
        raise RuntimeError
    aspire(manager)
    assert manager.wait_until(reaches(manager, 1, END), TIMEOUT_SECONDS)


@pytest.mark.parametrize("error", [ServableLoadError("bad file"), RuntimeError("bad file")])
def test_a_version_that_cannot_be_loaded_ends_with_its_error_and_the_old_one_serves_on(
    manager: Manager, loaders: FakeLoaders, error: Exception
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
    manager: Manager, loaders: FakeLoaders
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
    manager: Manager, loaders: FakeLoaders
) -> None:
    loaders.failures[1] = ServableLoadError("bad file")
    aspire(manager, 1)
    settle(manager)
    del loaders.failures[1]
    aspire(manager, 1, folder="elsewhere")
    settle(manager)
    assert states(manager) == {1: AVAILABLE}


def test_the_error_of_a_failed_load_does_not_hold_what_was_half_loaded(
    manager: Manager, loaders: FakeLoaders
) -> None:
    loaders.failures[1] = ServableLoadError("bad file")
    aspire(manager, 1)
    settle(manager)
    error = manager.states("m")[0].error
    assert error is not None
    assert error.__traceback__ is None
    assert error.__context__ is None


def test_a_version_let_go_before_its_turn_is_never_loaded(
    manager: Manager, loaders: FakeLoaders
) -> None:
    loaders.gates[2] = threading.Event()
    aspire(manager, 1, 2)
    assert manager.wait_until(reaches(manager, 2, LOADING), TIMEOUT_SECONDS)
    aspire(manager, 2)
    loaders.gates[2].set()
    settle(manager)
    assert loaders.events == [("load", 2)]
    assert states(manager) == {2: AVAILABLE, 1: END}


def test_a_version_let_go_while_loading_is_unloaded_and_can_come_back(
    manager: Manager, loaders: FakeLoaders
) -> None:
    loaders.gates[1] = threading.Event()
    aspire(manager, 1)
    assert manager.wait_until(reaches(manager, 1, LOADING), TIMEOUT_SECONDS)
    aspire(manager)
    loaders.gates[1].set()
    settle(manager)
    assert states(manager) == {1: END}
    aspire(manager, 1)
    settle(manager)
    assert loaders.events == [("load", 1), ("unload", 1), ("load", 1)]
    assert states(manager) == {1: AVAILABLE}


def test_a_version_wanted_again_while_it_is_being_unloaded_is_loaded_again(
    manager: Manager, loaders: FakeLoaders
) -> None:
    aspire(manager, 1)
    settle(manager)
    handle = manager.get_handle("m")
    aspire(manager)
    assert manager.wait_until(reaches(manager, 1, UNLOADING), TIMEOUT_SECONDS)
    aspire(manager, 1)
    handle.release()
    assert manager.wait_until(reaches(manager, 1, AVAILABLE), TIMEOUT_SECONDS)
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


def test_stop_unloads_everything_and_ends_the_thread(loaders: FakeLoaders) -> None:
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
    manager: Manager, loaders: FakeLoaders
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
