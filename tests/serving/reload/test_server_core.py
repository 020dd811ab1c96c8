import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import (
    ModelsNotAvailableError,
    RequestCancelledError,
    VersionNotAvailableError,
)
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.reload.server_core import ServerCore
from lstm_sentiment.serving.servable import ManagerState
from tests.serving.fake_loaders import TIMEOUT_SECONDS, FakeLoaders

LOADING, AVAILABLE, END = ManagerState.LOADING, ManagerState.AVAILABLE, ManagerState.END


class Server:
    """A core over a real manager, and folders of versions that nothing is in."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.loaders = FakeLoaders()
        self.manager = Manager(self.loaders)
        self.core = ServerCore(self.manager, file_system_poll_wait_seconds=0, **options)

    def add(self, model: str, *versions: int) -> None:
        for version in versions:
            (self.folder / model / str(version)).mkdir(parents=True)

    def config(self, **models: Any) -> Any:
        """`m={"versions": [1], "labels": {"stable": 1}, "folder": "other"}`."""
        config = ModelServerConfig()
        config.model_config_list.SetInParent()
        for name, wants in models.items():
            model = config.model_config_list.config.add(
                name=name,
                base_path=str(self.folder / wants.get("folder", name)),
                model_platform="tensorflow",
            )
            if "versions" in wants:
                model.model_version_policy.specific.versions.extend(wants["versions"])
            model.version_labels.update(wants.get("labels", {}))
        return config

    def start(self, **models: Any) -> None:
        self.core.start(self.config(**models), TIMEOUT_SECONDS)

    def reload(self, **models: Any) -> None:
        self.core.reload(self.config(**models), TIMEOUT_SECONDS)

    def available(self) -> dict[str, list[int]]:
        assert self.manager.wait_until_settled(TIMEOUT_SECONDS)
        found: dict[str, list[int]] = {}
        for state in self.core.states():
            if state.state is AVAILABLE:
                found.setdefault(state.id.name, []).insert(0, state.id.version)
        return found

    def answers(self, name: str, label: str | None = None) -> int:
        with self.manager.get_handle(name, label=label) as handle:
            return handle.id.version

    def loads(self) -> int:
        return sum(event == "load" for event, *_ in self.loaders.events)


MakeServer = Callable[..., Server]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    servers: list[Server] = []

    def make(**options: Any) -> Server:
        servers.append(Server(tmp_path / str(len(servers)), **options))
        return servers[-1]

    yield make
    for server in servers:
        for gate in server.loaders.gates.values():
            gate.set()
        server.core.stop()


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    server = make_server()
    server.add("a", 1, 2, 3)
    server.add("b", 1)
    return server


STABLE_1 = {"versions": [1, 2], "labels": {"stable": 1}}


def test_start_serves_what_loads_and_only_warns_of_labels_to_the_rest(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.loaders.failures.add(("a", 2))
    labels = {"stable": 1, "next": 2, "later": 9}
    server.start(a={"versions": [1, 2], "labels": labels}, absent={})
    assert server.answers("a", "stable") == 1
    for label in ("next", "later"):
        with pytest.raises(ServableNotFoundError):
            server.answers("a", label)
    told = [r.getMessage() for r in caplog.records if r.name.endswith("server_core")]
    assert len(told) == 2
    assert any("label later of model a points to version 9, which is not" in t for t in told)


def test_start_says_what_is_still_loading_when_time_is_up(server: Server) -> None:
    server.loaders.gates["a", 3] = threading.Event()
    with pytest.raises(ServableUnavailableError, match="version 3 of model a"):
        server.core.start(server.config(a={}), 0)


def test_the_new_list_is_all_that_is_served(server: Server) -> None:
    server.start(a=STABLE_1)
    server.reload(b={})
    assert server.available() == {"b": [1]}
    with pytest.raises(InvalidInputError, match="Unrecognized servable version label"):
        server.answers("a", "stable")
    server.reload()
    assert server.available() == {}
    server.reload(a={}, b={"labels": {"good": 1}})
    assert server.available() == {"a": [3], "b": [1]}
    assert server.answers("b", "good") == 1
    assert server.core.config == server.config(a={}, b={"labels": {"good": 1}})


def test_a_reload_waits_for_each_version_of_a_new_model(server: Server) -> None:
    server.start(b={})
    gate = server.loaders.gates["a", 1] = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        reload = thread.submit(server.reload, a=STABLE_1, b={})
        assert server.manager.wait_until(
            lambda: [s.state for s in server.manager.states("a")] == [AVAILABLE, LOADING],
            TIMEOUT_SECONDS,
        )
        assert not reload.done()
        gate.set()
        reload.result(TIMEOUT_SECONDS)
    assert server.answers("a", "stable") == 1


def test_one_reload_brings_a_version_and_moves_a_label_to_it_without_a_gap(
    server: Server,
) -> None:
    server.start(a={"versions": [1], "labels": {"stable": 1}})
    gate = server.loaders.gates["a", 2] = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        wants = {"versions": [2, 3], "labels": {"stable": 3, "old": 2}}
        reload = thread.submit(server.reload, a=wants)
        assert server.manager.wait_until(
            lambda: [s.state for s in server.manager.states("a")][:2] == [AVAILABLE, LOADING],
            TIMEOUT_SECONDS,
        )
        assert server.answers("a", "stable") == 1
        gate.set()
        while not reload.done():
            assert server.answers("a", "stable") in (1, 3)
        reload.result()
    assert server.answers("a", "stable") == 3
    assert server.available() == {"a": [2, 3]}


@pytest.mark.parametrize(
    ("wants", "error"),
    [
        ({"a": {"labels": {"stable": 7}}, "b": {}}, VersionNotAvailableError),
        ({"a": {"versions": [2], "labels": {"stable": 1}}, "b": {}}, VersionNotAvailableError),
        ({"a": STABLE_1, "b": {"labels": {"x": 2}}}, VersionNotAvailableError),
        ({"a": {"versions": [2]}, "absent": {}}, ModelsNotAvailableError),
        ({"a": {"versions": [2]}, "b": {"versions": [4]}}, ModelsNotAvailableError),
        ({"a": {"versions": [2], "folder": "absent"}}, ModelsNotAvailableError),
        ({"": {}}, InvalidInputError),
    ],
)
def test_what_can_be_known_to_be_wrong_is_refused_before_anything_is_loaded(
    server: Server, wants: Any, error: type[LstmSentimentError]
) -> None:
    server.start(a=STABLE_1)
    before = server.core.config
    with pytest.raises(error) as caught:
        server.reload(**wants)
    assert str(server.folder) not in str(caught.value)
    assert server.available() == {"a": [1, 2]}
    assert server.answers("a", "stable") == 1
    assert server.core.config == before
    assert server.loads() == 2


def test_a_config_that_is_none_is_refused(server: Server) -> None:
    server.start(a=STABLE_1)
    with pytest.raises(InvalidInputError, match="model_config_list"):
        server.core.reload(ModelServerConfig())
    relative = server.config(a={})
    relative.model_config_list.config[0].base_path = "models/a"
    with pytest.raises(InvalidInputError, match="must be absolute"):
        server.core.reload(relative)
    twice = server.config(a={})
    twice.model_config_list.config.append(twice.model_config_list.config[0])
    with pytest.raises(InvalidInputError, match="must differ"):
        server.core.reload(twice)
    assert server.available() == {"a": [1, 2]}


def test_a_new_model_that_cannot_be_loaded_leaves_the_others_as_they_were(server: Server) -> None:
    server.start(a=STABLE_1)
    server.loaders.failures.add(("b", 1))
    with pytest.raises(ModelsNotAvailableError) as caught:
        server.reload(a={"versions": [2], "labels": {"stable": 2}}, b={})
    assert str(caught.value) == (
        "1 model(s) did not become available: {{{name: b version: 1} due to error: no good}}"
    )
    assert server.available() == {"a": [1, 2]}
    assert server.answers("a", "stable") == 1
    assert "b" in {state.id.name for state in server.core.states()}, "should it be mended"
    server.add("b", 2)
    server.reload(a={"versions": [2], "labels": {"stable": 2}}, b={})
    assert server.available() == {"a": [2], "b": [2]}
    assert server.answers("a", "stable") == 2


def test_a_version_of_a_new_model_may_fail_if_another_is_available(server: Server) -> None:
    server.start(b={})
    server.loaders.failures.add(("a", 2))
    server.reload(a=STABLE_1, b={})
    assert server.available() == {"a": [1], "b": [1]}


def test_a_label_to_a_version_that_does_not_load_leaves_all_as_it_was(server: Server) -> None:
    server.start(a={"versions": [1], "labels": {"stable": 1}}, b={})
    server.loaders.failures.add(("a", 2))
    with pytest.raises(VersionNotAvailableError) as caught:
        server.reload(a={"versions": [2], "labels": {"stable": 2}})
    assert str(caught.value) == (
        "Request to assign label to version 2 of model a, which is not currently available for "
        "inference: no good"
    )
    assert server.available() == {"a": [1], "b": [1]}
    assert server.answers("a", "stable") == 1


def test_a_label_that_dangles_already_does_not_stand_in_the_way(server: Server) -> None:
    server.start(a={"versions": [1], "labels": {"next": 9}})
    server.reload(a={"versions": [1], "labels": {"next": 9, "stable": 1}}, b={})
    assert server.answers("a", "stable") == 1
    server.add("a", 9)
    server.reload(a={"versions": [1, 9], "labels": {"next": 9}})
    assert server.manager.wait_until_settled(TIMEOUT_SECONDS)
    assert server.answers("a", "next") == 9


def test_labels_for_unavailable_models_are_allowed_if_they_are_new(
    make_server: MakeServer,
) -> None:
    server = make_server(allow_version_labels_for_unavailable_models=True)
    server.add("a", 1, 2)
    server.start(a={"versions": [1], "labels": {"stable": 1}})
    server.reload(a={"versions": [1], "labels": {"stable": 1, "next": 2}})
    with pytest.raises(ServableNotFoundError):
        server.answers("a", "next")
    with pytest.raises(VersionNotAvailableError):
        server.reload(a={"versions": [1], "labels": {"stable": 2}})
    assert server.answers("a", "stable") == 1


def test_what_is_served_from_a_base_path_that_cannot_be_read_stays(server: Server) -> None:
    server.start(a=STABLE_1)
    (server.folder / "a").rename(server.folder / "gone")
    server.reload(a={"versions": [1, 2], "labels": {"stable": 2}}, b={})
    assert server.answers("a", "stable") == 2
    with pytest.raises(VersionNotAvailableError):
        server.reload(a={"versions": [1, 2, 3], "labels": {"stable": 3}}, b={})


def test_a_model_whose_base_path_changes_is_loaded_from_there(server: Server) -> None:
    server.start(a=STABLE_1, b={})
    server.add("moved", 1)
    server.reload(a={"folder": "moved", "labels": {"stable": 1}}, b={})
    with server.manager.get_handle("a", label="stable") as handle:
        assert handle.servable.path == server.folder / "moved" / "1"  # type: ignore[attr-defined]
    assert server.available() == {"a": [1], "b": [1]}
    assert ("unload", "b", 1) not in server.loaders.events


def test_a_move_that_fails_goes_back(server: Server) -> None:
    server.start(b={"labels": {"stable": 1}})
    server.add("moved", 4)
    server.loaders.failures.add(("b", 4))
    with pytest.raises(ModelsNotAvailableError):
        server.reload(b={"folder": "moved", "labels": {"stable": 4}})
    assert server.available() == {"b": [1]}
    assert server.answers("b", "stable") == 1


def test_a_reload_that_takes_too_long_is_given_up(server: Server) -> None:
    server.start(b={})
    server.loaders.gates["a", 3] = threading.Event()
    with pytest.raises(ServableUnavailableError, match="still waiting for version 3 of model a"):
        server.core.reload(server.config(a={}), 0)
    assert server.answers("b") == 1


def test_two_reloads_take_turns(server: Server) -> None:
    server.start(b={})
    gate = server.loaders.gates["a", 3] = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(server.reload, a={})
        is_loading = lambda: any(s.state is LOADING for s in server.manager.states("a"))  # noqa: E731
        assert server.manager.wait_until(is_loading, TIMEOUT_SECONDS)
        with pytest.raises(ServableUnavailableError, match="another config"):
            server.core.reload(server.config(b={}), 0)
        second = threads.submit(server.reload, b={})
        gate.set()
        first.result(TIMEOUT_SECONDS)
        second.result(TIMEOUT_SECONDS)
    assert server.available() == {"b": [1]}


def test_stopping_ends_a_reload_under_way(server: Server) -> None:
    server.start(b={})
    gate = server.loaders.gates["a", 3] = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        reload = threads.submit(server.core.reload, server.config(a={}))
        is_loading = lambda: any(s.state is LOADING for s in server.manager.states("a"))  # noqa: E731
        assert server.manager.wait_until(is_loading, TIMEOUT_SECONDS)
        stop = threads.submit(server.core.stop)
        with pytest.raises(ServableUnavailableError, match="the server is stopping"):
            reload.result(TIMEOUT_SECONDS)
        gate.set()
        stop.result(TIMEOUT_SECONDS)


def test_a_file_that_changes_is_loaded_until_the_server_stops(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(threading.enumerate())
    server.start(a=STABLE_1)
    path = server.folder / "models.config"
    path.write_text(str(server.config(a=STABLE_1)))
    with caplog.at_level(logging.INFO):
        server.core.poll_config_file(path, 0.001)
        path.write_text(str(server.config(b={})))
        assert server.manager.wait_until(
            lambda: any(s.state is AVAILABLE for s in server.manager.states("b")), TIMEOUT_SECONDS
        )
    server.core.stop()
    assert set(threading.enumerate()) <= before


def test_a_pause_of_zero_looks_at_the_file_only_when_asked_to(server: Server) -> None:
    server.start(b={})
    before = set(threading.enumerate())
    path = server.folder / "models.config"
    path.write_text(str(server.config(a=STABLE_1)))
    server.core.poll_config_file(path, 0)
    assert set(threading.enumerate()) <= before
    assert server.core.config == server.config(b={})
    server.core.poll_now()
    assert server.core.config == server.config(a=STABLE_1)
    path.write_text(str(server.config(b={})))
    server.core.stop()
    server.core.poll_now()
    assert server.core.config == server.config(a=STABLE_1)
    with pytest.raises(InvalidInputError, match="must be at least 0"):
        server.core.poll_config_file(server.folder / "absent", -1)


def reload_for(server: Server, caller: Caller, **models: Any) -> "Future[None]":
    """Reloads in a thread; returns once it waits for its models, or for its turn."""
    waits = threading.Event()

    class Asking(Caller):
        def waits(self) -> bool:
            waits.set()
            return caller.waits()

        def when_gone(self, callback: Callable[[], None]) -> None:
            caller.when_gone(callback)

        def check_waits(self) -> None:
            caller.check_waits()

    with_pool = ThreadPoolExecutor(1)
    config = server.config(**models)
    done = with_pool.submit(server.core.reload, config, TIMEOUT_SECONDS, Asking())
    with_pool.shutdown(wait=False)
    assert waits.wait(TIMEOUT_SECONDS)
    return done


def test_a_reload_whose_caller_is_gone_ends_and_another_has_its_turn(server: Server) -> None:
    server.start(b={})
    gate = server.loaders.gates["a", 3] = threading.Event()
    loading, waiting = Caller(), Caller()
    first = reload_for(server, loading, a={}, b={})
    second = reload_for(server, waiting, a={"versions": [1]})
    for caller, done in ((waiting, second), (loading, first)):
        caller.leave()
        with pytest.raises(RequestCancelledError):
            done.result(TIMEOUT_SECONDS)
    assert list(server.core.labels) == ["b"]
    server.reload(b={"versions": [1], "labels": {"stable": 1}})
    assert server.answers("b", "stable") == 1
    gate.set()


def test_a_caller_who_is_gone_already_changes_nothing(server: Server) -> None:
    server.start(b={})
    caller = Caller()
    caller.leave()
    with pytest.raises(RequestCancelledError):
        server.core.reload(server.config(a={}), TIMEOUT_SECONDS, caller)
    assert server.available() == {"b": [1]}
