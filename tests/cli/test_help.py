"""The help of every command: an example that can be pasted, and no library that takes seconds."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import typer
from rich.cells import cell_len

from lstm_sentiment.cli.app import app, command_line
from lstm_sentiment.cli.help_page import takes

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
        env={**os.environ, "COLUMNS": "80"},
    )
    printed: dict[str, list[str]] = json.loads(done.stdout)
    return printed


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(printed: dict[str, list[str]], command: Sequence[str]) -> None:
    text = " ".join(printed["helps"][COMMANDS.index(command)].split())
    assert f"Example: lstm-sentiment {' '.join(command)} " in text


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_name_of_a_flag_is_cut_at_80_columns(
    printed: dict[str, list[str]], command: Sequence[str]
) -> None:
    text = printed["helps"][COMMANDS.index(command)]
    assert "<" not in text.replace("<-", "")
    for line in text.splitlines():
        assert cell_len(line) <= 80 or line.startswith(" Example: ")
    found: Any = command_line()
    for name in command:
        found = found.commands[name]
    for option in found.params:
        if getattr(option, "hidden", False):
            continue
        assert takes(option) in text
        for name in (*option.opts, *option.secondary_opts):
            assert not name.startswith("-") or re.search(rf"[ ]{name}[, ]", text), name


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("fit", "--tokenizer auto|unigram|whitespace|characters"),
        ("fit", "--strategy auto|default|mirrored|multi-worker"),
        ("fit", "--epochs N|auto"),
        ("fit", "--preset fast|accurate"),
        ("tune", "[FILE...]"),
        ("evaluate", "--engine auto|light|tensorflow"),
        ("launch", "[required; 1 to 256]"),
        ("serve", "--ui, --no-ui"),
    ],
)
def test_help_shows_what_a_flag_takes(printed: dict[str, list[str]], line: str, shown: str) -> None:
    assert shown in printed["helps"][COMMANDS.index((line,))]


def test_help_imports_no_library_that_takes_seconds(printed: dict[str, list[str]]) -> None:
    heavy = {"grpc", "keras", "matplotlib", "numpy", "optuna", "scipy", "sqlalchemy", "tensorflow"}
    assert not heavy & set(printed["modules"])
