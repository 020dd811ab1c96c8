import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.servable import ManagerState, Signature
from lstm_sentiment.serving.servable_id import ServableId

TIMEOUT_SECONDS = 30


class FakeServable:
    signatures: Mapping[str, Signature] = {}
    signature_defs: Mapping[str, Any] = {}

    def run(
        self,
        signature_key: str,
        inputs: Mapping[str, Any],
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
    ) -> dict[str, Any]:
        return {}


class ScriptedLoaders:
    """Makes loaders that tell what happens, and that can be made to fail, to wait or to be big."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.paths: list[Path] = []
        self.failures: dict[int, Exception] = {}
        self.tries_to_fail: dict[int, int] = {}
        self.unload_failures: dict[int, Exception] = {}
        self.gates: dict[int, threading.Event] = {}
        self.unload_gates: dict[int, threading.Event] = {}
        self.estimates: dict[int, int | Exception] = {}

    def __call__(self, servable_id: ServableId, path: Path) -> "ScriptedLoader":
        self.paths.append(path)
        return ScriptedLoader(self, servable_id.version)

    def open_gates(self) -> None:
        for gate in [*self.gates.values(), *self.unload_gates.values()]:
            gate.set()


class ScriptedLoader:
    engine: str | None = None

    def __init__(self, loaders: ScriptedLoaders, version: int) -> None:
        self.loaders, self.version = loaders, version

    def estimate_bytes(self) -> int:
        estimate = self.loaders.estimates.get(self.version, 0)
        if isinstance(estimate, Exception):
            raise estimate
        return estimate

    def load(self) -> FakeServable:
        self.loaders.events.append(("load", self.version))
        if self.version in self.loaders.gates:
            assert self.loaders.gates[self.version].wait(TIMEOUT_SECONDS)
        if self.version in self.loaders.failures:
            raise self.loaders.failures[self.version]
        if self.loaders.tries_to_fail.get(self.version):
            self.loaders.tries_to_fail[self.version] -= 1
            raise ServableLoadError(f"bad file, {self.loaders.tries_to_fail[self.version]} to go")
        return FakeServable()

    def unload(self) -> None:
        self.loaders.events.append(("unload", self.version))
        if self.version in self.loaders.unload_gates:
            assert self.loaders.unload_gates[self.version].wait(TIMEOUT_SECONDS)
        if self.version in self.loaders.unload_failures:
            raise self.loaders.unload_failures[self.version]


class FakeClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def running_manager(loaders: ScriptedLoaders, **options: Any) -> Iterator[Manager]:
    """A manager at work, that does not try failed loads again unless told otherwise."""
    manager = Manager(loaders, **{"max_num_load_retries": 0, **options})
    manager.start()
    try:
        yield manager
    finally:
        loaders.open_gates()
        manager.stop()


def aspire(manager: Manager, *versions: int, name: str = "m", folder: str = "m") -> None:
    manager.set_aspired_versions(name, {v: Path(folder, str(v)) for v in versions})


def settle(manager: Manager) -> None:
    assert manager.wait_until_settled(TIMEOUT_SECONDS)


def states(manager: Manager, name: str = "m") -> dict[int, ManagerState]:
    return {state.id.version: state.state for state in manager.states(name)}


def await_state(manager: Manager, version: int, state: ManagerState) -> None:
    await_that(manager, lambda: states(manager).get(version) is state)


def await_that(manager: Manager, predicate: Callable[[], bool]) -> None:
    assert manager.wait_until(predicate, TIMEOUT_SECONDS)
