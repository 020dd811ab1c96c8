"""`--verbose` and `--quiet`, which every command takes: how much is printed beside results."""

import logging
import os
import sys
import warnings
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.log_lines import LogHandler

if TYPE_CHECKING:
    from typer.core import TyperGroup


class Verbosity(Enum):
    """The amount that a command prints beside its results."""

    QUIET = "errors only"
    NORMAL = "progress, and what was dropped, chosen or saved"
    VERBOSE = "what libraries log, and where an unexpected error comes from"


_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

# TensorFlow and gRPC read these when they are first imported, which comes later.
_SILENCE = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "NONE"}

_chosen = Verbosity.NORMAL


def is_verbose() -> bool:
    """Returns whether `--verbose` was given."""
    return _chosen is Verbosity.VERBOSE


def is_quiet() -> bool:
    """Returns whether `--quiet` was given."""
    return _chosen is Verbosity.QUIET


def log_level() -> int:
    """Returns the log level of commands that log what they do, such as `serve`."""
    levels = {Verbosity.QUIET: logging.WARNING, Verbosity.VERBOSE: logging.DEBUG}
    return levels.get(_chosen, logging.INFO)


def be_quiet() -> None:
    """Shows errors only from now on, as with `--quiet`."""
    _choose(Verbosity.QUIET)


def begin() -> None:
    """Silences the libraries, until `--verbose` is parsed."""
    _choose(Verbosity.NORMAL)
    if any(option.startswith("error") for option in sys.warnoptions):
        # As CI sets it for its own programs: a library's warning must not end a command, nor a
        # program in C, which some of them are in part.
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)
    for name, value in _SILENCE.items():
        os.environ.setdefault(name, value)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def add_verbosity_flags(command: "TyperGroup") -> None:
    """Adds `--verbose` and `--quiet` to a command and to all commands below it."""
    flags = [parameter for parameter in _flags() if parameter.name in ("verbose", "quiet")]
    command.params.extend(flags)
    for below in getattr(command, "commands", {}).values():
        add_verbosity_flags(below)


def _choose(chosen: Verbosity) -> None:
    global _chosen
    _chosen = chosen


def _be_verbose(context: typer.Context, wanted: bool) -> bool:
    if wanted and not context.resilient_parsing:
        _choose_other(Verbosity.VERBOSE)
        for name, value in _SILENCE.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        logging.getLogger("tensorflow").setLevel(logging.INFO)
        logging.getLogger("lstm_sentiment").setLevel(logging.DEBUG)
        logging.basicConfig(handlers=[LogHandler(form=_LOG_FORMAT)], level=logging.INFO)
    return wanted


def _be_quiet(context: typer.Context, wanted: bool) -> bool:
    if wanted and not context.resilient_parsing:
        _choose_other(Verbosity.QUIET)
    return wanted


def _choose_other(chosen: Verbosity) -> None:
    if _chosen not in (Verbosity.NORMAL, chosen):
        raise InvalidInputError("Either `--verbose` or `--quiet` may be given. Received: both.")
    _choose(chosen)


def _declared(
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            callback=_be_verbose,
            expose_value=False,
            is_eager=True,
            help="Show library logs, and the traceback of an unexpected error.",
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            callback=_be_quiet,
            expose_value=False,
            is_eager=True,
            help="Print only results and errors.",
        ),
    ] = False,
) -> None:
    """Declares the flags for typer."""


def _flags() -> list[Any]:
    app = typer.Typer(add_completion=False)
    app.command()(_declared)
    return typer.main.get_command(app).params
