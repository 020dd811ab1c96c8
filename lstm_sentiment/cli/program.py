"""The name of this program, and commands of it as a user would type them."""

import shlex
import sys
from pathlib import Path

import typer

from lstm_sentiment import __version__


def program() -> str:
    """Returns the program's name as the user typed it."""
    return "python cli.py" if Path(sys.argv[0]).name == "cli.py" else "lstm-sentiment"


def print_version(wanted: bool) -> None:
    """Prints the version and ends the program, if wanted: the callback of `--version`."""
    if wanted:
        typer.echo(f"lstm-sentiment {__version__}")
        raise typer.Exit


def shell_command(*parts: object) -> str:
    """Returns a command of this program, quoted for a shell.

    Args:
        parts: The command's name, its flags and arguments.
    """
    return f"{program()} {shlex.join(map(str, parts))}"
