"""Common flags of the commands of `models`: the config, the model and the server."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.completion import offered_models
from lstm_sentiment.cli.connection_options import AccessFlags
from lstm_sentiment.cli.program import program
from lstm_sentiment.cli.results import print_line

if TYPE_CHECKING:
    from lstm_sentiment.client.model_service import RunningServer
    from lstm_sentiment.rollout.control import Changed, ModelsControl

ModelName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Name of the model. Needed only if the file has several.",
        autocompletion=offered_models,
        show_default=False,
    ),
]


@dataclass(frozen=True)
class ServerFlags(AccessFlags):
    """Flags of a running server and its access control."""

    server: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="gRPC address of the running server, of this package or TensorFlow Serving.",
            show_default=False,
        ),
    ] = None
    timeout_seconds: Annotated[
        float,
        typer.Option(help="Seconds to wait for a request, and for a version to load."),
    ] = 120.0

    @contextmanager
    def connected(self) -> "Iterator[RunningServer | None]":
        """Connects to the server; yields `None` if none is named.

        Raises:
            InvalidInputError: If a flag lacks another, or a file cannot be read.
        """
        self.check_server(self.server)
        if self.server is None:
            yield None
            return
        from lstm_sentiment.client.model_service import RunningServer

        with RunningServer(
            self.server, timeout_seconds=self.timeout_seconds, **self.access._asdict()
        ) as running:
            yield running

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Shows on a terminal that the command waits for the server."""
        if self.server is None:
            yield
            return
        from lstm_sentiment.cli.console import working

        with working(f"Waiting for {self.server}"):
            yield

    def as_typed(self) -> list[str]:
        """Returns the flags as they are typed."""
        given = {
            "--server": self.server,
            "--ssl-ca": self.ssl_ca,
            "--ssl-certificate": self.ssl_certificate,
            "--ssl-private-key": self.ssl_private_key,
            "--auth-token-file": self.auth_token_file,
        }
        return [part for flag, value in given.items() if value for part in (flag, str(value))]


@dataclass(frozen=True)
class ModelFlags:
    """Flags of a model of a `models.config`."""

    model_config_file: Annotated[
        Path, typer.Option(metavar="FILE", help="The models.config.", show_default=False)
    ]
    model_name: ModelName = None

    @contextmanager
    def control(self, server: ServerFlags) -> "Iterator[ModelsControl]":
        """Reads the config, then connects to the server; yields the control of the model."""
        from lstm_sentiment.rollout.control import ModelsControl

        control = ModelsControl(self.model_config_file, model_name=self.model_name)
        with server.connected() as running:
            yield control.connected_to(running)

    def as_typed(self, server: ServerFlags) -> list[str]:
        """Returns the flags, with those of the server, as they are typed."""
        name = [] if self.model_name is None else ["--model-name", self.model_name]
        return ["--model-config-file", str(self.model_config_file), *server.as_typed(), *name]


def tell_commands(changed: "Changed", model: ModelFlags, server: ServerFlags) -> None:
    """Prints the commands that make the rest of a change and that undo it, if there are any."""
    if changed.to_do:
        version = changed.to_do[-1]
        command = _command(changed.to_do, model, server)
        print_line(f"to do once a server serves version {version}: {command}")
    if changed.undo:
        print_line(f"undo: {_command(changed.undo, model, server)}")


def _command(arguments: tuple[str, ...], model: ModelFlags, server: ServerFlags) -> str:
    return f"{program()} {shlex.join(['models', *arguments, *model.as_typed(server)])}"


def tell_notes(notes: tuple[str, ...], server: ServerFlags, *, is_changed: bool = True) -> None:
    """Prints notes to standard error, and one more if a change was sent to no server."""
    from lstm_sentiment.cli.console import say

    if is_changed and server.server is None:
        notes += (
            "no running server was notified: name it with --server, or start it with "
            "--model-config-file-poll-wait-seconds, so that it reads the file again",
        )
    for note in notes:
        say(f"note: {note}")
