"""A result never takes the place of a file that the command reads."""

from pathlib import Path

import pytest

from tests.cli.running import Run, is_one_error_line

TABLE = "text,label\n好,1\n差,0\n很好,1\n很差,0\n"


@pytest.mark.parametrize(
    "line",
    [
        "predict --model m --input a.csv --output a.csv",
        "predict --model m --input a.csv --output ./d/../a.csv",
        "predict --model m --input a.csv --output link.csv",
        "explain --model m --input a.csv --html a.csv",
        "labels check --quick --data a.csv --output a.csv",
        "labels check --quick --data d --data a.csv --page a.csv",
        "labels next --pool a.csv --output a.csv",
        "labels next --pool a.csv --output new.csv --page new.csv",
        "vectors train --data a.csv --output a.csv",
    ],
)
def test_an_input_is_not_written_over(run: Run, tmp_path: Path, line: str) -> None:
    (tmp_path / "a.csv").write_text(TABLE, "utf-8")
    (tmp_path / "d").mkdir()
    (tmp_path / "link.csv").symlink_to("a.csv")
    outcome = run(*line.split())
    assert is_one_error_line(outcome), outcome
    assert "must be " in outcome.err
    assert (tmp_path / "a.csv").read_text("utf-8") == TABLE


def test_another_file_is_written_over_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE, "utf-8")
    (tmp_path / "new.csv").write_text("old", "utf-8")
    assert run("labels", "next", "--pool", "a.csv", "--output", "new.csv").code == 0
    assert (tmp_path / "new.csv").read_text("utf-8") != "old"
