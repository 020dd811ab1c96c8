"""A model server with TensorFlow Serving's gRPC and REST interfaces.

Creates source, manager, data plane and transports, starts and stops them in order; after
`tensorflow_serving/model_servers/server.cc`.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from lstm_sentiment.models_config.config import (
    as_models_config,
    check_models_config,
    load_models_config,
    version_labels,
)
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.access.base_paths import AllowedBasePaths
from lstm_sentiment.serving.access.connection_limit import connection_limit
from lstm_sentiment.serving.access.listening import check_port, listen
from lstm_sentiment.serving.access.reloading import AccessReloader
from lstm_sentiment.serving.access.unix_socket import check_socket_path, make_way
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.counts import Counts
from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.grpc_api.server import GrpcServer
from lstm_sentiment.serving.inference.bytes_in_flight import BytesInFlight
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.memory_return import MemoryReturn
from lstm_sentiment.serving.inference.runner import Runner
from lstm_sentiment.serving.loading.manager import version_manager
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.monitoring.merged_pages import MergedPages
from lstm_sentiment.serving.monitoring.observability import MetricsPage, Observability
from lstm_sentiment.serving.peers import Peers
from lstm_sentiment.serving.reload.server_core import ServerCore
from lstm_sentiment.serving.request_log.folders import check_log_folders
from lstm_sentiment.serving.rest_api.about import about_version
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.server_options import ServerOptions, options_or_deprecated
from lstm_sentiment.serving.shadow.managed import managed_shadow
from lstm_sentiment.serving.shadow.options import ShadowOptions
from lstm_sentiment.serving.shadow.shadow import Shadow
from lstm_sentiment.serving.transports import (
    make_grpc_server,
    make_rest_server,
    open_grpc_port,
    open_grpc_socket,
)
from lstm_sentiment.system import wait_for
from lstm_sentiment.timeouts import countable, timeout_or_none

logger = get_logger(__name__)


class ModelServer:
    """Serves the models of one `models.config` while it is entered as a context.

        with ModelServer("serving_configs/models.config", port=0) as server:
            print(server.port)

    A server can be started only once.
    """

    def __init__(
        self,
        config: str | Path | Message,
        options: ServerOptions | None = None,
        *,
        port: int | None = 8500,
        rest_api_port: int | None = 0,
        host: str = "127.0.0.1",
        grpc_socket_path: str | Path | None = None,
        peers: Peers | None = None,
        **deprecated: Any,
    ) -> None:
        """Reads and checks the config; opens no port and loads no model yet.

        Args:
            config: Path of a `models.config`, or the message itself: a
                `tensorflow.serving.ModelServerConfig` of this package or of
                tensorflow-serving-api.
            options: All other settings; `None` for the defaults.
            port: Port for gRPC; 0 for any free one, `None` for none, where `grpc_socket_path` is
                given. (On the command line 0 means none, as in TensorFlow Serving.)
            rest_api_port: Port for REST; 0 for any free one, `None` for no REST. (On the command
                line 0 means no REST, as in TensorFlow Serving.)
            host: Address that both transports listen on.
            grpc_socket_path: Path of a UNIX socket for gRPC, beside the port; `None` for none. If
                another server listens there, its socket stays, and gRPC is served on the port.
            peers: Other processes that share the ports and serve the same; `None` for none. See
                `serving.workers`.
            **deprecated: Fields of `ServerOptions`, as this class took them itself before;
                accepted for one more release.

        Raises:
            ConfigError: If the config cannot be read or breaks a rule.
            InvalidInputError: If a number or the path is out of its range, if there is neither
                `port` nor `grpc_socket_path`, if `shadow` does not tell of which model, or if both
                `options` and deprecated keywords are given.
        """
        options = options_or_deprecated(options, deprecated)
        if port is not None:
            check_port("port", port)
        elif grpc_socket_path is None:
            raise InvalidInputError(
                "`port` or `grpc_socket_path` must be given. Received: neither."
            )
        if rest_api_port is not None:
            check_port("rest_api_port", rest_api_port)
        self._config_file = Path(config) if isinstance(config, str | Path) else None
        self._config = _checked_config(config)
        self._options = options
        self._base_paths = AllowedBasePaths(options.allowed_base_paths)
        self._base_paths.trust(self._config)
        self._host = host
        self._peers = peers
        self._asked_port, self._asked_rest_api_port = port, rest_api_port
        self._asked_socket_path = (
            None if grpc_socket_path is None else check_socket_path(grpc_socket_path)
        )
        self._grpc_socket_path: Path | None = None
        self._observability = _observability(options)
        metrics = self._observability.metrics
        self._scheduler = (
            BatchScheduler(options.batching, on_batch=metrics.batch_run if metrics else None)
            if options.batching
            else None
        )
        self._manager = version_manager(options.loading, self._scheduler, self._note_state)
        self._core = ServerCore(
            self._manager,
            file_system_poll_wait_seconds=options.file_system_poll_wait_seconds,
            allow_version_labels_for_unavailable_models=(
                options.allow_version_labels_for_unavailable_models
            ),
            check=check_log_folders,
            when_taken=self._observability.request_log.update,
            when_changed=None if peers is None else peers.changed,
        )
        self._shadow = self._make_shadow(options.shadow) if options.shadow is not None else None
        self._runner = Runner(options.max_threads)
        self._data_plane = DataPlane(
            self._manager,
            limits=options.limits,
            runner=self._runner,
            on_run=metrics.runtime if metrics else None,
            on_answer=self._shadow,
            with_counts=self._observability.wants_counts,
            merged_states=None if peers is None else peers.merged,
            labels=lambda: self._core.labels,
        )
        self._merged_pages = (
            None
            if peers is None
            else MergedPages(
                peers,
                self._observability.state,
                metrics,
                self._shadow,
                self._observability.request_log,
                self._observability.drift,
                self._observability.training_times,
                self._merged_states,
            )
        )
        self._access = _access_reloader(options, self._observability)
        self._in_flight = BytesInFlight(
            options.max_bytes_in_flight,
            when_refused=metrics.too_much_in_flight if metrics else None,
            when_large_ended=MemoryReturn(self._runner).soon,
        )
        self._loop = EventLoop()
        self._grpc: GrpcServer | None = None
        self._rest: RestServer | None = None
        self._port: int | None = None
        self._rest_api_port: int | None = None
        self._max_connections = 0
        self._is_started = False
        self._is_serving = False
        self._stop_lock = threading.Lock()
        self._stopped = threading.Event()

    @property
    def port(self) -> int:
        """The port gRPC listens on.

        Raises:
            ServableUnavailableError: If the server is not started, or has no port for gRPC.
        """
        if self._port is None:
            when = "before it is started" if self._asked_port is not None else "for gRPC"
            raise ServableUnavailableError(f"the server has no port {when}.")
        return self._port

    @property
    def grpc_socket_path(self) -> Path | None:
        """The UNIX socket gRPC listens on; `None` for none, or if the server is not started."""
        return self._grpc_socket_path

    @property
    def rest_api_port(self) -> int | None:
        """The port REST listens on; `None` if REST is off or the server is not started."""
        return self._rest_api_port

    def start(self) -> "ModelServer":
        """Loads the models, starts answering requests, and returns the server itself.

        Returns when every aspired version is available or has failed to load; failures are logged,
        and the other versions are served. After an error no thread or port is left open.

        Raises:
            InvalidInputError: If a port cannot be bound, the process may not have as many open
                files as `max_connections` needs, or the server was started before.
            ServableUnavailableError: If the models take longer than `load_timeout_seconds`.
        """
        if self._is_started:
            raise InvalidInputError("a ModelServer can be started only once.")
        self._is_started = True
        try:
            self._start()
        except BaseException:
            self.stop(grace_seconds=0)
            raise
        return self

    def stop(self, grace_seconds: float | None = None) -> None:
        """Refuses new requests, lets running requests finish, and unloads the models.

        From the start of this call, health checks report that the server is not ready.

        Args:
            grace_seconds: Longest time for running requests, infinity for no limit; `None` for the
                `grace_seconds` of the options. The call always waits for a version that is loading.
        """
        grace = countable(self._options.grace_seconds if grace_seconds is None else grace_seconds)
        with self._stop_lock:
            if self._stopped.is_set():
                return
            self._is_serving = False
            self._access.stop()
            # The process may be ended before the last request is.
            self._observability.request_log.write_at_once()
            grpc_stopped = self._grpc.stop(grace) if self._grpc is not None else None
            if self._rest is not None:
                self._rest.stop(grace)
            if grpc_stopped is not None:
                grpc_stopped.result()
                # It refers to this server: without the cycle both are freed at once.
                self._grpc = None
            if self._scheduler is not None:
                self._scheduler.stop()
            self._runner.stop()
            self._loop.stop()
            if self._shadow is not None:
                self._shadow.stop()
            self._observability.stop()
            self._core.stop()
            self._stopped.set()

    def wait_for_termination(self, timeout_seconds: float | None = None) -> bool:
        """Waits until the server has been stopped, by another thread or a signal handler.

        Args:
            timeout_seconds: Longest wait; `None` for no limit.

        Returns:
            Whether the server was stopped in time.
        """
        return wait_for(self._stopped, timeout_or_none(timeout_seconds))

    @property
    def has_ui(self) -> bool:
        """`True` if REST serves the web page at `/`."""
        return self._options.ui and self._asked_rest_api_port is not None

    @property
    def has_tls(self) -> bool:
        """`True` if both transports are encrypted."""
        return self._options.credentials is not None

    def states(self) -> list[ServableState]:
        """Returns the state of every version, by model in the config's order."""
        return self._core.states()

    def poll_now(self) -> None:
        """Polls the config file, the base paths, certificates and tokens, without a wait.

        Returns when a changed config is in force, or refused, which is logged. New versions may
        still be loading: see `wait_until_settled`.
        """
        self._access.poll_once()
        self._core.poll_now()

    def wait_until_settled(self, timeout_seconds: float | None = None) -> bool:
        """Waits until no version is left to load or unload, and no text to send to the shadow.

        A version whose load failed counts as settled, also while a retry is due.

        Args:
            timeout_seconds: Longest wait; `None` for no limit.

        Returns:
            Whether the server settled in time.
        """
        end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        if not self._manager.wait_until_settled(timeout_seconds):
            return False
        if self._shadow is None:
            return True
        return self._shadow.wait_until_idle(None if end is None else end - time.monotonic())

    def wait_until(
        self,
        predicate: Callable[[Sequence[ServableState]], bool],
        timeout_seconds: float | None = None,
    ) -> bool:
        """Waits for a condition on the states of the versions.

        Args:
            predicate: Called with `states()` now and after every change; must be quick.
            timeout_seconds: Longest wait; `None` for no limit.

        Returns:
            Whether the predicate came true in time.
        """
        return self._manager.wait_until(lambda: predicate(self.states()), timeout_seconds)

    def state(self) -> dict[str, Any]:
        """Returns the server's statistics, as `GET /state` does: see `ServerState.page`."""
        if self._merged_pages is not None:
            state = self._merged_pages.state(self._core.labels)
        else:
            shadow = () if self._shadow is None else (self._shadow.report(),)
            drift = self._observability.drift
            state = self._observability.state.page(
                self._core.labels,
                self.states(),
                shadow,
                request_log=self._observability.request_log.report(),
                drift=None if drift is None else drift.reports(),
            )
        if self._scheduler is not None and self._scheduler.objective_seconds is not None:
            state["batching"] = self._scheduler.report()
        return state

    def is_ready(self) -> bool:
        """Returns whether the server is started and has an available version."""
        return self._is_serving and any(
            state.state is ManagerState.AVAILABLE for state in self.states()
        )

    def reload(
        self,
        config: Message,
        timeout_seconds: float | None = None,
    ) -> None:
        """Serves the models of another config from now on, as HandleReloadConfigRequest does.

        Unlike there, the config may name any folder.

        Args:
            config: All models to serve, as the message that the class takes.
            timeout_seconds: Longest wait for the models; `None` for no limit.

        Raises:
            InvalidInputError: If the config breaks a rule, or a label would point to a version that
                is not available. As after the other error, the models of before are still served.
            ServableUnavailableError: If a new model has no version that can be loaded.
        """
        models = as_models_config(config)
        self._base_paths.trust(models)
        if self._peers is None:
            self._core.reload(models, timeout_seconds)
        else:
            self._peers.reload(models, timeout_seconds)

    def _reload_for(self, config: ModelServerConfig, caller: Caller) -> None:
        """Serves the models of another config while its caller waits for that."""
        self._base_paths.check(config)
        if self._peers is None:
            self._core.reload(config, None, caller)
        else:
            self._peers.reload(config, caller.seconds_left())

    def reload_here(self, config: ModelServerConfig, timeout_seconds: float | None) -> None:
        """Serves the models of another config in this process alone: for `peers`."""
        self._core.reload(config, timeout_seconds)

    def config_in_force(self) -> ModelServerConfig:
        """Returns the config that is served; not to be changed."""
        return self._core.config

    def counts(self) -> Counts:
        """Returns what this process has counted: for `peers`."""
        return Counts() if self._merged_pages is None else self._merged_pages.counts()

    def __enter__(self) -> "ModelServer":
        """Starts the server."""
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        """Stops the server."""
        self.stop()

    def _note_state(self, state: ServableState) -> None:
        logger.info("%s version %s: %s", state.id.name, state.id.version, state.state.name)
        self._observability.state_changed(state)
        if self._peers is not None:
            self._peers.changed()

    def _base_path(self, model_name: str) -> Path | None:
        """Returns the folder of a model's versions; `None` if the model is not served."""
        models = self._core.config.model_config_list.config
        return next((Path(each.base_path) for each in models if each.name == model_name), None)

    def _about(self, model_name: str, version: int) -> dict[str, Any]:
        return about_version(self._base_path(model_name), model_name, version)

    def _merged_states(self) -> list[ServableState]:
        return self.states() if self._peers is None else self._peers.merged(self.states())

    def _start(self) -> None:
        # Before anything is loaded: a limit that cannot be must be known first.
        places = (self._asked_rest_api_port, self._asked_port, self._asked_socket_path)
        self._max_connections = connection_limit(
            self._options.max_connections, len([each for each in places if each is not None])
        )
        # A port in use must be known before minutes of loading, so both are tried first. With
        # peers, their parent has reserved it, and callers would be sent here before they can be
        # answered.
        if self._peers is None:
            if self._asked_port is not None:
                listen(self._host, self._asked_port).close()
            if self._asked_socket_path is not None:
                make_way(self._asked_socket_path, is_needed=self._asked_port is None)
            self._rest = self._make_rest_server()
        self._loop.start()
        if self._scheduler is not None:
            self._scheduler.start()
        self._core.start(self._config, self._options.load_timeout_seconds)
        self._access.start()
        self._observability.start(self._manager, self._base_path)
        if self._shadow is not None:
            self._shadow.start()
        if self._config_file is not None:
            self._core.poll_config_file(
                self._config_file,
                self._options.model_config_file_poll_wait_seconds,
                when_read=self._base_paths.trust,
            )
        if self._peers is None:
            grpc_server = self._start_grpc()
        else:
            self._peers.join(self)
            with self._peers.opening_ports():
                self._rest = self._make_rest_server()
                grpc_server = self._start_grpc()
        self._is_serving = True
        if self._rest is not None:
            self._rest.start()
        grpc_server.set_serving()
        # `serve` prints the addresses itself; of several workers each reports that it is there.
        level = logging.DEBUG if self._peers is None else logging.INFO
        logger.log(
            level, "serving gRPC on port %s, REST on port %s", self._port, self._rest_api_port
        )
        if self._grpc_socket_path is not None:
            logger.log(level, "serving gRPC on UNIX socket %s", self._grpc_socket_path)

    def _make_shadow(self, options: ShadowOptions) -> Shadow:
        metrics = self._observability.metrics
        return managed_shadow(
            options,
            version_labels(self._config),
            self._manager,
            when_known=metrics.shadow_known if metrics else None,
            with_texts=self._observability.may_show_texts,
        )

    def _make_rest_server(self) -> RestServer | None:
        if self._asked_rest_api_port is None:
            return None
        listener = listen(self._host, self._asked_rest_api_port, reuse_port=self._peers is not None)
        self._rest_api_port = listener.getsockname()[1]
        return make_rest_server(
            self._loop,
            self._data_plane,
            self._options,
            self._observability,
            listener,
            self._host,
            is_ready=self.is_ready,
            state=self.state,
            metrics_page=self._metrics_page(),
            about=self._about,
            max_connections=self._max_connections,
            in_flight=self._in_flight,
        )

    def _metrics_page(self) -> MetricsPage | None:
        page = self._observability.page
        if page is None or self._merged_pages is None:
            return page
        return page._replace(content=self._merged_pages.metrics_page)

    def _start_grpc(self) -> GrpcServer:
        # Known before its port is opened: if that fails, `stop` stops it.
        self._grpc = grpc_server = make_grpc_server(
            self._loop,
            self._data_plane,
            self._options,
            self._observability,
            reload=self._reload_for,
            is_ready=self.is_ready,
            in_flight=self._in_flight,
            reuse_port=self._peers is not None,
            max_connections=self._max_connections,
        )
        port, path = self._asked_port, self._asked_socket_path
        if port is not None:
            self._port = open_grpc_port(grpc_server, self._options, self._host, port)
        if path is not None:
            self._grpc_socket_path = open_grpc_socket(
                grpc_server, self._options, path, is_needed=port is None
            )
        grpc_server.start()
        return grpc_server


def _checked_config(config: str | Path | Message) -> ModelServerConfig:
    if isinstance(config, str | Path):
        message, source = load_models_config(config), str(config)
    else:
        message, source = as_models_config(config), "models.config"
        check_models_config(message)
    check_log_folders(message, source=source)
    return message


def _access_reloader(options: ServerOptions, observability: Observability) -> AccessReloader:
    sources = {"certificate": options.credentials, "tokens": options.auth_tokens}
    metrics = observability.metrics
    return AccessReloader(
        {name: source for name, source in sources.items() if source is not None},
        wait_seconds=options.access_poll_wait_seconds,
        when_read=metrics.access_read if metrics else None,
    )


def _observability(options: ServerOptions) -> Observability:
    return Observability(
        options.monitoring,
        options.access_log,
        text_sample_share=options.text_sample_share,
        request_log=options.request_log,
        drift_alpha=options.drift_alpha,
        has_batching=options.batching is not None,
    )
