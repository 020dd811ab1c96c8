"""The `lstm-sentiment` command: its sub-commands, exit codes and one-line errors."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, cast

import typer

from lstm_sentiment.checks import KERAS_BACKEND
from lstm_sentiment.cli import verbosity
from lstm_sentiment.cli.completion import COMPLETE_VARIABLE, name_program
from lstm_sentiment.cli.evaluate_command import evaluate
from lstm_sentiment.cli.explain_command import explain
from lstm_sentiment.cli.fit_command import fit
from lstm_sentiment.cli.flag_rules import check_flags
from lstm_sentiment.cli.help_page import set_help_pages
from lstm_sentiment.cli.hints import system_message, usage_message
from lstm_sentiment.cli.inspect_command import inspect
from lstm_sentiment.cli.kept_inputs import keep_inputs
from lstm_sentiment.cli.labels_command import labels
from lstm_sentiment.cli.launch_command import launch
from lstm_sentiment.cli.models_command import models
from lstm_sentiment.cli.predict_command import predict
from lstm_sentiment.cli.program import print_version, program
from lstm_sentiment.cli.score_command import score
from lstm_sentiment.cli.serve_command import serve
from lstm_sentiment.cli.standard_streams import (
    drop_output,
    flush_output,
    is_unread_output,
    prepare_streams,
)
from lstm_sentiment.cli.stock_command_line import StockCommand
from lstm_sentiment.cli.tune_command import tune
from lstm_sentiment.cli.vectors_command import vectors
from lstm_sentiment.cli.verify_command import verify
from lstm_sentiment.errors import ExportError, LstmSentimentError, TrainingError
from lstm_sentiment.unicode import escaped_line

if TYPE_CHECKING:
    from typer.core import TyperGroup

FAILED = 1  # training that may succeed when it is tried again; also what `verify` found to differ
BAD_INPUT = 2
BUG = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130
UNREAD = 1  # nobody reads the results any more, as behind `| head`; said to nobody

app = typer.Typer(
    help="Train a text classifier on labelled texts and serve it over the network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 versions differ or are worse, or training failed, 2 bad input, "
    "70 a bug, 130 Ctrl-C.",
)
app.command()(fit)
app.command()(tune)
# TensorFlow Serving's flags are written with underscores.
app.command(
    cls=StockCommand, context_settings={"token_normalize_func": lambda name: name.replace("_", "-")}
)(serve)
app.command()(evaluate)
app.command()(predict)
app.command()(explain)
app.command()(score)
app.command()(inspect)
app.command()(verify)
# The arguments after the first belong to the workers, with or without `--`.
app.command(context_settings={"allow_interspersed_args": False})(launch)
app.add_typer(labels, name="labels")
app.add_typer(models, name="models")
app.add_typer(vectors, name="vectors")


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Train a text classifier on labelled texts and serve it over the network."""


def command_line() -> "TyperGroup":
    """Builds the command line; every command also takes `--verbose` and `--quiet`."""
    command = cast("TyperGroup", typer.main.get_command(app))
    verbosity.add_verbosity_flags(command)
    check_flags(command)
    keep_inputs(command)
    name_program(command)
    set_help_pages(command)
    _catch_interruptions(command)
    return command


def main() -> NoReturn:
    """Runs the command line; bad input is one line on standard error and exit code 2."""
    prepare_streams()
    verbosity.begin()
    _take_sigterm_as_process_1()
    # Read when NumPy is imported. Its products are small here, and threads would spin for more,
    # beside those that answer requests.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Another value, or another backend in keras.json, is meant for other programs.
    os.environ[KERAS_BACKEND] = "tensorflow"
    try:
        code = command_line()(
            prog_name=program(), complete_var=COMPLETE_VARIABLE, standalone_mode=False
        )
        flush_output()
    except typer.TyperException as error:
        if message := usage_message(error):
            fail(message)
        end(BAD_INPUT)  # no command was given: the help is the whole answer
    except (TrainingError, ExportError) as error:
        fail(str(error), FAILED)
    except LstmSentimentError as error:
        fail(str(error))
    except (KeyboardInterrupt, Interrupted):
        print("interrupted", file=sys.stderr)
        end(INTERRUPTED)
    except OSError as error:
        if is_unread_output(error):
            end(UNREAD)
        show_traceback()
        fail(system_message(error))
    except Exception as error:
        show_traceback()
        told = "" if verbosity.is_verbose() else "; run with --verbose to see where"
        fail(f"{type(error).__name__}: {error} (a bug{told})", BUG)
    end(code if isinstance(code, int) else 0)


def _take_sigterm_as_process_1() -> None:
    """Lets SIGTERM stop the first process of a container, as Ctrl-C does.

    The kernel withholds from process 1 the signals for which it has no handler.
    """
    if os.getpid() == 1 and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


class Interrupted(Exception):
    """Ctrl-C in a command: typer itself would end with exit code 1."""


def _catch_interruptions(command: Any) -> None:
    for below in getattr(command, "commands", {}).values():
        _catch_interruptions(below)
    if not hasattr(command, "commands"):
        command.callback = _interruptible(command.callback)


def _interruptible(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def called(*args: Any, **flags: Any) -> Any:
        try:
            return callback(*args, **flags)
        except KeyboardInterrupt:
            raise Interrupted from None

    return called


def show_traceback() -> None:
    """Prints the traceback of the error that is being handled, with `--verbose` only."""
    if verbosity.is_verbose():
        traceback.print_exc()


def fail(message: str, code: int = BAD_INPUT) -> NoReturn:
    """Prints `error: ...` in one line and exits."""
    print("error:", escaped_line(" ".join(message.split())), file=sys.stderr)
    end(code)


def end(code: int) -> NoReturn:
    """Ends the program; what standard output does not take is dropped."""
    try:
        flush_output()
    except OSError:
        drop_output()
    sys.exit(code)
