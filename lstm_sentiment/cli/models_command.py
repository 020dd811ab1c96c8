"""`models`: which versions are served under which labels, looked at and changed."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.connection_options import (
    NO_ACCESS,
    AuthTokenFile,
    SslCa,
    SslCertificate,
    SslPrivateKey,
    read_access,
)
from lstm_sentiment.cli.fit_command import program
from lstm_sentiment.cli.options import AsJson
from lstm_sentiment.errors import InvalidInputError

if TYPE_CHECKING:
    from rich.table import Table

    from lstm_sentiment.models_control import Changed, ModelsControl
    from lstm_sentiment.models_server import RunningServer
    from lstm_sentiment.models_status import ModelStatus

models = typer.Typer(
    help="Look at a models.config and a running server, and change both safely.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_FILE_FLAGS = ("--model-config-file", "--model_config_file")
_NAME_FLAGS = ("--model-name", "--model_name")

ConfigFile = Annotated[
    Path,
    typer.Option(*_FILE_FLAGS, metavar="FILE", help="The models.config.", show_default=False),
]
Server = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="The running server to ask and to tell, by gRPC: this package's or stock.",
        show_default=False,
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        *_NAME_FLAGS,
        metavar="NAME",
        help="Which model. May be left out where the file has only one.",
        show_default=False,
    ),
]
Timeout = Annotated[
    float,
    typer.Option(help="How long the server may take for an answer, or to load a version."),
]
Label = Annotated[str, typer.Argument(metavar="LABEL", help="The version label.")]
Version = Annotated[
    int | None,
    typer.Option(metavar="N", help="The version to go back to.", show_default="the one before"),
]

_TIMEOUT_SECONDS = 120.0


@models.command()
def status(
    model_config_file: Annotated[
        Path | None,
        typer.Option(*_FILE_FLAGS, metavar="FILE", help="A models.config.", show_default=False),
    ] = None,
    server: Server = None,
    model_name: ModelName = None,
    timeout_seconds: Timeout = _TIMEOUT_SECONDS,
    ssl_ca: SslCa = None,
    ssl_certificate: SslCertificate = None,
    ssl_private_key: SslPrivateKey = None,
    auth_token_file: AuthTokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the models: versions on disk, version policy, labels, and where a server stands.

    A models.config is enough, and so is a server with --model-name.

    Example: python cli.py models status --model-config-file models.config --server localhost:8500
    """
    if model_config_file is None and (server is None or model_name is None):
        raise InvalidInputError(
            "`--model-config-file` must be given, or `--server` and `--model-name`. "
            "Received: too little to tell of."
        )
    asked = _Server(
        server, timeout_seconds, ssl_ca, ssl_certificate, ssl_private_key, auth_token_file
    )
    with asked.connected() as running:
        from lstm_sentiment.models_status import models_status

        found = models_status(model_config_file, server=running, model_name=model_name)
    if as_json:
        print(json.dumps({"models": [model.to_dict() for model in found]}, ensure_ascii=False))
    else:
        _print_status(found)


@models.command()
def label(
    label: Label,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="The version number.")],
    model_config_file: ConfigFile,
    server: Server = None,
    model_name: ModelName = None,
    timeout_seconds: Timeout = _TIMEOUT_SECONDS,
    ssl_ca: SslCa = None,
    ssl_certificate: SslCertificate = None,
    ssl_private_key: SslPrivateKey = None,
    auth_token_file: AuthTokenFile = None,
) -> None:
    """Make a version label point to a version, which is served under it from then on.

    A version that a policy of specific versions does not name yet is added to
    it, and loaded before the label is moved. What the server refuses is undone.

    Example: python cli.py models label stable 3 --model-config-file models.config
    """
    told = _Server(
        server, timeout_seconds, ssl_ca, ssl_certificate, ssl_private_key, auth_token_file
    )
    with _control(model_config_file, model_name, told) as control:
        changed = control.label(label, version)
    _tell(changed, model_config_file, model_name, told)


@models.command()
def unlabel(
    label: Label,
    model_config_file: ConfigFile,
    server: Server = None,
    model_name: ModelName = None,
    timeout_seconds: Timeout = _TIMEOUT_SECONDS,
    ssl_ca: SslCa = None,
    ssl_certificate: SslCertificate = None,
    ssl_private_key: SslPrivateKey = None,
    auth_token_file: AuthTokenFile = None,
) -> None:
    """Take a version label away. The version that it pointed to is served as before.

    Example: python cli.py models unlabel canary --model-config-file models.config
    """
    told = _Server(
        server, timeout_seconds, ssl_ca, ssl_certificate, ssl_private_key, auth_token_file
    )
    with _control(model_config_file, model_name, told) as control:
        changed = control.unlabel(label)
    _tell(changed, model_config_file, model_name, told)


@models.command()
def rollback(
    model_config_file: ConfigFile,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="L",
            help="Move this label to the version before, instead of the whole model.",
            show_default=False,
        ),
    ] = None,
    version: Version = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="Set the version policy to this instead, such as to what it was before a "
            "rollback: latest:N, all or specific:N,N.",
            show_default=False,
        ),
    ] = None,
    server: Server = None,
    model_name: ModelName = None,
    timeout_seconds: Timeout = _TIMEOUT_SECONDS,
    ssl_ca: SslCa = None,
    ssl_certificate: SslCertificate = None,
    ssl_private_key: SslPrivateKey = None,
    auth_token_file: AuthTokenFile = None,
) -> None:
    """Go back to the version before.

    Without --label, the version policy names that version from then on, and
    those that labels point to: newer ones are not served until it is changed.

    Example: python cli.py models rollback --model-config-file models.config --server localhost:8500
    """
    if policy is not None and (label is not None or version is not None):
        raise InvalidInputError(
            "`--policy` goes with neither `--label` nor `--version`. Received: both."
        )
    told = _Server(
        server, timeout_seconds, ssl_ca, ssl_certificate, ssl_private_key, auth_token_file
    )
    with _control(model_config_file, model_name, told) as control:
        if policy is not None:
            changed = control.set_policy(policy)
        elif label is not None:
            changed = control.roll_back_label(label, version)
        else:
            changed = control.roll_back(version)
    _tell(changed, model_config_file, model_name, told)


@dataclass(frozen=True)
class _Server:
    """The server to ask and to tell, if there is one, and how it lets one in."""

    address: str | None
    timeout_seconds: float
    ssl_ca: Path | None
    ssl_certificate: Path | None
    ssl_private_key: Path | None
    auth_token_file: Path | None

    @contextmanager
    def connected(self) -> "Iterator[RunningServer | None]":
        access = read_access(
            self.ssl_ca, self.ssl_certificate, self.ssl_private_key, self.auth_token_file
        )
        if self.address is None:
            if access != NO_ACCESS:
                raise InvalidInputError(
                    "`--ssl-ca` and `--auth-token-file` go with `--server`. "
                    "Received: no `--server`."
                )
            yield None
            return
        # Only the messages to a server bring TensorFlow with them; a config does not.
        from lstm_sentiment.cli.console import import_tensorflow

        import_tensorflow()
        from lstm_sentiment.models_server import RunningServer

        with RunningServer(
            self.address, timeout_seconds=self.timeout_seconds, **access._asdict()
        ) as running:
            yield running

    def flags(self) -> list[str]:
        given = {
            "--server": self.address,
            "--ssl-ca": self.ssl_ca,
            "--ssl-certificate": self.ssl_certificate,
            "--ssl-private-key": self.ssl_private_key,
            "--auth-token-file": self.auth_token_file,
        }
        return [part for flag, value in given.items() if value for part in (flag, str(value))]


@contextmanager
def _control(path: Path, model_name: str | None, server: _Server) -> "Iterator[ModelsControl]":
    from lstm_sentiment.models_control import ModelsControl

    ModelsControl(path, model_name=model_name)  # told at once where the file is no good
    with server.connected() as running:
        yield ModelsControl(path, model_name=model_name, server=running)


def _tell(changed: "Changed", path: Path, model_name: str | None, server: _Server) -> None:
    from lstm_sentiment.cli.console import ERR

    print(changed.summary)
    if changed.undo:
        flags = ["--model-config-file", str(path), *server.flags()]
        flags += [] if model_name is None else ["--model-name", model_name]
        print(f"undo: {program()} {shlex.join(['models', *changed.undo, *flags])}")
    notes = changed.notes
    if server.address is None:
        notes += (
            "no server was told: name it with --server, or have it read the file again with "
            "--model_config_file_poll_wait_seconds",
        )
    for note in notes:
        ERR.print(f"note: {note}", markup=False, soft_wrap=True)


def _print_status(found: "list[ModelStatus]") -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    for number, model in enumerate(found):
        if number:
            print()
        for name, value in (("model", model.name), *_config_rows(model)):
            console.print(f"{name:<10}{value}", soft_wrap=True)
        console.print(_versions_table(model))


def _config_rows(model: "ModelStatus") -> list[tuple[str, str]]:
    if model.base_path is None or model.version_policy is None:
        return []
    missing = "" if model.versions_on_disk is not None else " (not on this machine)"
    return [("base path", f"{model.base_path}{missing}"), ("policy", model.version_policy)]


def _versions_table(model: "ModelStatus") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("version", "labels", box=box.SIMPLE_HEAD)
    on_disk, states = model.versions_on_disk, model.versions
    if on_disk is not None:
        table.add_column("on disk")
    if states is not None:
        table.add_column("state", overflow="fold")
    by_version = {state.version: state for state in states or ()}
    for version in sorted({*(on_disk or ()), *by_version, *model.labels.values()}, reverse=True):
        labels = ", ".join(label for label, number in model.labels.items() if number == version)
        row = [str(version), labels]
        if on_disk is not None:
            row.append("yes" if version in on_disk else "no")
        if states is not None:
            state = by_version.get(version)
            told = f"{state.state} {state.error_message}".strip() if state else "not served"
            row.append(told)
        table.add_row(*map(Text, row))
    return table
