"""Progress where somebody watches: bars that fit, and none where they are not wanted."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from lstm_sentiment.cli import console
from lstm_sentiment.cli.console import TerminalProgress, beside_output, working
from lstm_sentiment.progress import SILENT
from tests.cli.running import Run


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 80 columns."""
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=80, color_system=None, _environ={})
    monkeypatch.setattr(console, "ERR", terminal)
    return out


def shown(screen: io.StringIO) -> list[str]:
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", screen.getvalue()))


def test_a_bar_tells_what_how_much_and_how_it_goes(run: Run, screen: io.StringIO) -> None:
    run("--version")
    with TerminalProgress().step("Training", 12) as advance:
        advance(12, status="epoch 5/5, loss 0.412, 12,345 tokens/s, dev accuracy 0.893")
    last = shown(screen)[-2]
    assert last.startswith("Training ") and "12/12" in last and "0:00 epoch 5/5, loss" in last
    assert all(cell_len(line) <= 80 for line in shown(screen))


def test_of_bytes_the_share_is_told(run: Run, screen: io.StringIO) -> None:
    run("--version")
    with TerminalProgress().step("Reading [a].vec", 2_000_000) as advance:
        advance(1_000_000)
    assert "50%" in shown(screen)[-2] and "[a].vec" in shown(screen)[-2]


def test_quiet_has_neither_bar_nor_word_on_a_terminal(run: Run, screen: io.StringIO) -> None:
    run("-q", "--version")
    with TerminalProgress().step("Training", 2) as advance, working("Waiting"):
        advance()
    assert screen.getvalue() == ""


def test_what_has_no_steps_is_shown_while_it_lasts(run: Run, screen: io.StringIO) -> None:
    run("--version")
    with working("Waiting for it"):
        pass
    assert "Waiting for it" in screen.getvalue()


def test_no_bar_comes_between_lines_that_are_printed_to_the_same_terminal(
    run: Run, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert beside_output(None) is SILENT
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    assert beside_output(None) is not SILENT
