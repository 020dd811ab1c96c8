"""The help of every command: an example that can be pasted, and no library that takes seconds."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import typer

from lstm_sentiment.cli.app import app

PRINTS_ALL_HELP = """
import json, sys
from contextlib import redirect_stdout
from io import StringIO
from lstm_sentiment.cli.app import main
helps = []
for command in json.loads(sys.argv[1]):
    sys.argv = ["lstm-sentiment", *command, "--help"]
    with redirect_stdout(StringIO()) as out:
        try: main()
        except SystemExit as exited: assert not exited.code
    helps.append(out.getvalue())
print(json.dumps({"helps": helps, "modules": sorted(sys.modules)}))
"""


def commands(command: Any, names: Sequence[str] = ()) -> Iterator[Sequence[str]]:
    """The names of each command that does something."""
    below = getattr(command, "commands", None)
    if below is None:
        yield names
        return
    for name, one in below.items():
        yield from commands(one, (*names, name))


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.fixture(scope="module")
def printed() -> dict[str, list[str]]:
    """Returns the help of each command, printed by one process, and the modules it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PRINTS_ALL_HELP, json.dumps(COMMANDS)],
        capture_output=True,
        text=True,
        check=True,
    )
    printed: dict[str, list[str]] = json.loads(done.stdout)
    return printed


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(printed: dict[str, list[str]], command: Sequence[str]) -> None:
    text = " ".join(printed["helps"][COMMANDS.index(command)].split())
    assert f"Example: python cli.py {' '.join(command)} " in text


def test_help_imports_no_library_that_takes_seconds(printed: dict[str, list[str]]) -> None:
    heavy = {"grpc", "keras", "matplotlib", "numpy", "optuna", "scipy", "sqlalchemy", "tensorflow"}
    assert not heavy & set(printed["modules"])
