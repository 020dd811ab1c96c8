"""Brings the models of a config into service, and those of the next config after them.

After `ServerCore::ReloadConfig` of `tensorflow_serving/model_servers/server_core.cc`. Unlike there,
the labels of a config are applied after its models are loaded, so that one reload can bring a
version and point a label to it; and a config that is refused changes nothing that is served.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.checks import at_least
from lstm_sentiment.errors import (
    ConfigError,
    InvalidInputError,
    LstmSentimentError,
    ServableUnavailableError,
)
from lstm_sentiment.models_config.config import (
    ModelServerConfig,
    check_models_config,
    servables_to_monitor,
    version_labels,
)
from lstm_sentiment.models_config.version_policy import ServableToMonitor
from lstm_sentiment.serving.errors import ModelsNotAvailableError, VersionDidNotLoadError
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.reload.config_poller import ConfigFilePoller
from lstm_sentiment.serving.reload.reload_plan import ReloadPlan, Served, plan_reload
from lstm_sentiment.serving.reload.source import FileSystemStoragePathSource
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId

logger = logging.getLogger(__name__)

AVAILABLE = ManagerState.AVAILABLE


class ServerCore:
    """The source, the manager and the version labels of a server, kept to one config."""

    def __init__(
        self,
        manager: Manager,
        *,
        file_system_poll_wait_seconds: float = 1.0,
        allow_version_labels_for_unavailable_models: bool = False,
    ) -> None:
        """Prepares to serve; reads and starts nothing yet.

        Args:
            manager: Who loads and unloads; started and stopped from here.
            file_system_poll_wait_seconds: Pause between looks at the base paths; 0 looks once for
                each config.
            allow_version_labels_for_unavailable_models: Whether a reload may bring a new label for
                a version that is not available; requests by it are refused until it is. A label
                that exists already is moved to none.

        Raises:
            InvalidInputError: If the pause is negative.
        """
        self._manager = manager
        self._source = FileSystemStoragePathSource(
            (),
            manager.set_aspired_versions,
            file_system_poll_wait_seconds=file_system_poll_wait_seconds,
        )
        self._allow_unavailable = allow_version_labels_for_unavailable_models
        # One config at a time; held for as long as its models take to load.
        self._turn = threading.Lock()
        self._config = ModelServerConfig()
        self._watched: dict[str, ServableToMonitor] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._is_stopping = False
        self._poller: ConfigFilePoller | None = None

    @property
    def config(self) -> model_server_config_pb2.ModelServerConfig:
        """The config in force: the last one that was taken as a whole; not to be changed."""
        return self._config

    @property
    def labels(self) -> Mapping[str, Mapping[str, int]]:
        """The version labels of each model of the config in force, by its name; for reading."""
        return self._labels

    def states(self) -> list[ServableState]:
        """Tells where every version of every model stands, by model in the config's order."""
        return [state for name in self._watched for state in self._manager.states(name)]

    def start(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        load_timeout_seconds: float | None = None,
    ) -> None:
        """Starts the manager and brings the first config into service; called once.

        Returns when every aspired version is available or has failed to load; what failed is
        logged, and the others are served. So are labels that point to no available version:
        requests by them are refused until there is one. (Stock TensorFlow Serving refuses such a
        config, unless it is told to allow version labels for unavailable models.)

        Args:
            config: A checked config.
            load_timeout_seconds: How long to wait for the models; `None` for ever.

        Raises:
            ServableUnavailableError: If the models take longer.
        """
        with self._turn:
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
        """Unloads everything; a reload under way is given up. Requests must have ended."""
        self._is_stopping = True
        self._source.stop()
        self._manager.stop()
        if self._poller is not None:
            self._poller.stop()

    def reload(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        timeout_seconds: float | None = None,
    ) -> None:
        """Serves the models of a config, and no others, from now on.

        What can be known of a config before anything is loaded is known first, so that an invalid
        one is refused whole. Then what it adds is loaded while all that is served stays: a model
        that is left out goes last, as does a version that a label leaves. So both must fit into
        memory for a while. Only a model whose base path changes is unloaded first.

        Returns when each new model has a version available, the others of its versions have
        loaded or failed, and the labels point to where the config wants them. After an error the
        models served before are served as before, with their labels; new models stay watched, so
        that one comes into service when a good version of it appears.

        Args:
            config: All models to serve. An explicit empty list serves none.
            timeout_seconds: How long it may take, a reload before this one included; `None` for
                ever.

        Raises:
            InvalidInputError: If the config breaks a rule.
            VersionNotAvailableError: If a label points to a version that this config does not
                bring into service. One that pointed there before may stay.
            ModelsNotAvailableError: If a new model has no version, or none that can be loaded.
            ServableUnavailableError: If it takes longer, or the server stops.
        """
        _check(config)
        deadline = _Deadline(timeout_seconds)
        with self._my_turn(deadline):
            plan = plan_reload(
                config,
                self._served(),
                allow_version_labels_for_unavailable_models=self._allow_unavailable,
            )
            try:
                self._watch(plan.during, deadline)
                self._await_versions(plan, deadline)
            except LstmSentimentError:
                self._watch(plan.after_failure)
                raise
            self._take(config)
            self._watch(plan.servables)
        logger.info("serving the new config: models %s", ", ".join(plan.servables) or "none")

    def poll_config_file(self, path: str | Path, wait_seconds: float) -> None:
        """Reloads from a `models.config` whenever it has changed, until `stop`.

        Args:
            path: The file, which the config in force was read from.
            wait_seconds: Pause between looks at it; 0 looks at `poll_now` alone. TensorFlow
                Serving's `--model_config_file_poll_wait_seconds`.

        Raises:
            InvalidInputError: If the pause is negative.
        """
        at_least(0, model_config_file_poll_wait_seconds=wait_seconds)
        self._poller = ConfigFilePoller(
            path, self.reload, in_force=self._config, wait_seconds=wait_seconds
        )
        self._poller.start()

    def poll_now(self) -> None:
        """Reads the config file, if one is polled, then the base paths, without waiting for a turn.

        Returns when a config that has changed is in force or refused, as `reload` does; the
        versions that appeared under base paths may still be loading. After `stop`, does nothing.
        """
        if self._is_stopping:
            return
        if self._poller is not None:
            self._poller.poll_once()
        self._source.poll_once()

    @contextmanager
    def _my_turn(self, deadline: "_Deadline") -> Iterator[None]:
        seconds = deadline.seconds_left()
        if not self._turn.acquire(timeout=-1 if seconds is None else seconds):
            raise deadline.error("another config was still being loaded")
        try:
            yield
        finally:
            self._turn.release()

    def _served(self) -> Served:
        return Served(
            self._watched,
            self._labels,
            {name: self._versions_in(name, AVAILABLE) for name in self._watched},
        )

    def _watch(
        self, servables: Mapping[str, ServableToMonitor], deadline: "_Deadline | None" = None
    ) -> None:
        """Has these base paths watched, and no others."""
        moved = {
            name
            for name, servable in servables.items()
            if name in self._watched and self._watched[name].base_path != servable.base_path
        }
        if moved:
            # The manager keeps what it has loaded of a version's number, from wherever it was.
            self._replace_watched({n: s for n, s in self._watched.items() if n not in moved})
            self._wait(lambda: not any(map(self._is_in_memory, moved)), deadline, moved)
        self._replace_watched(servables)

    def _replace_watched(self, servables: Mapping[str, ServableToMonitor]) -> None:
        # Before the manager is told: who is woken by it asks for the states of these.
        self._watched = dict(servables)
        self._source.set_servables(servables.values())

    def _await_versions(self, plan: ReloadPlan, deadline: "_Deadline") -> None:
        names = {version.name for version in plan.awaited}
        self._wait(lambda: all(map(self._has_settled, plan.awaited)), deadline, names)
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
        self, is_done: Callable[[], bool], deadline: "_Deadline | None", names: Iterable[str]
    ) -> None:
        seconds = None if deadline is None else deadline.seconds_left()
        is_in_time = self._manager.wait_until(lambda: self._is_stopping or is_done(), seconds)
        if self._is_stopping:
            raise ServableUnavailableError("the server is stopping.")
        if deadline is not None and not is_in_time:
            loading = ", ".join(self._loading()) or f"model {', '.join(sorted(names))}"
            raise deadline.error(f"still waiting for {loading}")

    def _take(self, config: model_server_config_pb2.ModelServerConfig) -> None:
        """Applies the labels of a config whose models are loaded: from now on it is in force."""
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
        # A copy, since whoever gave it may change it.
        self._config = ModelServerConfig()
        self._config.CopyFrom(config)

    def _state(self, version: ServableId) -> ManagerState | None:
        states = self._manager.states(version.name)
        return next((state.state for state in states if state.id == version), None)

    def _is_available(self, version: ServableId) -> bool:
        return self._state(version) is AVAILABLE

    def _has_settled(self, version: ServableId) -> bool:
        # One that is tried again later has failed for now: minutes may pass until then.
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
    """When a reload must be over."""

    def __init__(self, timeout_seconds: float | None) -> None:
        self._timeout_seconds = timeout_seconds
        self._end = None if timeout_seconds is None else time.monotonic() + timeout_seconds

    def seconds_left(self) -> float | None:
        return None if self._end is None else max(self._end - time.monotonic(), 0.0)

    def error(self, arrived: str) -> ServableUnavailableError:
        return ServableUnavailableError(
            f"a config must be loaded within {self._timeout_seconds} seconds. Received: {arrived}."
        )


def _check(config: model_server_config_pb2.ModelServerConfig) -> None:
    is_list = config.WhichOneof("config") == "model_config_list"
    if is_list and not config.model_config_list.config:
        return  # A file with no model is a mistake; who sends an empty list wants nothing served.
    try:
        check_models_config(config, source="config")
    except ConfigError as error:
        raise InvalidInputError(str(error)) from error
