"""The `lstm-sentiment` command: its sub-commands, and how errors reach the user."""

import logging
import os
import sys
from typing import NoReturn

import typer

from lstm_sentiment import __version__
from lstm_sentiment.cli.fit_command import fit
from lstm_sentiment.cli.inspect_command import inspect
from lstm_sentiment.cli.launch_command import launch
from lstm_sentiment.cli.models_command import models
from lstm_sentiment.cli.predict_command import predict
from lstm_sentiment.cli.score_command import score
from lstm_sentiment.cli.serve_command import serve
from lstm_sentiment.cli.tune_command import tune
from lstm_sentiment.cli.vectors_command import vectors
from lstm_sentiment.cli.verify_command import verify
from lstm_sentiment.errors import LstmSentimentError

BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    help="Turns labelled texts into a sentiment classifier that answers over the wire.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(fit)
app.command()(tune)
# TensorFlow Serving's flags are written with underscores.
app.command(context_settings={"token_normalize_func": lambda name: name.replace("_", "-")})(serve)
app.command()(predict)
app.command()(score)
app.command()(inspect)
app.command()(verify)
# What follows the first argument is the workers' own, with or without `--`.
app.command(context_settings={"allow_interspersed_args": False})(launch)
app.add_typer(models, name="models")
app.add_typer(vectors, name="vectors")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lstm-sentiment {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Turns labelled texts into a sentiment classifier that answers over the wire."""


def main() -> NoReturn:
    """Runs the command line; bad input is one line on standard error and exit code 2."""
    # Read by TensorFlow when it is first imported, which no command has done yet.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        if not error.format_message():  # no command was given: the help is the whole answer
            sys.exit(BAD_INPUT)
        fail(error.format_message())
    except LstmSentimentError as error:
        fail(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def fail(message: str) -> NoReturn:
    """Prints `error: ...` in one line and exits with 2."""
    print("error:", " ".join(message.split()), file=sys.stderr)
    sys.exit(BAD_INPUT)
