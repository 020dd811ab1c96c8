"""The command line in this process."""

import sys
from pathlib import Path

import pytest

from lstm_sentiment.cli.app import main
from tests.cli.running import Outcome, Run


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
