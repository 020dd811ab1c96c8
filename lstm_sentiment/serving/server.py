"""A model server that speaks TensorFlow Serving's gRPC and REST.

Source, manager, data plane and transports, put together and taken apart in order; after
`tensorflow_serving/model_servers/server.cc`.
"""

import logging
import os
import socket
import threading
from functools import partial
from pathlib import Path

import grpc
from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from lstm_sentiment.serving.dataplane import DataPlane
from lstm_sentiment.serving.grpc_service import grpc_server
from lstm_sentiment.serving.loader import SavedModelLoader
from lstm_sentiment.serving.manager import Manager
from lstm_sentiment.serving.models_config import (
    check_models_config,
    load_models_config,
    servables_to_monitor,
    version_labels,
)
from lstm_sentiment.serving.rest_app import rest_app
from lstm_sentiment.serving.rest_server import RestServer
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.source import FileSystemStoragePathSource

logger = logging.getLogger(__name__)

_THREADS_PER_CPU = 4


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
        load_timeout_seconds: float | None = None,
        grpc_max_threads: int | None = None,
        xla_cpu_compilation_enabled: bool = False,
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
            load_timeout_seconds: How long `start` waits for the models; `None` for ever.
            grpc_max_threads: gRPC requests answered at once; `None` for 4 a CPU.
            xla_cpu_compilation_enabled: Whether to compile what a version says is worth it: it
                answers single texts faster, and takes longer to load.
            grace_seconds: How long requests under way may take when the context is left.

        Raises:
            ConfigError: If the config cannot be read or breaks a rule.
            InvalidInputError: If a number is out of its range.
        """
        self._config = self._checked_config(config)
        _check_port("port", port)
        if rest_api_port is not None:
            _check_port("rest_api_port", rest_api_port)
        if grpc_max_threads is not None and grpc_max_threads < 1:
            raise InvalidInputError(
                "`grpc_max_threads` must be a positive integer. "
                f"Received: grpc_max_threads={grpc_max_threads}."
            )
        self._host = host
        self._asked_port, self._asked_rest_api_port = port, rest_api_port
        self._load_timeout_seconds = load_timeout_seconds
        self._grpc_max_threads = grpc_max_threads or _THREADS_PER_CPU * (os.cpu_count() or 1)
        self._grace_seconds = grace_seconds
        self._manager = Manager(partial(SavedModelLoader, xla=xla_cpu_compilation_enabled))
        self._source = FileSystemStoragePathSource(
            servables_to_monitor(self._config),
            self._manager.set_aspired_versions,
            file_system_poll_wait_seconds=file_system_poll_wait_seconds,
        )
        self._data_plane = DataPlane(self._manager)
        self._grpc: grpc.Server | None = None
        self._rest: RestServer | None = None
        self._port: int | None = None
        self._rest_api_port: int | None = None
        self._is_started = False
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

        Args:
            grace_seconds: How long requests under way may take; `None` for the `grace_seconds`
                the server was made with. A version still loading is waited for regardless.
        """
        grace = self._grace_seconds if grace_seconds is None else grace_seconds
        with self._stop_lock:
            if self._stopped.is_set():
                return
            grpc_stopped = self._grpc.stop(grace) if self._grpc is not None else None
            if self._rest is not None:
                self._rest.stop(grace)
            if grpc_stopped is not None:
                grpc_stopped.wait()
            self._source.stop()
            self._manager.stop()
            self._stopped.set()

    def wait_for_termination(self, timeout_seconds: float | None = None) -> bool:
        """Waits until the server has been stopped, by another thread or a signal handler.

        Args:
            timeout_seconds: How long to wait at most; `None` for ever.

        Returns:
            Whether it was stopped in time.
        """
        return self._stopped.wait(timeout_seconds)

    def states(self) -> list[ServableState]:
        """Tells where every version of every model stands, by model in the config's order."""
        return [
            state
            for model in self._config.model_config_list.config
            for state in self._manager.states(model.name)
        ]

    def __enter__(self) -> "ModelServer":
        """Starts the server."""
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        """Stops the server."""
        self.stop()

    def _checked_config(
        self, config: str | Path | model_server_config_pb2.ModelServerConfig
    ) -> model_server_config_pb2.ModelServerConfig:
        if isinstance(config, str | Path):
            return load_models_config(config)
        check_models_config(config)
        return config

    def _start(self) -> None:
        # A port in use must be known before minutes of loading, so both are tried first.
        _listen(self._host, self._asked_port).close()
        if self._asked_rest_api_port is not None:
            listener = _listen(self._host, self._asked_rest_api_port)
            self._rest = RestServer(rest_app(self._data_plane), listener)
            self._rest_api_port = listener.getsockname()[1]
        self._manager.start()
        self._source.start()
        self._await_models()
        self._apply_version_labels()
        self._start_grpc()
        if self._rest is not None:
            self._rest.start()
        logger.info("serving gRPC on port %s, REST on port %s", self._port, self._rest_api_port)

    def _start_grpc(self) -> None:
        self._grpc = grpc_server(self._data_plane, max_threads=self._grpc_max_threads)
        try:
            self._port = self._grpc.add_insecure_port(_address(self._host, self._asked_port))
        except RuntimeError as error:
            raise _cannot_listen(self._host, self._asked_port, "address is in use") from error
        self._grpc.start()

    def _await_models(self) -> None:
        if not self._manager.wait_until_settled(self._load_timeout_seconds):
            raise ServableUnavailableError(
                f"the models must load within {self._load_timeout_seconds} seconds. "
                f"Received: still loading {', '.join(self._loading()) or 'one'}."
            )

    def _loading(self) -> list[str]:
        waiting = (ManagerState.START, ManagerState.LOADING)
        return [
            f"version {state.id.version} of model {state.id.name}"
            for state in self.states()
            if state.state in waiting
        ]

    def _apply_version_labels(self) -> None:
        for name, labels in version_labels(self._config).items():
            available = {
                state.id.version
                for state in self._manager.states(name)
                if state.state is ManagerState.AVAILABLE
            }
            for label, version in labels.items():
                if version not in available:
                    logger.warning(
                        "label %s of model %s points to version %s, which is not available; "
                        "requests by this label are refused until it is",
                        label,
                        name,
                        version,
                    )
            self._manager.set_version_labels(name, labels, allow_unavailable=True)


def _check_port(name: str, port: int) -> None:
    if not 0 <= port <= 65535:
        raise InvalidInputError(f"`{name}` must be in 0..65535. Received: {name}={port}.")


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise _cannot_listen(host, port, _reason(error)) from error
    # asyncio turns Nagle's algorithm off, some 40 ms a request, only where a socket names TCP.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach())


def _reason(error: OSError) -> str:
    # Python adds the address to the system's words, and numbers unknown hosts in its own way.
    if error.errno is None or isinstance(error, socket.gaierror):
        return str(error.strerror or error).lower()
    return os.strerror(error.errno).lower()


def _cannot_listen(host: str, port: int, reason: str) -> InvalidInputError:
    return InvalidInputError(f"cannot listen on {_address(host, port)}: {reason}.")
