"""How much is told: before the command and after it, and of errors nobody expected."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_sentiment.cli import app as command_line_module
from lstm_sentiment.cli.app import command_line
from lstm_sentiment.cli.console import TerminalProgress
from lstm_sentiment.cli.verbosity import is_quiet, is_verbose
from tests.cli.running import Run, is_one_error_line


@pytest.fixture(autouse=True)
def _environment_as_it_was() -> Iterator[None]:
    before = os.environ.copy()
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def vectors_file(tmp_path: Path) -> Path:
    path = tmp_path / "v.txt"
    path.write_text("好 1 2\n差 3 4\n", "utf-8")
    return path


@pytest.mark.parametrize(
    "line", ["-q vectors info v.txt", "vectors info v.txt -q", "vectors --quiet info v.txt"]
)
def test_quiet_shows_results_alone_wherever_it_is_typed(
    run: Run, vectors_file: Path, line: str
) -> None:
    loud = run("vectors", "info", "v.txt")
    assert "Reading v.txt: done in" in loud.err
    quiet = run(*line.split())
    assert (quiet.code, quiet.err) == (0, "")
    assert quiet.out == loud.out


def test_quiet_still_tells_errors(run: Run) -> None:
    outcome = run("-q", "vectors", "info", "absent.txt")
    assert is_one_error_line(outcome)


def test_every_command_takes_both_flags() -> None:
    def check(command: object) -> None:
        flags = {flag for parameter in command.params for flag in parameter.opts}  # type: ignore[attr-defined]
        assert {"--verbose", "-v", "--quiet", "-q"} <= flags
        for below in getattr(command, "commands", {}).values():
            check(below)

    check(command_line())


def test_both_flags_at_once_are_refused(run: Run) -> None:
    outcome = run("-q", "inspect", "x", "-v")
    assert is_one_error_line(outcome)
    assert "Either `--verbose` or `--quiet`" in outcome.err


def test_one_command_does_not_make_the_next_quiet(run: Run, vectors_file: Path) -> None:
    run("-q", "vectors", "info", "v.txt")
    assert is_quiet()
    assert "Reading v.txt" in run("vectors", "info", "v.txt").err
    assert not is_quiet() and not is_verbose()


def test_quiet_progress_says_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("-q", "--version")
    progress = TerminalProgress()
    with progress.step("Reading", 2) as advance:
        advance()
    progress.say("done")
    assert capsys.readouterr() == ("", "")


def break_command(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(*args: object, **flags: object) -> None:
        raise error

    monkeypatch.setattr("lstm_sentiment.text.vectors.files.load_word_vectors", broken)


def test_a_bug_is_one_line_with_an_exit_code_of_its_own(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_command(monkeypatch, TypeError("no\nlen()"))
    outcome = run("vectors", "info", "v.txt")
    assert outcome.code == command_line_module.BUG == 70
    assert outcome.err == ("error: TypeError: no len() (a bug; run with --verbose to see where)\n")


def test_verbose_shows_where_a_bug_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    break_command(monkeypatch, TypeError("no len()"))
    outcome = run("vectors", "info", "v.txt", "--verbose")
    assert outcome.code == 70
    assert outcome.err.startswith("Traceback (most recent call last):")
    assert "in broken" in outcome.err
    assert outcome.err.splitlines()[-1] == "error: TypeError: no len() (a bug)"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "/d/x"), "/d/x: cannot be written: No space"),
        (PermissionError(13, "Permission denied", "/d/x"), "error: /d/x: Permission denied."),
        (OSError("odd"), "error: odd."),
    ],
)
def test_what_the_system_refuses_is_no_bug(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: OSError, line: str
) -> None:
    break_command(monkeypatch, error)
    outcome = run("vectors", "info", "v.txt")
    assert is_one_error_line(outcome)
    assert line in outcome.err and "a bug" not in outcome.err


def test_ctrl_c_is_one_line_and_exit_code_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    break_command(monkeypatch, KeyboardInterrupt())  # type: ignore[arg-type]
    outcome = run("vectors", "info", "v.txt")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "interrupted\n")


def test_verbose_shows_what_libraries_log(
    run: Run, vectors_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    root = logging.getLogger()
    root.handlers.clear()
    run("-v", "vectors", "info", "v.txt")
    assert root.handlers and is_verbose()
    assert logging.getLogger("lstm_sentiment.anything").isEnabledFor(logging.DEBUG)
    assert "TF_CPP_MIN_LOG_LEVEL" not in os.environ


def test_libraries_are_silent_otherwise_but_for_what_the_user_set(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    monkeypatch.delenv("GRPC_VERBOSITY", raising=False)
    run("--version")
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "1"
    assert os.environ["GRPC_VERBOSITY"] == "NONE"
    run("-v", "--version")
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "1"
