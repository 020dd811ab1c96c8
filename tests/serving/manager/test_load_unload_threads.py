import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_sentiment.errors import InvalidInputError, MissingExtraError
from lstm_sentiment.serving.errors import (
    NoLightTwinError,
    NotEnoughMemoryError,
    OtherEngineError,
    ServableLoadError,
)
from lstm_sentiment.serving.manager.load_order import resource_preserving_action
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.thread_priority import is_at_low_priority
from tests.serving.scripted_loaders import (
    TIMEOUT_SECONDS,
    FakeClock,
    FakeServable,
    ScriptedLoader,
    ScriptedLoaders,
    aspire,
    await_state,
    await_that,
    running_manager,
    settle,
    states,
)

START, LOADING, AVAILABLE, UNLOADING, END = ManagerState
MIB = 2**20


@pytest.fixture
def loaders() -> ScriptedLoaders:
    return ScriptedLoaders()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def retrying(loaders: ScriptedLoaders, clock: FakeClock) -> Iterator[Manager]:
    with running_manager(loaders, max_num_load_retries=2, clock=clock) as manager:
        yield manager


def pass_a_minute(manager: Manager, clock: FakeClock, *versions: int) -> None:
    """What the source does every second wakes a thread that cannot know of the fake time."""
    clock.now += 60
    aspire(manager, *versions)


def error_of(manager: Manager, version: int) -> ServableLoadError | None:
    return manager.last_load_error(ServableId("m", version))


def tries(loaders: ScriptedLoaders, version: int) -> int:
    return loaders.events.count(("load", version))


def test_a_load_that_fails_is_tried_again_after_the_pause_and_not_before(
    retrying: Manager, loaders: ScriptedLoaders, clock: FakeClock
) -> None:
    loaders.tries_to_fail[1] = 2
    aspire(retrying, 1)
    settle(retrying)
    assert states(retrying) == {1: LOADING}
    clock.now = 59.9
    aspire(retrying, 1)
    # Once this is loaded, the one thread has seen the time and gone by the other version.
    aspire(retrying, 5, name="other")
    settle(retrying)
    assert states(retrying, "other") == {5: AVAILABLE}
    assert tries(loaders, 1) == 1
    clock.now = 60
    aspire(retrying, 1)
    await_that(retrying, lambda: "0 to go" in str(error_of(retrying, 1)))
    pass_a_minute(retrying, clock, 1)
    await_state(retrying, 1, AVAILABLE)
    assert tries(loaders, 1) == 3
    assert error_of(retrying, 1) is None


def test_after_the_last_try_a_version_ends_with_its_last_error_and_each_is_logged_once(
    retrying: Manager,
    loaders: ScriptedLoaders,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loaders.tries_to_fail[2] = 9
    with caplog.at_level(logging.ERROR):
        aspire(retrying, 2)
        settle(retrying)
        assert retrying.states("m")[0].error is None, "an error is for those that have ended"
        pass_a_minute(retrying, clock, 2)
        await_that(retrying, lambda: "7 to go" in str(error_of(retrying, 2)))
        pass_a_minute(retrying, clock, 2)
        await_state(retrying, 2, END)
    assert str(retrying.states("m")[0].error) == "bad file, 6 to go"
    assert str(error_of(retrying, 2)) == "bad file, 6 to go"
    assert [record.message for record in caplog.records] == [
        "bad file, 8 to go",
        "bad file, 7 to go",
        "bad file, 6 to go",
    ]
    pass_a_minute(retrying, clock, 2)
    settle(retrying)
    assert tries(loaders, 2) == 3


def test_the_pause_ends_by_itself(loaders: ScriptedLoaders) -> None:
    loaders.tries_to_fail[1] = 1
    with running_manager(
        loaders, max_num_load_retries=1, load_retry_interval_seconds=0.001
    ) as manager:
        aspire(manager, 1)
        await_state(manager, 1, AVAILABLE)


def test_a_pause_may_be_longer_than_a_thread_can_wait(loaders: ScriptedLoaders) -> None:
    loaders.tries_to_fail[1] = 1
    with running_manager(
        loaders, max_num_load_retries=1, load_retry_interval_seconds=1e30
    ) as manager:
        aspire(manager, 1)
        settle(manager)
        aspire(manager, 1, 2)
        await_state(manager, 2, AVAILABLE)


def test_the_pause_of_one_version_is_not_stretched_by_that_of_another(
    retrying: Manager, loaders: ScriptedLoaders, clock: FakeClock
) -> None:
    loaders.tries_to_fail = {1: 1, 2: 1}
    aspire(retrying, 1)
    settle(retrying)
    clock.now = 59.9999
    aspire(retrying, 1, 2)
    settle(retrying)
    clock.now = 60
    await_state(retrying, 1, AVAILABLE)
    assert states(retrying) == {2: LOADING, 1: AVAILABLE}


def test_while_one_version_waits_for_its_retry_the_others_come_and_go(
    retrying: Manager, loaders: ScriptedLoaders
) -> None:
    aspire(retrying, 1)
    settle(retrying)
    loaders.failures[9] = ServableLoadError("bad file")
    aspire(retrying, 1, 9)
    settle(retrying)
    aspire(retrying, 2, 9)
    aspire(retrying, 5, name="other")
    settle(retrying)
    assert states(retrying) == {9: LOADING, 2: AVAILABLE, 1: END}
    assert states(retrying, "other") == {5: AVAILABLE}
    with retrying.get_handle("m") as handle:
        assert handle.id.version == 2


def test_the_old_version_answers_until_a_retry_succeeds(
    retrying: Manager, loaders: ScriptedLoaders, clock: FakeClock
) -> None:
    aspire(retrying, 1)
    settle(retrying)
    loaders.tries_to_fail[2] = 1
    aspire(retrying, 2)
    settle(retrying)
    assert states(retrying) == {2: LOADING, 1: AVAILABLE}
    pass_a_minute(retrying, clock, 2)
    await_state(retrying, 1, END)
    assert states(retrying) == {2: AVAILABLE, 1: END}


def test_a_version_let_go_between_tries_ends_at_once_and_begins_anew_when_it_comes_back(
    retrying: Manager, loaders: ScriptedLoaders, clock: FakeClock
) -> None:
    loaders.tries_to_fail[1] = 1
    aspire(retrying, 1)
    settle(retrying)
    aspire(retrying)
    assert states(retrying) == {1: END}
    assert "bad file" in str(retrying.states("m")[0].error)
    pass_a_minute(retrying, clock)
    settle(retrying)
    assert tries(loaders, 1) == 1
    assert "bad file" in str(error_of(retrying, 1))
    aspire(retrying, 1)
    settle(retrying)
    assert states(retrying) == {1: AVAILABLE}


def test_a_version_let_go_during_a_try_that_fails_is_not_tried_again(
    retrying: Manager, loaders: ScriptedLoaders
) -> None:
    loaders.gates[1] = threading.Event()
    loaders.failures[1] = ServableLoadError("bad file")
    aspire(retrying, 1)
    await_state(retrying, 1, LOADING)
    aspire(retrying)
    loaders.gates[1].set()
    await_state(retrying, 1, END)
    assert "bad file" in str(retrying.states("m")[0].error)


@pytest.mark.parametrize("has_failed", [True, False])
def test_a_version_that_moved_to_another_folder_is_tried_there_at_once(
    loaders: ScriptedLoaders, clock: FakeClock, has_failed: bool
) -> None:
    loaders.gates[1] = threading.Event()
    loaders.tries_to_fail[1] = 1
    with running_manager(loaders, max_num_load_retries=has_failed, clock=clock) as manager:
        aspire(manager, 1)
        await_state(manager, 1, LOADING)
        if has_failed:
            loaders.gates[1].set()
            settle(manager)
            loaders.gates[1] = threading.Event()
        aspire(manager, 1, folder="elsewhere")
        assert error_of(manager, 1) is None, "this folder has not been tried"
        loaders.gates[1].set()
        await_state(manager, 1, AVAILABLE)
        assert loaders.paths == [Path("m/1"), Path("elsewhere/1")]


def test_a_version_that_ended_gets_all_its_tries_again_in_another_folder(
    loaders: ScriptedLoaders, clock: FakeClock
) -> None:
    loaders.tries_to_fail[1] = 3
    with running_manager(loaders, max_num_load_retries=1, clock=clock) as manager:
        aspire(manager, 1)
        settle(manager)
        pass_a_minute(manager, clock, 1)
        await_state(manager, 1, END)
        loaders.gates[1] = threading.Event()
        aspire(manager, 1, folder="elsewhere")
        assert error_of(manager, 1) is None, "this folder has not been tried"
        loaders.gates[1].set()
        settle(manager)
        assert states(manager) == {1: LOADING}
        clock.now += 60
        aspire(manager, 1, folder="elsewhere")
        await_state(manager, 1, AVAILABLE)


def test_a_try_due_at_once_is_not_held_up_by_one_due_later(
    retrying: Manager, loaders: ScriptedLoaders
) -> None:
    loaders.failures[9] = ServableLoadError("bad file")
    aspire(retrying, 9, name="other")
    settle(retrying)
    loaders.gates[1] = threading.Event()
    loaders.tries_to_fail[1] = 1
    aspire(retrying, 1)
    await_state(retrying, 1, LOADING)
    aspire(retrying, 1, folder="elsewhere")
    loaders.gates[1].set()
    await_state(retrying, 1, AVAILABLE)


def test_a_slow_load_does_not_hold_up_an_unload(loaders: ScriptedLoaders) -> None:
    with running_manager(loaders) as manager:
        aspire(manager, 1)
        settle(manager)
        loaders.gates[5] = threading.Event()
        aspire(manager, 5, name="other")
        await_that(manager, lambda: states(manager, "other") == {5: LOADING})
        aspire(manager)
        await_state(manager, 1, END)


def test_as_many_versions_load_at_once_as_there_are_load_threads(loaders: ScriptedLoaders) -> None:
    loaders.gates = {1: threading.Event(), 2: threading.Event(), 5: threading.Event()}
    with running_manager(loaders, num_load_threads=2) as manager:
        aspire(manager, 1, 2)
        aspire(manager, 5, name="other")
        await_that(manager, lambda: states(manager) == {1: LOADING, 2: LOADING})
        assert states(manager, "other") == {5: START}
        loaders.gates[2].set()
        await_that(manager, lambda: states(manager, "other") == {5: LOADING})
        assert states(manager) == {1: LOADING, 2: AVAILABLE}


def test_a_version_that_does_not_fit_into_memory_is_refused(loaders: ScriptedLoaders) -> None:
    loaders.estimates = {1: 3 * MIB, 2: int(1.5 * MIB), 3: MIB}
    with running_manager(loaders, memory_limit_bytes=4 * MIB) as manager:
        aspire(manager, 1)
        settle(manager)
        assert manager.memory_in_use_bytes() == 3 * MIB
        aspire(manager, 2)
        settle(manager)
        assert states(manager) == {2: END, 1: AVAILABLE}
        error = manager.states("m")[0].error
        assert isinstance(error, NotEnoughMemoryError)
        assert str(error) == (
            "version 2 of model m must fit into the memory left for models: 1.0 MiB of 4.0 MiB. "
            "Received: an estimate of 1.5 MiB."
        )
        assert ("load", 2) not in loaders.events
        aspire(manager, 3)
        settle(manager)
        assert states(manager) == {3: AVAILABLE, 2: END, 1: END}
        assert manager.memory_in_use_bytes() == MIB


def test_a_load_that_fails_gives_its_memory_back_and_one_without_room_is_tried_again(
    loaders: ScriptedLoaders, clock: FakeClock
) -> None:
    loaders.estimates = {1: 3, 2: 3}
    with running_manager(
        loaders, memory_limit_bytes=4, max_num_load_retries=1, clock=clock
    ) as manager:
        loaders.tries_to_fail[1] = 2
        aspire(manager, 1)
        settle(manager)
        assert manager.memory_in_use_bytes() == 0
        aspire(manager, 1, 2)
        await_state(manager, 2, AVAILABLE)
        clock.now = 60
        aspire(manager, 1, 2)
        await_state(manager, 1, END)
        assert isinstance(error_of(manager, 1), NotEnoughMemoryError)
        assert tries(loaders, 1) == 1


def test_a_load_waits_for_memory_that_an_unload_is_about_to_free(loaders: ScriptedLoaders) -> None:
    loaders.estimates = {1: 3, 5: 3}
    loaders.unload_gates[1] = threading.Event()
    with running_manager(loaders, memory_limit_bytes=4) as manager:
        aspire(manager, 1)
        settle(manager)
        aspire(manager)
        await_state(manager, 1, UNLOADING)
        assert not manager.wait_until_settled(0), "an unload is under way"
        aspire(manager, 5, name="other")
        await_that(manager, lambda: states(manager, "other") == {5: LOADING})
        loaders.unload_gates[1].set()
        await_that(manager, lambda: states(manager, "other") == {5: AVAILABLE})


def test_a_load_waits_for_memory_also_while_the_unload_has_not_begun(
    loaders: ScriptedLoaders,
) -> None:
    loaders.estimates = {2: 3, 5: 3}
    is_told, go_on = threading.Event(), threading.Event()

    def tell(state: ServableState) -> None:
        if state.id == ServableId("first", 1) and state.state is END:
            is_told.set()
            assert go_on.wait(TIMEOUT_SECONDS)

    with running_manager(loaders, memory_limit_bytes=4, on_state=tell) as manager:
        aspire(manager, 1, name="first")
        aspire(manager, 2)
        settle(manager)
        aspire(manager, name="first")
        assert is_told.wait(TIMEOUT_SECONDS)
        aspire(manager)
        aspire(manager, 5, name="other")
        await_that(manager, lambda: states(manager, "other") == {5: LOADING})
        go_on.set()
        await_that(manager, lambda: states(manager, "other") == {5: AVAILABLE})


def test_stop_gives_up_a_load_that_waits_for_memory(loaders: ScriptedLoaders) -> None:
    loaders.estimates = {1: 1, 2: 3, 5: 4}
    loaders.unload_gates[1] = threading.Event()
    with running_manager(loaders, memory_limit_bytes=4) as manager:
        aspire(manager, 1)
        aspire(manager, 2, name="second")
        settle(manager)
        aspire(manager)
        await_state(manager, 1, UNLOADING)
        aspire(manager, name="second")
        aspire(manager, 5, name="other")
        await_that(manager, lambda: states(manager, "other") == {5: LOADING})
        aspire(manager, 7, name="last")
        stopping = threading.Thread(target=manager.stop, daemon=True)
        stopping.start()
        await_that(manager, lambda: states(manager, "last") == {7: END})
        loaders.unload_gates[1].set()
        stopping.join(TIMEOUT_SECONDS)
        assert not stopping.is_alive()
        assert states(manager, "other") == {5: END}
        assert ("load", 5) not in loaders.events


def test_what_a_request_holds_takes_memory(loaders: ScriptedLoaders, clock: FakeClock) -> None:
    loaders.estimates = {1: 3, 2: 3}
    with running_manager(
        loaders, memory_limit_bytes=4, max_num_load_retries=1, clock=clock
    ) as manager:
        aspire(manager, 1)
        settle(manager)
        handle = manager.get_handle("m")
        aspire(manager)
        await_state(manager, 1, UNLOADING)
        aspire(manager, 2)
        settle(manager)
        assert isinstance(error_of(manager, 2), NotEnoughMemoryError)
        handle.release()
        await_state(manager, 1, END)
        clock.now = 60
        aspire(manager, 2)
        await_state(manager, 2, AVAILABLE)


def test_a_version_wanted_again_while_it_is_being_unloaded_needs_its_memory_once(
    loaders: ScriptedLoaders,
) -> None:
    loaders.estimates[1] = 3
    with running_manager(loaders, memory_limit_bytes=4) as manager:
        aspire(manager, 1)
        settle(manager)
        with manager.get_handle("m"):
            aspire(manager)
            await_state(manager, 1, UNLOADING)
            aspire(manager, 1)
        await_state(manager, 1, AVAILABLE)
        assert tries(loaders, 1) == 2


def test_a_model_that_fits_into_memory_once_is_swapped_by_the_resource_preserving_policy(
    loaders: ScriptedLoaders,
) -> None:
    loaders.estimates = {1: 3, 2: 3}
    with running_manager(
        loaders, memory_limit_bytes=4, policy=resource_preserving_action
    ) as manager:
        aspire(manager, 1)
        settle(manager)
        with manager.get_handle("m"):
            aspire(manager, 2)
            await_state(manager, 1, UNLOADING)
            settle(manager)
            assert states(manager) == {2: START, 1: UNLOADING}
        await_state(manager, 2, AVAILABLE)
        assert loaders.events == [("load", 1), ("unload", 1), ("load", 2)]


def test_an_estimate_or_a_factory_that_raises_is_a_failed_load_like_any_other(
    loaders: ScriptedLoaders,
) -> None:
    loaders.estimates[1] = OSError("no such disk")

    def factory(servable_id: ServableId, path: Path) -> ScriptedLoader:
        if servable_id.version == 2:
            raise RuntimeError(f"what is {path}?")
        return loaders(servable_id, path)

    manager = Manager(factory, max_num_load_retries=0)
    manager.start()
    try:
        aspire(manager, 1, 2, 3, folder="/srv/m")
        settle(manager)
        assert states(manager) == {3: AVAILABLE, 2: END, 1: END}
        assert "no such disk" in str(error_of(manager, 1))
        assert "what is 2?" in str(error_of(manager, 2))
    finally:
        manager.stop()


def test_an_unload_that_raises_ends_the_version_and_nothing_else(loaders: ScriptedLoaders) -> None:
    loaders.unload_failures[1] = RuntimeError("stuck")
    with running_manager(loaders) as manager:
        aspire(manager, 1)
        settle(manager)
        aspire(manager, 2)
        settle(manager)
        assert states(manager) == {2: AVAILABLE, 1: END}
        aspire(manager)
        settle(manager)
        assert states(manager) == {2: END, 1: END}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            {"max_num_load_retries": -1},
            "`max_num_load_retries` must be at least 0. Received: max_num_load_retries=-1.",
        ),
        ({"load_retry_interval_seconds": -0.5}, "`load_retry_interval_seconds` must be at least 0"),
        ({"load_retry_interval_seconds": float("nan")}, "must be at least 0"),
        ({"num_load_threads": 0}, "`num_load_threads` must be at least 1"),
        ({"memory_limit_bytes": 0}, "`memory_limit_bytes` must be at least 1"),
    ],
)
def test_options_out_of_range_are_refused(
    loaders: ScriptedLoaders, option: dict[str, float], message: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Manager(loaders, **option)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [MissingExtraError("needs TensorFlow: pip install it"), NoLightTwinError("has no twin")],
)
def test_an_error_that_another_try_cannot_cure_ends_the_version(
    retrying: Manager, loaders: ScriptedLoaders, error: Exception
) -> None:
    loaders.failures[1] = error
    aspire(retrying, 1)
    settle(retrying)
    assert states(retrying) == {1: END}
    assert str(error_of(retrying, 1)) == str(error)
    assert tries(loaders, 1) == 1


def test_another_engine_must_fit_into_memory_too_before_it_loads(
    loaders: ScriptedLoaders,
) -> None:
    class Loader(ScriptedLoader):
        """The second engine needs all the memory of version 1, and of version 2 too much."""

        def load(self) -> FakeServable:
            if self.loaders.estimates[self.version] == 3:
                self.loaders.estimates[self.version] = 3 + self.version
                raise OtherEngineError("the first engine refused it")
            return super().load()

    def make_loader(servable_id: ServableId, _: Path) -> ScriptedLoader:
        return Loader(loaders, servable_id.version)

    loaders.estimates |= {1: 3, 2: 3}
    manager = Manager(make_loader, max_num_load_retries=0, memory_limit_bytes=4)
    manager.start()
    try:
        aspire(manager, 1)
        settle(manager)
        assert (states(manager), manager.memory_in_use_bytes()) == ({1: AVAILABLE}, 4)
        aspire(manager)
        settle(manager)
        aspire(manager, 2)
        settle(manager)
        assert isinstance(error_of(manager, 2), NotEnoughMemoryError)
    finally:
        manager.stop()
    assert loaders.events == [("load", 1), ("unload", 1)]


def test_a_loaded_version_names_its_engine(loaders: ScriptedLoaders) -> None:
    class Loader(ScriptedLoader):
        engine = "light"

    manager = Manager(lambda servable_id, _: Loader(loaders, servable_id.version))
    manager.start()
    try:
        loaders.gates[1] = threading.Event()
        aspire(manager, 1)
        await_state(manager, 1, LOADING)
        assert [state.engine for state in manager.states("m")] == [None]
        loaders.open_gates()
        settle(manager)
        assert [state.engine for state in manager.states("m")] == ["light"]
    finally:
        manager.stop()


def test_a_version_loads_at_low_priority_while_another_answers(loaders: ScriptedLoaders) -> None:
    low: dict[int, bool] = {}

    class Loader(ScriptedLoader):
        def load(self) -> FakeServable:
            low[self.version] = is_at_low_priority()
            return super().load()

    def make_loader(servable_id: ServableId, _: Path) -> ScriptedLoader:
        return Loader(loaders, servable_id.version)

    manager = Manager(make_loader)
    manager.start()
    try:
        for version in (1, 2):
            aspire(manager, version)
            settle(manager)
    finally:
        manager.stop()
    assert low == {1: False, 2: True}
