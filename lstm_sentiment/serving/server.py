"""A model server that speaks TensorFlow Serving's gRPC and REST.

Source, manager, data plane and transports, put together and taken apart in order; after
`tensorflow_serving/model_servers/server.cc`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
from starlette.types import ASGIApp
from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.checks import positive, positive_seconds
from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from lstm_sentiment.models_config.config import (
    check_models_config,
    load_models_config,
    version_labels,
)
from lstm_sentiment.serving.access.authentication import (
    BearerTokenInterceptor,
    BearerTokenMiddleware,
    BearerTokens,
)
from lstm_sentiment.serving.access.listening import address_of, cannot_listen, check_port, listen
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.grpc_api.health import GrpcHealth
from lstm_sentiment.serving.grpc_api.service import grpc_server
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.monitoring.access_log import AccessLog
from lstm_sentiment.serving.monitoring.config import MonitoringConfig
from lstm_sentiment.serving.monitoring.observability import Observability
from lstm_sentiment.serving.reload.server_core import ServerCore
from lstm_sentiment.serving.rest_api.app import rest_app
from lstm_sentiment.serving.rest_api.ui_pages import ui_paths
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from lstm_sentiment.serving.saved_model.loading_options import LoadingOptions
from lstm_sentiment.serving.saved_model.saved_model_manager import saved_model_manager
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.shadow.managed import managed_shadow
from lstm_sentiment.serving.shadow.options import ShadowOptions
from lstm_sentiment.serving.shadow.shadow import Shadow

logger = logging.getLogger(__name__)

_THREADS_PER_CPU = 4
_MOST_THREADS = 1024


class ModelServer:
    """Serves the models of one `models.config` while it is entered as a context.

        with ModelServer("serving_configs/models.config", port=0) as server:
            print(server.port)

    A server is started once; after `stop`, make another.
    """

    def __init__(
        self,
        config: str | Path | model_server_config_pb2.ModelServerConfig,
        *,
        port: int = 8500,
        rest_api_port: int | None = 0,
        host: str = "127.0.0.1",
        file_system_poll_wait_seconds: float = 1.0,
        model_config_file_poll_wait_seconds: float = 0.0,
        allow_version_labels_for_unavailable_models: bool = False,
        load_timeout_seconds: float | None = None,
        loading: LoadingOptions | None = None,
        batching: BatchingParameters | None = None,
        grpc_max_threads: int | None = None,
        rest_api_timeout_seconds: float = 30.0,
        limits: RequestLimits | None = None,
        credentials: ServerCredentials | None = None,
        auth_tokens: BearerTokens | None = None,
        monitoring: MonitoringConfig | None = None,
        text_sample_share: float = 1.0,
        access_log: AccessLog | None = None,
        shadow: ShadowOptions | None = None,
        grpc_health: bool = False,
        grpc_reflection: bool = False,
        ui: bool = True,
        grace_seconds: float = 5.0,
    ) -> None:
        """Reads and checks the config; binds and loads nothing yet.

        Args:
            config: Path of a `models.config`, or what it would hold.
            port: Port for gRPC; 0 for any free one.
            rest_api_port: Port for REST; 0 for any free one, `None` for no REST. (On the command
                line 0 means no REST, as in TensorFlow Serving.)
            host: Address to listen on, for both.
            file_system_poll_wait_seconds: Pause between looks at the base paths; 0 looks once.
            model_config_file_poll_wait_seconds: Pause between looks at the config file, which is
                taken over when it has changed; 0 looks again at `poll_now` alone.
            allow_version_labels_for_unavailable_models: Whether a reload may bring a new label for
                a version that is not available.
            load_timeout_seconds: How long `start` waits for the models; `None` for ever.
            loading: How versions are brought into memory; `None` for the defaults.
            batching: How requests of several callers are answered together; `None` answers each
                by itself.
            grpc_max_threads: gRPC requests answered at once, those that wait for a batch
                included; `None` for 4 a CPU, with batching as many more as may wait.
            rest_api_timeout_seconds: How long a REST request may take.
            limits: How large a request may be; `None` for no limit.
            credentials: TLS for gRPC and REST; `None` for none.
            auth_tokens: The bearer tokens that are let in; `None` lets everybody in.
            monitoring: Whether and where there are metrics; `None` for the usual place.
            text_sample_share: The share of texts whose tokens are counted for the metrics.
            access_log: Written to for each request, if there is one.
            shadow: Which requests a second version answers too, to be compared; `None` for none.
            grpc_health: Whether to serve gRPC's health checking protocol.
            grpc_reflection: Whether gRPC clients may ask which services and messages there are.
            ui: Whether REST has a page for people at `/`, where texts can be tried. It is shown
                without a token; what it asks of the server needs one as ever.
            grace_seconds: How long requests under way may take when the context is left.

        Raises:
            ConfigError: If the config cannot be read or breaks a rule.
            InvalidInputError: If a number is out of its range, or `shadow` does not tell of which
                model.
        """
        self._config_file = Path(config) if isinstance(config, str | Path) else None
        self._config = _checked_config(config)
        self._config_poll_seconds = model_config_file_poll_wait_seconds
        check_port("port", port)
        if rest_api_port is not None:
            check_port("rest_api_port", rest_api_port)
        positive(grpc_max_threads=grpc_max_threads)
        positive_seconds(rest_api_timeout_seconds=rest_api_timeout_seconds)
        loading, batching_threads = loading or LoadingOptions(), batching or BatchingParameters()
        self._host = host
        self._asked_port, self._asked_rest_api_port = port, rest_api_port
        self._load_timeout_seconds = load_timeout_seconds
        self._max_threads = grpc_max_threads or _default_threads(batching)
        self._rest_api_timeout_seconds = rest_api_timeout_seconds
        self._limits = limits or RequestLimits()
        self._credentials, self._auth_tokens = credentials, auth_tokens
        self._grace_seconds = grace_seconds
        self._observability = Observability(
            monitoring or MonitoringConfig(enable=True),
            access_log,
            text_sample_share=text_sample_share,
            thread_pool_name=batching_threads.thread_pool_name,
        )
        metrics = self._observability.metrics
        self._scheduler = (
            BatchScheduler(batching, on_batch=metrics.batch_run if metrics else None)
            if batching
            else None
        )
        self._manager = saved_model_manager(loading, self._scheduler, self._note_state)
        self._core = ServerCore(
            self._manager,
            file_system_poll_wait_seconds=file_system_poll_wait_seconds,
            allow_version_labels_for_unavailable_models=allow_version_labels_for_unavailable_models,
        )
        self._shadow = self._make_shadow(shadow) if shadow is not None else None
        self._data_plane = DataPlane(
            self._manager,
            limits=self._limits,
            on_run=metrics.runtime if metrics else None,
            on_answer=self._shadow,
        )
        self._health = GrpcHealth() if grpc_health else None
        self._has_reflection = grpc_reflection
        self._has_ui = ui
        self._grpc: grpc.Server | None = None
        self._rest: RestServer | None = None
        self._port: int | None = None
        self._rest_api_port: int | None = None
        self._is_started = False
        self._is_serving = False
        self._stop_lock = threading.Lock()
        self._stopped = threading.Event()

    @property
    def port(self) -> int:
        """The port gRPC listens on.

        Raises:
            ServableUnavailableError: If the server is not started.
        """
        if self._port is None:
            raise ServableUnavailableError("the server has no port before it is started.")
        return self._port

    @property
    def rest_api_port(self) -> int | None:
        """The port REST listens on; `None` if REST is off or the server not started."""
        return self._rest_api_port

    def start(self) -> "ModelServer":
        """Loads the models, then starts answering.

        Returns when every aspired version is available or has failed to load; one that failed is
        logged, and the others are served. After an error nothing is left running or open.

        Returns:
            The server itself.

        Raises:
            InvalidInputError: If a port cannot be bound, or the server was started before.
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
        """Stops answering new requests, lets those under way end, unloads the models.

        From the first moment on, the server tells whoever asks that it is not ready.

        Args:
            grace_seconds: How long requests under way may take; `None` for the `grace_seconds`
                the server was made with. A version still loading is waited for regardless.
        """
        grace = self._grace_seconds if grace_seconds is None else grace_seconds
        with self._stop_lock:
            if self._stopped.is_set():
                return
            self._is_serving = False
            if self._health is not None:
                self._health.stop()
            grpc_stopped = self._grpc.stop(grace) if self._grpc is not None else None
            if self._rest is not None:
                self._rest.stop(grace)
            if grpc_stopped is not None:
                grpc_stopped.wait()
                # Its threads end with it, and it holds this server, which must not hold it.
                self._grpc = None
            if self._scheduler is not None:
                self._scheduler.stop()
            if self._shadow is not None:
                self._shadow.stop()
            self._observability.stop()
            self._core.stop()
            self._stopped.set()

    def wait_for_termination(self, timeout_seconds: float | None = None) -> bool:
        """Waits until the server has been stopped, by another thread or a signal handler.

        Args:
            timeout_seconds: How long to wait at most; `None` for ever.

        Returns:
            Whether it was stopped in time.
        """
        return self._stopped.wait(timeout_seconds)

    @property
    def has_ui(self) -> bool:
        """Whether REST has a page for people at `/`."""
        return self._has_ui and self._asked_rest_api_port is not None

    @property
    def has_tls(self) -> bool:
        """Whether both transports are encrypted."""
        return self._credentials is not None

    def states(self) -> list[ServableState]:
        """Tells where every version of every model stands, by model in the config's order."""
        return self._core.states()

    def poll_now(self) -> None:
        """Reads the config file and the base paths at once, whatever the pauses between polls.

        Returns when a config that has changed is in force or refused; a refusal is logged. New
        versions may still be loading: see `wait_until_settled`.
        """
        self._core.poll_now()

    def wait_until_settled(self, timeout_seconds: float | None = None) -> bool:
        """Waits until no version is left to load or unload, and no text to show to the shadow.

        A version whose load failed counts as settled, also while it waits for its next try.

        Args:
            timeout_seconds: How long to wait at most; `None` for ever.

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
            timeout_seconds: How long to wait at most; `None` for ever.

        Returns:
            Whether the predicate came true in time.
        """
        return self._manager.wait_until(lambda: predicate(self.states()), timeout_seconds)

    def state(self) -> dict[str, Any]:
        """Tells what the server does right now, as `GET /state` does: see `ServerState.page`."""
        shadow = () if self._shadow is None else (self._shadow.report(),)
        return self._observability.state.page(self._core.labels, self.states(), shadow)

    def is_ready(self) -> bool:
        """Whether requests can be answered: it serves, and has a version of a model to serve."""
        return self._is_serving and any(
            state.state is ManagerState.AVAILABLE for state in self.states()
        )

    def reload(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        timeout_seconds: float | None = None,
    ) -> None:
        """Serves the models of another config from now on, as HandleReloadConfigRequest does.

        Args:
            config: All models to serve.
            timeout_seconds: How long to wait for them; `None` for ever.

        Raises:
            ConfigError: If the config breaks a rule. What is served stays as it is, as after the
                other errors.
            InvalidInputError: If a label would point to a version that is not available.
            ServableUnavailableError: If a new model has no version that can be loaded.
        """
        self._core.reload(config, timeout_seconds)

    def __enter__(self) -> "ModelServer":
        """Starts the server."""
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        """Stops the server."""
        self.stop()

    def _note_state(self, state: ServableState) -> None:
        logger.info("%s version %s: %s", state.id.name, state.id.version, state.state.name)
        self._observability.state_changed(state)

    def _start(self) -> None:
        # A port in use must be known before minutes of loading, so both are tried first.
        listen(self._host, self._asked_port).close()
        if self._asked_rest_api_port is not None:
            self._rest = self._make_rest_server(self._asked_rest_api_port)
        if self._scheduler is not None:
            self._scheduler.start()
        self._core.start(self._config, self._load_timeout_seconds)
        self._observability.start(self._manager)
        if self._shadow is not None:
            self._shadow.start()
        if self._config_file is not None:
            self._core.poll_config_file(self._config_file, self._config_poll_seconds)
        self._start_grpc()
        self._is_serving = True
        if self._rest is not None:
            self._rest.start()
        if self._health is not None:
            self._health.set_serving(True)
        logger.info("serving gRPC on port %s, REST on port %s", self._port, self._rest_api_port)

    def _make_shadow(self, options: ShadowOptions) -> Shadow:
        metrics = self._observability.metrics
        return managed_shadow(
            options,
            version_labels(self._config),
            self._manager,
            when_known=metrics.shadow_known if metrics else None,
            with_texts=self._observability.may_show_texts,
        )

    def _make_rest_server(self, port: int) -> RestServer:
        app: ASGIApp = rest_app(
            self._data_plane,
            max_threads=self._max_threads,
            timeout_seconds=self._rest_api_timeout_seconds,
            max_request_bytes=self._limits.max_request_bytes,
            observer=self._observability,
            is_ready=self.is_ready,
            state=self.state,
            metrics_page=self._observability.page,
            ui=self._has_ui,
        )
        if self._auth_tokens is not None:
            open_paths = ui_paths() if self._has_ui else frozenset[str]()
            app = BearerTokenMiddleware(app, self._auth_tokens, open_paths)
        listener = listen(self._host, port)
        self._rest_api_port = listener.getsockname()[1]
        context = self._credentials.ssl_context() if self._credentials is not None else None
        return RestServer(app, listener, ssl_context=context)

    def _start_grpc(self) -> None:
        tokens = self._auth_tokens
        self._grpc = grpc_server(
            self._data_plane,
            max_threads=self._max_threads,
            reload=self.reload,
            observer=self._observability,
            interceptors=[BearerTokenInterceptor(tokens)] if tokens is not None else [],
            max_request_bytes=self._limits.max_request_bytes,
            health=self._health,
            reflection=self._has_reflection,
        )
        address = address_of(self._host, self._asked_port)
        try:
            self._port = (
                self._grpc.add_insecure_port(address)
                if self._credentials is None
                else self._grpc.add_secure_port(address, self._credentials.grpc())
            )
        except RuntimeError as error:
            raise cannot_listen(self._host, self._asked_port, "address is in use") from error
        self._grpc.start()


def _checked_config(
    config: str | Path | model_server_config_pb2.ModelServerConfig,
) -> model_server_config_pb2.ModelServerConfig:
    if isinstance(config, str | Path):
        return load_models_config(config)
    check_models_config(config)
    return config


def _default_threads(batching: BatchingParameters | None) -> int:
    """As many as can be at work, and with batching as many more as may wait for their turn."""
    threads = _THREADS_PER_CPU * (os.cpu_count() or 1)
    if batching is None:
        return threads
    batches = batching.max_enqueued_batches + batching.num_batch_threads
    # What is more than may wait needs a thread too, to be told so at once.
    return min(threads + batches * batching.largest_batch, _MOST_THREADS)
