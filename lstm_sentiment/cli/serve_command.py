"""`serve`: runs the model server until a signal stops it."""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated

import typer

from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.serve_access_flags import AccessFlags, MonitoringFlags, ShadowFlags
from lstm_sentiment.cli.serve_flags import LimitFlags, LoadingFlags, ModelsFlags
from lstm_sentiment.cli.serve_server import ServeFlags, make_server
from lstm_sentiment.cli.serve_signals import EndedBySignals, logging_to_stderr
from lstm_sentiment.serving.workers.orders import MAX_WORKERS, Address


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
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that serve together on the same ports; more than one use more CPUs.",
            rich_help_panel="Requests and batches",
            min=1,
            max=MAX_WORKERS,
            metavar="N",
        ),
    ] = 1,
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
    flags = ServeFlags(models, loading, limits, access, monitoring, shadow, drain_seconds)
    flags.shadow.options()
    address = Address(host, port, rest_api_port or None)
    if workers > 1:
        _serve_with_workers(flags, address, workers)
    else:
        _serve(flags, address)


def _serve(flags: ServeFlags, address: Address) -> None:
    server = make_server(flags, address)
    ended_by_signals = EndedBySignals(flags.drain_seconds, lambda: os._exit(0))
    with logging_to_stderr(), suppress(KeyboardInterrupt), ended_by_signals, server:
        _announce(
            flags,
            Address(address.host, server.port, server.rest_api_port),
            [
                (f"{s.id.name} version {s.id.version}", s.state.name, s.error)
                for s in server.states()
            ],
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
        _announce(
            flags,
            parent.address,
            [(f"{s.name} version {s.version}", s.state.name, s.error) for s in parent.states()],
        )
        parent.wait_for_termination()


def _announce(
    flags: ServeFlags, address: Address, states: Iterable[tuple[str, str, object]]
) -> None:
    from lstm_sentiment.cli.console import ERR, say
    from lstm_sentiment.serving.access.listening import address_of

    for version, state, error in states:
        say(f"{version}: {state}{'' if error is None else f' ({error})'}")
    scheme = "https" if flags.access.has_tls else "http"
    host, rest_api_port = address.host, address.rest_api_port
    rest = f", REST on {scheme}://{host}:{rest_api_port}" if rest_api_port else ""
    ERR.print(f"Serving gRPC on {host}:{address.port}{rest}. Ctrl-C stops.", soft_wrap=True)
    if flags.monitoring.ui and rest_api_port:
        # A browser cannot open the address that stands for all.
        shown = "localhost" if host in ("0.0.0.0", "::") else host
        say(f"To try it, open {scheme}://{address_of(shown, rest_api_port)}/ in a browser.")
