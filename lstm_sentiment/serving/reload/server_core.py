"""Serves the models of a config, and of each new config after it.

After `ServerCore::ReloadConfig` of `tensorflow_serving/model_servers/server_core.cc`. Unlike there,
the labels of a config are applied after its models are loaded, so that one reload can bring a
version and point a label to it; and a refused config changes nothing that is served.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lstm_sentiment.checks import at_least
from lstm_sentiment.errors import (
    ConfigError,
    InvalidInputError,
    LstmSentimentError,
    ServableUnavailableError,
)
from lstm_sentiment.models_config.config import (
    check_models_config,
    servables_to_monitor,
    version_labels,
)
from lstm_sentiment.models_config.version_policy import ServableToMonitor
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.errors import ModelsNotAvailableError, VersionDidNotLoadError
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.reload.config_poller import ConfigFilePoller
from lstm_sentiment.serving.reload.reload_plan import ReloadPlan, Served, plan_reload
from lstm_sentiment.serving.reload.source import FileSystemStoragePathSource
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.timeouts import timeout_or_none

logger = get_logger(__name__)

AVAILABLE = ManagerState.AVAILABLE


class ServerCore:
    """Keeps the source, the manager and the version labels of a server to one config."""

    def __init__(
        self,
        manager: Manager,
        *,
        file_system_poll_wait_seconds: float = 1.0,
        allow_version_labels_for_unavailable_models: bool = False,
        check: Callable[[ModelServerConfig], None] | None = None,
        when_taken: Callable[[ModelServerConfig], None] | None = None,
        when_changed: Callable[[], None] | None = None,
    ) -> None:
        """Creates an idle core; reads and starts nothing yet.

        Args:
            manager: Loads and unloads the versions; the core starts and stops it.
            file_system_poll_wait_seconds: Pause between polls of the base paths; 0 polls once for
                each config.
            allow_version_labels_for_unavailable_models: Lets a reload bring new labels of versions
                that are not available; requests by these labels are refused until they are. An
                existing label is never moved to such a version.
            check: Checks each new config further; raises `ConfigError` to refuse it.
            when_taken: Called with each config whose models are loaded, before it is in force.
            when_changed: Called when a new config is in force; must be quick.

        Raises:
            InvalidInputError: If the pause is negative.
        """
        self._manager = manager
        self._source = FileSystemStoragePathSource(
            (),
            manager.set_aspired_versions,
            file_system_poll_wait_seconds=file_system_poll_wait_seconds,
        )
        self._check, self._when_taken, self._when_changed = check, when_taken, when_changed
        self._allow_unavailable = allow_version_labels_for_unavailable_models
        # One config at a time: whose models load has the turn.
        self._turn = threading.Condition()
        self._is_taken = False
        self._config = ModelServerConfig()
        self._watched: dict[str, ServableToMonitor] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._is_stopping = False
        self._poller: ConfigFilePoller | None = None

    @property
    def config(self) -> ModelServerConfig:
        """The config in force, the last that was applied as a whole; not to be changed."""
        return self._config

    @property
    def labels(self) -> Mapping[str, Mapping[str, int]]:
        """The version labels of the config in force, by model name; not to be changed."""
        return self._labels

    def states(self) -> list[ServableState]:
        """Returns the state of every version, by model in the config's order."""
        return [state for name in self._watched for state in self._manager.states(name)]

    def start(
        self,
        config: ModelServerConfig,
        load_timeout_seconds: float | None = None,
    ) -> None:
        """Starts the manager and loads the first config; called once.

        Returns when every aspired version is available or has failed to load; failures are logged,
        and the other versions are served. Labels may point to versions that are not available;
        requests by them are refused until they are. (Stock TensorFlow Serving refuses such a config
        unless `--allow_version_labels_for_unavailable_models` is given.)

        Args:
            config: A checked config.
            load_timeout_seconds: Longest wait for the models; `None` for no limit.

        Raises:
            ServableUnavailableError: If the models take longer.
        """
        with self._my_turn(_Deadline(None), ANYBODY):
            self._manager.start()
            self._watch({s.name: s for s in servables_to_monitor(config)})
            self._source.start()
            if not self._manager.wait_until_settled(load_timeout_seconds):
                raise ServableUnavailableError(
                    f"the models must load within {load_timeout_seconds} seconds. "
                    f"Received: still loading {', '.join(self._loading()) or 'one'}."
                )
            self._take(config)

    def stop(self) -> None:
        """Unloads all versions and aborts a running reload. Requests must have ended."""
        self._is_stopping = True
        self._wake()
        self._source.stop()
        self._manager.stop()
        if self._poller is not None:
            self._poller.stop()

    def reload(
        self,
        config: ModelServerConfig,
        timeout_seconds: float | None = None,
        caller: Caller = ANYBODY,
    ) -> None:
        """Serves the models of a config, and no others, from now on.

        The whole config is checked before anything changes. Then new versions are loaded while all
        old ones stay: a model that the config leaves out is unloaded last, as is a version that a
        label leaves. So both must fit into memory for a while. Only a model whose base path changes
        is unloaded first.

        Returns when each new model has a version available, its other versions have loaded or
        failed, and the labels are applied. After an error the models of before are served as
        before, with their labels; new models stay watched, so that they are served once a good
        version appears.

        Args:
            config: All models to serve. An explicit empty list serves none.
            timeout_seconds: Longest time, a reload before this one included; `None` for no limit.
            caller: Who waits for it; once nobody does, it ends as after an error.

        Raises:
            InvalidInputError: If the config breaks a rule.
            VersionNotAvailableError: If a label points to a version that the config does not serve.
                A label that pointed there before may stay.
            ModelsNotAvailableError: If a new model has no version, or none that can be loaded.
            ServableUnavailableError: If it takes longer, or the server stops.
            RequestCancelledError: If the caller goes away first.
            DeadlineExceededError: If the caller's deadline passes first.
        """
        _check(config, self._check)
        deadline = _Deadline(timeout_seconds)
        # A caller who leaves wakes whatever waits for him.
        caller.when_gone(self._wake)
        with self._my_turn(deadline, caller):
            plan = plan_reload(
                config,
                self._served(),
                allow_version_labels_for_unavailable_models=self._allow_unavailable,
            )
            try:
                self._watch(plan.during, deadline, caller)
                self._await_versions(plan, deadline, caller)
            except LstmSentimentError:
                self._watch(plan.after_failure)
                raise
            self._take(config)
            self._watch(plan.servables)
        logger.info("serving the new config: models %s", ", ".join(plan.servables) or "none")

    def poll_config_file(
        self,
        path: str | Path,
        wait_seconds: float,
        *,
        when_read: Callable[[ModelServerConfig], None] | None = None,
    ) -> None:
        """Reloads from a `models.config` whenever it has changed, until `stop`.

        Args:
            path: The file that the config in force was read from.
            wait_seconds: Pause between polls; 0 polls only at `poll_now`. TensorFlow Serving's
                `--model_config_file_poll_wait_seconds`.
            when_read: Called with each changed config of the file, before it is loaded.

        Raises:
            InvalidInputError: If the pause is negative.
        """
        at_least(0, model_config_file_poll_wait_seconds=wait_seconds)

        def reload(config: ModelServerConfig) -> None:
            if when_read is not None:
                when_read(config)
            self.reload(config)

        self._poller = ConfigFilePoller(
            path, reload, in_force=self._config, wait_seconds=wait_seconds
        )
        self._poller.start()

    def poll_now(self) -> None:
        """Polls the config file, if there is one, then the base paths.

        Returns when a changed config is in force or refused; versions that appeared under base
        paths may still be loading. Does nothing after `stop`.
        """
        if self._is_stopping:
            return
        if self._poller is not None:
            self._poller.poll_once()
        self._source.poll_once()

    @contextmanager
    def _my_turn(self, deadline: "_Deadline", caller: Caller) -> Iterator[None]:
        with self._turn:
            self._turn.wait_for(
                lambda: not self._is_taken or self._is_stopping or not caller.waits(),
                deadline.seconds_left(),
            )
            self._check_goes_on(caller)
            if self._is_taken:
                raise deadline.error("another config was still being loaded")
            self._is_taken = True
        try:
            yield
        finally:
            with self._turn:
                self._is_taken = False
                self._turn.notify_all()

    def _wake(self) -> None:
        """Lets all who wait look again at whether they still should."""
        with self._turn:
            self._turn.notify_all()
        self._manager.wake()

    def _check_goes_on(self, caller: Caller) -> None:
        if self._is_stopping:
            raise ServableUnavailableError("the server is stopping.")
        caller.check_waits()

    def _served(self) -> Served:
        return Served(
            self._watched,
            self._labels,
            {name: self._versions_in(name, AVAILABLE) for name in self._watched},
        )

    def _watch(
        self,
        servables: Mapping[str, ServableToMonitor],
        deadline: "_Deadline | None" = None,
        caller: Caller = ANYBODY,
    ) -> None:
        """Sets the base paths to watch; a model that moves is unloaded first."""
        moved = {
            name
            for name, servable in servables.items()
            if name in self._watched and self._watched[name].base_path != servable.base_path
        }
        if moved:
            # The manager keeps a loaded version, whatever folder its number has later.
            self._replace_watched({n: s for n, s in self._watched.items() if n not in moved})
            self._wait(lambda: not any(map(self._is_in_memory, moved)), deadline, moved, caller)
        self._replace_watched(servables)

    def _replace_watched(self, servables: Mapping[str, ServableToMonitor]) -> None:
        # Set before the source calls the manager, which wakes threads that ask for these states.
        self._watched = dict(servables)
        self._source.set_servables(servables.values())

    def _await_versions(self, plan: ReloadPlan, deadline: "_Deadline", caller: Caller) -> None:
        names = {version.name for version in plan.awaited}
        self._wait(lambda: all(map(self._has_settled, plan.awaited)), deadline, names, caller)
        failed = [
            version
            for version in sorted(plan.awaited)
            if version.name in plan.new and not self._versions_in(version.name, AVAILABLE)
        ]
        if failed:
            reasons = {version: self._manager.last_load_error(version) for version in failed}
            raise ModelsNotAvailableError.after_loading(reasons)
        for version in plan.labelled:
            if not self._is_available(version):
                raise VersionDidNotLoadError(version, self._manager.last_load_error(version))

    def _wait(
        self,
        is_done: Callable[[], bool],
        deadline: "_Deadline | None",
        names: Iterable[str],
        caller: Caller,
    ) -> None:
        seconds = None if deadline is None else deadline.seconds_left()
        is_in_time = self._manager.wait_until(
            lambda: self._is_stopping or not caller.waits() or is_done(), seconds
        )
        self._check_goes_on(caller)
        if deadline is not None and not is_in_time:
            loading = ", ".join(self._loading()) or f"model {', '.join(sorted(names))}"
            raise deadline.error(f"still waiting for {loading}")

    def _take(self, config: ModelServerConfig) -> None:
        """Applies the labels of a config whose models are loaded, and puts it in force."""
        labels = version_labels(config)
        for name in self._labels.keys() - labels.keys():
            self._manager.remove(name)
        for name, versions in labels.items():
            for label, version in versions.items():
                if not self._is_available(ServableId(name, version)):
                    logger.warning(
                        "label %s of model %s points to version %s, which is not available; "
                        "requests by this label are refused until it is",
                        label,
                        name,
                        version,
                    )
            self._manager.set_version_labels(name, versions, allow_unavailable=True)
        self._labels = labels
        # A copy, since the caller may change the message.
        in_force = ModelServerConfig()
        in_force.CopyFrom(config)
        if self._when_taken is not None:
            self._when_taken(in_force)
        self._config = in_force
        if self._when_changed is not None:
            self._when_changed()

    def _state(self, version: ServableId) -> ManagerState | None:
        states = self._manager.states(version.name)
        return next((state.state for state in states if state.id == version), None)

    def _is_available(self, version: ServableId) -> bool:
        return self._state(version) is AVAILABLE

    def _has_settled(self, version: ServableId) -> bool:
        # A version that waits for a retry has failed for now: minutes may pass until then.
        return (
            self._state(version) in (AVAILABLE, ManagerState.END, None)
            or self._manager.last_load_error(version) is not None
        )

    def _is_in_memory(self, name: str) -> bool:
        return any(state.state is not ManagerState.END for state in self._manager.states(name))

    def _versions_in(self, name: str, *states: ManagerState) -> frozenset[int]:
        return frozenset(s.id.version for s in self._manager.states(name) if s.state in states)

    def _loading(self) -> list[str]:
        return [
            f"version {version} of model {name}"
            for name in self._watched
            for version in sorted(
                self._versions_in(name, ManagerState.START, ManagerState.LOADING), reverse=True
            )
        ]


class _Deadline:
    """The time limit of a reload."""

    def __init__(self, timeout_seconds: float | None) -> None:
        timeout_seconds = timeout_or_none(timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._end = None if timeout_seconds is None else time.monotonic() + timeout_seconds

    def seconds_left(self) -> float | None:
        return None if self._end is None else max(self._end - time.monotonic(), 0.0)

    def error(self, arrived: str) -> ServableUnavailableError:
        return ServableUnavailableError(
            f"a config must be loaded within {self._timeout_seconds} seconds. Received: {arrived}."
        )


def _check(config: ModelServerConfig, further: Callable[[ModelServerConfig], None] | None) -> None:
    try:
        check_models_config(config, source="config")
        if further is not None:
            further(config)
    except ConfigError as error:
        raise InvalidInputError(str(error)) from error
