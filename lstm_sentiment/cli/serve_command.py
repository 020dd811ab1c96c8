"""`serve`: runs the model server until a signal stops it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.program import print_version
from lstm_sentiment.cli.serve_access_flags import AccessFlags, MonitoringFlags, ShadowFlags
from lstm_sentiment.cli.serve_flags import LimitFlags, LoadingFlags, ModelsFlags
from lstm_sentiment.cli.serve_server import ServeFlags, make_server
from lstm_sentiment.cli.serve_signals import EndedBySignals, logging_to_stderr
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.workers.orders import MAX_WORKERS, Address


@takes_flag_groups
def serve(
    models: ModelsFlags,
    loading: LoadingFlags,
    limits: LimitFlags,
    access: AccessFlags,
    monitoring: MonitoringFlags,
    shadow: ShadowFlags,
    port: Annotated[
        str,
        typer.Option(
            metavar="PORT",
            help="Port for gRPC; auto takes any free port, 0 opens none (for --grpc-socket-path).",
        ),
    ] = "8500",
    rest_api_port: Annotated[
        str,
        typer.Option(
            metavar="PORT", help="Port for REST; auto takes any free port, 0 turns REST off."
        ),
    ] = "8501",
    grpc_socket_path: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="UNIX socket for gRPC in addition to the port; clients use the address unix:FILE.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on. 0.0.0.0 lets the whole network connect."),
    ] = "127.0.0.1",
    workers: Annotated[
        int,
        typer.Option(
            help="Number of server processes on the same ports; more processes use more CPUs.",
            rich_help_panel="Requests and batches",
            min=1,
            max=MAX_WORKERS,
            metavar="N",
        ),
    ] = 1,
    drain_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds to let running requests finish before shutting down; inf for no limit.",
            min=0,
            metavar="N",
        ),
    ] = 15.0,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=print_version,
            is_eager=True,
            hidden=True,
            help="Print the version, as a flag of TensorFlow Serving.",
        ),
    ] = False,
) -> None:
    """Serve versions over gRPC and REST, as TensorFlow Serving does. Ctrl-C stops.

    Each model has a name and a base path, the folder that holds its numbered
    versions. A SavedModel is a program that runs with your rights: serve only
    versions you trust, or use --engine light, which runs no SavedModel.

    Example: python cli.py serve --model-name sentiment --model-base-path models/sentiment
    """
    flags = ServeFlags(models, loading, limits, access, monitoring, shadow, drain_seconds)
    flags.shadow.options()
    address = _address(host, port, rest_api_port, grpc_socket_path)
    with _naming_port_flags(address):
        if workers > 1:
            _serve_with_workers(flags, address, workers)
        else:
            _serve(flags, address)


@contextmanager
def _naming_port_flags(address: Address) -> Iterator[None]:
    """Adds to the error of a port that cannot be had the flag that chooses another."""
    from lstm_sentiment.serving.errors import CannotListenError

    try:
        yield
    except CannotListenError as error:
        if not error.port:
            raise
        flag = "--port" if error.port == address.port else "--rest-api-port"
        raise InvalidInputError(
            f"{error} Choose another port with `{flag} N`, or any free one with `{flag} auto`."
        ) from error


def _address(host: str, port: str, rest_api_port: str, socket_path: str | None) -> Address:
    address = Address(
        host,
        _port("--port", port),
        _port("--rest-api-port", rest_api_port),
        # The default of TensorFlow Serving is an empty path.
        Path(socket_path) if socket_path else None,
    )
    if address.port and address.port == address.rest_api_port:
        raise InvalidInputError(
            "`--port` and `--rest-api-port` must be different ports, or auto. "
            f"Received: {address.port} for both."
        )
    if address.port is None and address.grpc_socket_path is None:
        raise InvalidInputError(
            "`--port 0` means no port for gRPC, as in TensorFlow Serving, and needs "
            "`--grpc-socket-path`; `--port auto` means any free port. Received: `--port 0` alone."
        )
    return address


def _port(flag: str, given: str) -> int | None:
    if given == "auto":
        return 0
    try:
        number = int(given)
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise InvalidInputError(f"`{flag}` must be in 0..65535, or auto. Received: {given}.")
    return number or None


def _serve(flags: ServeFlags, address: Address) -> None:
    server = make_server(flags, address)
    ended_by_signals = EndedBySignals(flags.drain_seconds, lambda: os._exit(0))
    with logging_to_stderr(), suppress(KeyboardInterrupt), ended_by_signals, server:
        _announce(
            flags,
            Address(
                address.host,
                None if address.port is None else server.port,
                server.rest_api_port,
                server.grpc_socket_path,
            ),
        )
        server.wait_for_termination()


def _serve_with_workers(flags: ServeFlags, address: Address, workers: int) -> None:
    # The parent of the workers imports no more than it needs.
    from lstm_sentiment.cli.serve_workers import worker_parent

    parent = worker_parent(flags, address, workers)

    def exit_now() -> None:
        parent.kill()
        os._exit(0)

    ended_by_signals = EndedBySignals(flags.drain_seconds, exit_now)
    with logging_to_stderr(), suppress(KeyboardInterrupt), ended_by_signals, parent:
        _announce(flags, parent.address)
        parent.wait_for_termination()


def _announce(flags: ServeFlags, address: Address) -> None:
    """Prints where the server listens; the state of each version is in its log."""
    from lstm_sentiment.cli.console import say, tell
    from lstm_sentiment.serving.access.listening import address_of

    scheme = "https" if flags.access.has_tls else "http"
    host, rest_api_port = address.host, address.rest_api_port
    rest = f", REST on {scheme}://{address_of(host, rest_api_port)}" if rest_api_port else ""
    path = address.grpc_socket_path
    places = [address_of(host, address.port)] if address.port is not None else []
    places += [f"unix:{path}"] if path is not None else []
    tell(f"Serving gRPC on {' and '.join(places)}{rest}. Ctrl-C stops.")
    if flags.monitoring.ui and rest_api_port:
        # A browser cannot open the address that stands for all.
        shown = "localhost" if host in ("0.0.0.0", "::") else host
        say(f"To try it, open {scheme}://{address_of(shown, rest_api_port)}/ in a browser.")
