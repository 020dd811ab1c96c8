"""Commands of this program as its user would type them."""

import shlex
import sys
from pathlib import Path


def program() -> str:
    """Returns the program's name as the user typed it; in other programs, that of our command."""
    return "python cli.py" if Path(sys.argv[0]).name == "cli.py" else "lstm-sentiment"


def shell_command(*parts: object) -> str:
    """Returns a command of this program, quoted for a shell.

    Args:
        parts: The command's name, its flags and arguments.
    """
    return f"{program()} {shlex.join(map(str, parts))}"
