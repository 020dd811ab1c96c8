"""`serve`: runs the model server until a signal stops it."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.serve_access_flags import AccessFlags, MonitoringFlags, ShadowFlags
from lstm_sentiment.cli.serve_flags import LimitFlags, LoadingFlags, ModelsFlags
from lstm_sentiment.cli.verbosity import log_level
from lstm_sentiment.errors import ServableNotFoundError
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
    from lstm_sentiment.serving.server import ModelServer


@takes_flag_groups
def serve(
    models: ModelsFlags,
    loading: LoadingFlags,
    limits: LimitFlags,
    access: AccessFlags,
    monitoring: MonitoringFlags,
    shadow: ShadowFlags,
    port: Annotated[int, typer.Option(help="Port for gRPC; 0 for any free one.")] = 8500,
    rest_api_port: Annotated[int, typer.Option(help="Port for REST; 0 for no REST.")] = 8501,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; 0.0.0.0 for all, so that the whole network can connect."
        ),
    ] = "127.0.0.1",
    drain_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds to let running requests finish before shutting down.", min=0, metavar="N"
        ),
    ] = 15.0,
) -> None:
    """Serve versions over gRPC and REST, as TensorFlow Serving does. Ctrl-C stops.

    Example: python cli.py serve --model-name sentiment --model-base-path models/sentiment
    """
    shadow_options = shadow.options()
    config = models.config()
    _prepare(loading, config)
    from lstm_sentiment.serving.server import ModelServer
    from lstm_sentiment.serving.server_options import ServerOptions

    options = ServerOptions(
        file_system_poll_wait_seconds=models.file_system_poll_wait_seconds,
        model_config_file_poll_wait_seconds=models.model_config_file_poll_wait_seconds,
        allow_version_labels_for_unavailable_models=(
            models.allow_version_labels_for_unavailable_models
        ),
        loading=loading.options(),
        batching=limits.batching(),
        grpc_max_threads=limits.grpc_max_threads or None,
        rest_api_timeout_seconds=limits.rest_api_timeout_in_ms / 1e3,
        limits=limits.limits(),
        credentials=access.credentials(),
        auth_tokens=access.tokens(),
        monitoring=monitoring.config(),
        text_sample_share=monitoring.text_sample_share,
        access_log=monitoring.log(),
        shadow=shadow_options,
        grpc_health=monitoring.enable_grpc_healthcheck_service,
        grpc_reflection=monitoring.enable_grpc_reflection,
        ui=monitoring.ui,
        grace_seconds=drain_seconds,
    )
    server = ModelServer(config, options, port=port, rest_api_port=rest_api_port or None, host=host)
    # What is here now stays: without it, the garbage collector finds an unloaded version sooner.
    gc.collect()
    gc.freeze()
    with _logging_to_stderr(), suppress(KeyboardInterrupt), _EndedBySignals(drain_seconds), server:
        _announce(server, host)
        server.wait_for_termination()


def _prepare(loading: LoadingFlags, config: "Path | ModelServerConfig") -> None:
    """Imports TensorFlow where it is sure to be needed, so that its own lines are not shown."""
    from lstm_sentiment.models_config.config import load_models_config

    models = load_models_config(config) if isinstance(config, Path) else config
    folders = []
    for model in models.model_config_list.config:
        with suppress(ServableNotFoundError):  # a version may come later
            folders.append(find_version(Path(model.base_path)))
    EngineFlags("tensorflow" if loading.xla_cpu_compilation_enabled else loading.engine).prepare(
        *folders
    )


@contextmanager
def _logging_to_stderr() -> Iterator[None]:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("lstm_sentiment.serving")
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(log_level())
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


class _EndedBySignals:
    """Ends the `with` block at the first SIGTERM or Ctrl-C, and the process soon after.

    A load under way cannot be aborted, and must not keep the process longer than was promised.
    """

    def __init__(self, drain_seconds: float) -> None:
        self._end = threading.Timer(drain_seconds, _exit)
        self._end.daemon = True

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)

    def __exit__(self, *exc_info: object) -> None:
        self._end.cancel()

    def _interrupt(self, number: int, frame: object) -> NoReturn:
        # Raised wherever the main thread is, in a long load too; leaving the context drains.
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, lambda number, frame: _exit())
        self._end.start()
        raise KeyboardInterrupt


def _exit() -> None:
    sys.stderr.flush()
    os._exit(0)


def _announce(server: "ModelServer", host: str) -> None:
    from lstm_sentiment.cli.console import ERR, say
    from lstm_sentiment.serving.access.listening import address_of

    for state in server.states():
        error = f" ({state.error})" if state.error is not None else ""
        say(f"{state.id.name} version {state.id.version}: {state.state.name}{error}")
    scheme = "https" if server.has_tls else "http"
    rest = f", REST on {scheme}://{host}:{server.rest_api_port}" if server.rest_api_port else ""
    ERR.print(f"Serving gRPC on {host}:{server.port}{rest}. Ctrl-C stops.", soft_wrap=True)
    if server.has_ui:
        # A browser cannot open the address that stands for all.
        shown = "localhost" if host in ("0.0.0.0", "::") else host
        address = address_of(shown, server.rest_api_port or 0)
        say(f"To try it, open {scheme}://{address}/ in a browser.")
