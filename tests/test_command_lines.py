"""Command lines drawn from the declared flags end as they must; `benchmarks.command_lines` tries
more of them."""

from pathlib import Path

import pytest

from benchmarks.command_lines.__main__ import drawn_lines, try_lines
from benchmarks.command_lines.lines import Line
from benchmarks.command_lines.runner import Outcome, Runner, running
from lstm_sentiment.training.fit_result import FitResult
from lstm_sentiment.version_folder import find_version
from tests.exported import exported


@pytest.fixture(scope="module")
def version(fitted: FitResult) -> Path:
    return find_version(exported(fitted))


def test_drawn_command_lines_end_with_an_answer_or_one_line_of_error(
    version: Path, tmp_path: Path
) -> None:
    with running(
        tmp_path / "lines", version, limit_seconds=60, stop_before_tensorflow=True
    ) as runner:
        ended, wrong = try_lines(runner, 100, drawn_by=0)
    assert wrong == []
    assert ended.total() == 100
    assert ended["0"] > 5
    assert ended["2"] > 20


def test_the_same_seed_draws_the_same_different_lines() -> None:
    lines = [line.to_json() for line in drawn_lines(30, 1)]
    assert lines == [line.to_json() for line in drawn_lines(30, 1)]
    assert len(set(lines)) == 30
    assert lines != [line.to_json() for line in drawn_lines(30, 2)]


@pytest.fixture
def runner(version: Path, tmp_path: Path) -> Runner:
    return Runner(tmp_path / "lines", version, limit_seconds=60, stop_before_tensorflow=True)


def test_an_input_that_is_written_over_is_noticed(runner: Runner) -> None:
    line = Line(("vectors", "convert", "IN/v.txt", "IN/words.txt"))
    try:
        assert "an input was changed" in runner.run(line).faults()
        unharmed = runner.run(Line(("vectors", "convert", "IN/v.txt", "new.txt")))
    finally:
        runner.close()
    assert unharmed.faults() == []
    assert unharmed.code == 0


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (Outcome(Line(()), 70, "", "error: a bug\n", 0), "exit 70"),
        (Outcome(Line(()), "did not end", "", "", 60), "exit did not end"),
        (Outcome(Line(()), 2, "", "error: a\nerror: b\n", 0), "2 lines of error"),
        (Outcome(Line(()), 1, "", "Traceback (most recent call last)\n", 0), "a traceback"),
        (Outcome(Line(()), 0, "", "", 0, left=[".a.1.writing"]), "half written"),
    ],
)
def test_what_is_wrong_with_an_outcome_is_told(outcome: Outcome, fault: str) -> None:
    assert fault in "; ".join(outcome.faults())
    assert Outcome(Line(()), 2, "", "error: a\n", 0).faults() == []
