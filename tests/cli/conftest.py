"""The command line in this process."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lstm_sentiment.cli.app import main
from tests.cli.running import Outcome, Run, is_one_error_line


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*args: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["lstm-sentiment", *map(str, args)])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = capsys.readouterr()
        return Outcome(int(exited.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing TensorFlow, which takes seconds, is an error."""

    def refuse() -> None:
        raise AssertionError("bad input must be told before TensorFlow is imported")

    monkeypatch.setattr("lstm_sentiment.cli.console.import_tensorflow", refuse)


@pytest.fixture
def is_refused_at_once(run: Run, no_tensorflow: None) -> Callable[..., None]:
    """Checks that a command line is refused in one line, before TensorFlow is imported."""

    def check(message: str, *args: object) -> None:
        outcome = run(*args)
        assert is_one_error_line(outcome), outcome
        assert message in outcome.err

    return check
