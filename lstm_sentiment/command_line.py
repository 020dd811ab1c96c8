"""Commands of this program as its user would type them."""

import shlex
import subprocess
import sys
from pathlib import Path


def program() -> str:
    """Returns the program's name as the user typed it; in other programs, that of our command."""
    return "python cli.py" if Path(sys.argv[0]).name == "cli.py" else "lstm-sentiment"


def shell_command(*parts: object) -> str:
    """Returns a command of this program, quoted for a shell; on Windows for its command prompt.

    Args:
        parts: The command's name, its flags and arguments.
    """
    words = [str(part) for part in parts]
    quoted = subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
    return f"{program()} {quoted}"
