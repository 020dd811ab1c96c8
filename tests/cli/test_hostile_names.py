"""What other people's versions, configs and servers call things, shown in a terminal."""

import io
import json

import pytest
from rich.table import Table
from rich.text import Text

from lstm_sentiment.cli import console, results
from lstm_sentiment.cli.console import LineConsole
from lstm_sentiment.cli.models_command import _print_status
from lstm_sentiment.rollout.status import ModelStatus

HOSTILE = "a\nERROR forged \x1b[31mred\x1b[0m\u202etxt\x9b2J"
SHOWN = r"a\nERROR forged \x1b[31mred\x1b[0m\u202etxt\x9b2J"


def test_lines_rows_and_messages_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    results.print_line(f"undo: {HOSTILE}")
    results.print_rows([("label", HOSTILE)])
    console.tell(HOSTILE)
    console.say(f"note: {HOSTILE}")
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"undo: {SHOWN}", f"{'label':<15}{SHOWN}"]
    assert err.splitlines() == [SHOWN, f"note: {SHOWN}"]


def test_json_is_the_same_object_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    results.print_json({"label": HOSTILE, "text": "房间"})
    results.print_json({"label": "很好", "text": "👨\u200d👩 \u3000"})
    first, second = capsys.readouterr().out.splitlines()
    assert first.isprintable()
    assert json.loads(first) == {"label": HOSTILE, "text": "房间"}
    assert second == '{"label": "很好", "text": "👨\u200d👩 \u3000"}'


def test_a_console_keeps_its_own_colours_and_escapes_the_rest() -> None:
    out = io.StringIO()
    shown = LineConsole(file=out, force_terminal=True, color_system="standard", width=200)
    table = Table("name")
    table.add_row(Text(HOSTILE.replace("\n", ""), style="red"))
    shown.print(table)
    # The cell is as wide as the name before, so the end is cut.
    assert "\x1b[31maERROR forged \\x1b[31mred" in out.getvalue()
    assert "\x9b" not in out.getvalue() and "\u202e" not in out.getvalue()


def test_a_status_has_no_line_of_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    status = ModelStatus(HOSTILE, None, None, {HOSTILE: 3}, None, None)
    _print_status([status])
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out
    assert not any(line.startswith("ERROR") for line in out.splitlines())
