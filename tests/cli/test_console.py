"""Progress where somebody watches: bars that fit, and none where they are not wanted."""

import functools
import io
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from lstm_sentiment.cli import console
from lstm_sentiment.cli.console import TerminalProgress, beside_output, working
from lstm_sentiment.progress import SILENT
from tests.cli.running import Run
from tests.conftest import REPOSITORY
from tests.serving.saved_models import save_version


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


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Standard error in a file."""
    out = io.StringIO()
    monkeypatch.setattr(console, "ERR", Console(file=out, width=80, _environ={}))
    return out


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_file_gets_a_line_now_and_then_with_the_time_left(run: Run, log: io.StringIO) -> None:
    run("--version")
    clock = Clock()
    with TerminalProgress(clock=clock).step("Explaining", 10_000) as advance:
        for _ in range(100):
            clock.seconds += 1
            advance(100, status="x")
    assert log.getvalue().splitlines() == [
        "Explaining: 500/10,000, 1:35 left, x",
        "Explaining: 3,500/10,000, 1:05 left, x",
        "Explaining: 6,500/10,000, 0:35 left, x",
        "Explaining: 9,500/10,000, 0:05 left, x",
        "Explaining: done in 100.0 s",
    ]


def test_the_time_left_of_a_resumed_step_is_that_of_what_remains(
    run: Run, log: io.StringIO
) -> None:
    run("--version")
    clock = Clock()
    with TerminalProgress(clock=clock).step("Training", 3_000) as advance:
        advance(1_900)
        for _ in range(5):
            clock.seconds += 1
            advance(10)
    assert log.getvalue().startswith("Training: 1,950/3,000, 1:45 left\n")


def test_of_bytes_a_file_gets_the_share(run: Run, log: io.StringIO) -> None:
    run("--version")
    clock = Clock()
    with TerminalProgress(clock=clock).step("Reading a.vec", 2_000_000) as advance:
        clock.seconds += 60
        advance(500_000)
    assert log.getvalue().startswith("Reading a.vec: 25%, 3:00 left\n")


@pytest.mark.parametrize("seconds", [1, 60])
def test_beside_results_a_short_step_says_nothing(
    run: Run, log: io.StringIO, seconds: float
) -> None:
    run("--version")
    clock = Clock()
    with TerminalProgress(says_end=False, clock=clock).step("Predicting", 2) as advance:
        clock.seconds += seconds
        advance()
        advance()
    lines = log.getvalue().splitlines()
    assert lines == ([] if seconds == 1 else ["Predicting: 1/2, 1:00 left", f"{DONE} 60.0 s"])


DONE = "Predicting: done in"
COMMANDS = ["predict", "explain", "explain --json", "predict --json"]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_works_through_lines_tells_how_far_it_is(
    run: Run, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look at the clock is a minute later: as if each text took that long."""
    version = save_version(tmp_path / "models", 1)
    (tmp_path / "texts.txt").write_text("好\n" * 300, "utf-8")
    later = itertools.count(step=60.0)
    made = functools.partial(TerminalProgress, clock=lambda: next(later))
    monkeypatch.setattr(console, "TerminalProgress", made)
    outcome = run(*command.split(), "--input", "texts.txt", "--model", version)
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("\n") == 300
    assert re.search(r"^(Predict|Explain)ing: \d+/300, .* left$", outcome.err, re.MULTILINE)


def test_lines_and_results_in_one_file_are_not_mixed(tmp_path: Path) -> None:
    version = save_version(tmp_path / "models", 1)
    ended = subprocess.run(
        [sys.executable, str(REPOSITORY / "cli.py"), "predict", "好", "--model", str(version)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=120,
    )
    assert "v1:好" in ended.stdout and "Predicting" not in ended.stdout
