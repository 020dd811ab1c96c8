"""The name and version of this program, and commands of it as a user would type them."""

import typer

from lstm_sentiment import __version__
from lstm_sentiment.command_line import program as program
from lstm_sentiment.command_line import shell_command as shell_command


def print_version(wanted: bool) -> None:
    """Prints the version and ends the program, if wanted: the callback of `--version`."""
    if wanted:
        typer.echo(f"lstm-sentiment {__version__}")
        raise typer.Exit
