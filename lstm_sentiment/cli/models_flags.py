"""What the commands of `models` share: the config, the model, the server, and what is told."""

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

if TYPE_CHECKING:
    from lstm_sentiment.client.model_service import RunningServer
    from lstm_sentiment.rollout.control import ModelsControl

ModelName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Which model. May be left out where the file has only one.",
        autocompletion=offered_models,
        show_default=False,
    ),
]


@dataclass(frozen=True)
class ServerFlags(AccessFlags):
    """The server to ask and to tell, if there is one, and how it lets one in."""

    server: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="The running server to ask and to tell, by gRPC: this package's or stock.",
            show_default=False,
        ),
    ] = None
    timeout_seconds: Annotated[
        float,
        typer.Option(help="How long the server may take for an answer, or to load a version."),
    ] = 120.0

    @contextmanager
    def connected(self) -> "Iterator[RunningServer | None]":
        """The server; `None` where none is named.

        Raises:
            InvalidInputError: If a flag lacks another, or a file cannot be read.
        """
        self.check_server(self.server)
        if self.server is None:
            yield None
            return
        # Only the messages to a server bring TensorFlow with them; a config does not.
        from lstm_sentiment.cli.console import import_tensorflow

        import_tensorflow()
        from lstm_sentiment.client.model_service import RunningServer

        with RunningServer(
            self.server, timeout_seconds=self.timeout_seconds, **self.access._asdict()
        ) as running:
            yield running

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Shows on a terminal that the server, if there is one, is waited for."""
        if self.server is None:
            yield
            return
        from lstm_sentiment.cli.console import working

        with working(f"Waiting for {self.server}"):
            yield

    def as_typed(self) -> list[str]:
        """The flags, to be typed again."""
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
    """A model of a `models.config`."""

    model_config_file: Annotated[
        Path, typer.Option(metavar="FILE", help="The models.config.", show_default=False)
    ]
    model_name: ModelName = None

    @contextmanager
    def control(self, server: ServerFlags) -> "Iterator[ModelsControl]":
        """What changes the model, in the file and on the server."""
        from lstm_sentiment.rollout.control import ModelsControl

        # Read before a server is connected to: a bad file is told at once.
        control = ModelsControl(self.model_config_file, model_name=self.model_name)
        with server.connected() as running:
            yield control.connected_to(running)

    def as_typed(self, server: ServerFlags) -> list[str]:
        """The flags and those of the server, to be typed again."""
        name = [] if self.model_name is None else ["--model-name", self.model_name]
        return ["--model-config-file", str(self.model_config_file), *server.as_typed(), *name]


def undo_command(undo: tuple[str, ...], model: ModelFlags, server: ServerFlags) -> str:
    """What to type to undo a change.

    Args:
        undo: As `Changed` has it, not empty.
        model: The model that was changed.
        server: The server that was told.
    """
    return f"{program()} {shlex.join(['models', *undo, *model.as_typed(server)])}"


def tell_notes(notes: tuple[str, ...], server: ServerFlags, *, is_changed: bool = True) -> None:
    """Tells what else should be known, on standard error.

    Args:
        notes: A line each.
        server: The server that was told.
        is_changed: Whether there was something to tell it.
    """
    from lstm_sentiment.cli.console import say

    if is_changed and server.server is None:
        notes += (
            "no server was told: name it with --server, or have it read the file again with "
            "--model_config_file_poll_wait_seconds",
        )
    for note in notes:
        say(f"note: {note}")
