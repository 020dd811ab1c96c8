"""`serve`: the model server, until it is told to stop."""

import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lstm_sentiment.errors import InvalidInputError

if TYPE_CHECKING:
    from lstm_sentiment.serving.server import ModelServer

_DEFAULT_NAME = "sentiment"
_DEFAULT_BASE_PATH = Path("models/sentiment")


def serve(
    model_config_file: Annotated[
        Path | None,
        typer.Option(
            "--model-config-file",
            "--model_config_file",
            help="A models.config, as TensorFlow Serving takes it.",
        ),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option(
            "--model-name",
            "--model_name",
            help=f"Name of the one model to serve, without --model-config-file: {_DEFAULT_NAME}.",
        ),
    ] = None,
    model_base_path: Annotated[
        Path | None,
        typer.Option(
            "--model-base-path",
            "--model_base_path",
            help=f"Its folder of versions, of which the highest is served: {_DEFAULT_BASE_PATH}.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Port for gRPC; 0 for any free one.")] = 8500,
    rest_api_port: Annotated[
        int,
        typer.Option("--rest-api-port", "--rest_api_port", help="Port for REST; 0 for no REST."),
    ] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    file_system_poll_wait_seconds: Annotated[
        float,
        typer.Option(
            "--file-system-poll-wait-seconds",
            "--file_system_poll_wait_seconds",
            help="Pause between looks for new versions; 0 looks once.",
        ),
    ] = 1.0,
    xla_cpu_compilation_enabled: Annotated[
        bool,
        typer.Option(
            "--xla-cpu-compilation-enabled",
            "--xla_cpu_compilation_enabled",
            help="Compile with XLA: single answers come faster, loading takes longer.",
        ),
    ] = False,
) -> None:
    """Serve versions over gRPC and REST, as TensorFlow Serving does. Ctrl-C stops.

    Example: python cli.py serve --model-name sentiment --model-base-path models/sentiment
    """
    if model_config_file is not None and (model_name or model_base_path):
        raise InvalidInputError(
            "Either `--model-config-file` or `--model-name` and `--model-base-path` may be given. "
            "Received: both."
        )
    base_path = model_base_path or _DEFAULT_BASE_PATH
    if model_config_file is None and not base_path.is_dir():
        raise InvalidInputError(
            f"{base_path}: must be a folder of versions, such as `fit` makes. Received: no folder."
        )
    from lstm_sentiment.cli.console import import_tensorflow

    import_tensorflow()
    from lstm_sentiment.serving.models_config import single_model_config
    from lstm_sentiment.serving.server import ModelServer

    config = model_config_file or single_model_config(
        model_name or _DEFAULT_NAME, base_path.absolute()
    )
    server = ModelServer(
        config,
        port=port,
        rest_api_port=rest_api_port or None,
        host=host,
        file_system_poll_wait_seconds=file_system_poll_wait_seconds,
        xla_cpu_compilation_enabled=xla_cpu_compilation_enabled,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    # Raised wherever the main thread is, in a long load too; leaving the context drains.
    with suppress(KeyboardInterrupt), server:
        _announce(server, host)
        server.wait_for_termination()


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _announce(server: "ModelServer", host: str) -> None:
    from lstm_sentiment.cli.console import ERR

    for state in server.states():
        ERR.print(f"{state.id.name} version {state.id.version}: {state.state.name}")
    rest = f", REST on http://{host}:{server.rest_api_port}" if server.rest_api_port else ""
    ERR.print(f"Serving gRPC on {host}:{server.port}{rest}. Ctrl-C stops.", soft_wrap=True)
