"""Ctrl-C leaves files as they were: nothing half-written, nothing left beside it, exit code 130."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Run
from tests.conftest import REPOSITORY
from tests.serving.saved_models import save_version

# Who runs the tests in the background may have the signal ignored. The program itself ends that: a
# function between fork and exec may fail where servers of other tests have threads.
_INTERRUPTIBLE = f"""
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_path({str(REPOSITORY / "cli.py")!r}, run_name="__main__")
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_version(tmp_path_factory.mktemp("models"), 1)


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("predict 好 --model MODEL --output answers.tsv", "answers.tsv"),
        ("explain 好 --model MODEL --html page.html", "page.html"),
        ("score texts.txt --model MODEL --output scored", "scored"),
        ("vectors convert v.txt out.vec", "out.vec"),
        ("vectors convert v.txt out.npy", "out.npy"),
        ("vectors train --data texts.txt --output out.npy --dim 2 --min-count 1", "out.npy"),
    ],
)
def test_at_the_last_moment_nothing_is_left(
    run: Run, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, line: str, output: str
) -> None:
    def interrupt(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    (tmp_path / "v.txt").write_text("好 1 2\n差 3 4\n", "utf-8")
    (tmp_path / "texts.txt").write_text("房间好\n早餐差\n", "utf-8")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(os, "replace", interrupt)
    outcome = run(*line.replace("MODEL", str(model)).split())
    assert outcome.code == 130, outcome.err
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1] == "interrupted"
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path not in before]
    assert left == [], f"{output} must appear whole or not at all"


def test_a_file_that_was_there_stays(
    run: Run, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    (tmp_path / "page.html").write_text("of yesterday")
    monkeypatch.setattr("lstm_sentiment.report.explanation_page.tokens_html", interrupt)
    outcome = run("explain", "好", "--model", model, "--html", "page.html")
    assert outcome.code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "of yesterday"


@pytest.mark.parametrize(
    "step", ["lstm_sentiment.pipeline.preparation.make_words", "lstm_sentiment.pipeline.run.fit"]
)
def test_fit_prints_the_command_that_continues_the_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupt(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    rows = [f"{'good' if n % 2 else 'bad'} room number {n},{n % 2}" for n in range(40)]
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(rows) + "\n", "utf-8")
    monkeypatch.setattr(step, interrupt)
    flags = ("--set", "training.cross_validation=off", "--set", "vector_training.dim=2")
    outcome = run("fit", "a.csv", "--run-dir", "my run", *flags)
    assert outcome.code == 130
    told = "Stopped. To continue: lstm-sentiment fit --resume 'my run'"
    assert outcome.err.splitlines()[-2:] == [told, "interrupted"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lstm_sentiment.pipeline.run.fit", interrupt)
    again = run("fit", "--resume", "my run")
    assert (again.code, again.err.splitlines()[-2]) == (130, told)


@pytest.mark.parametrize(
    ("begin", "number"),
    [
        ("", signal.SIGINT),
        # `docker stop` and Kubernetes send it to the first process of a container.
        ("import os; os.getpid = lambda: 1\n", signal.SIGTERM),
    ],
    ids=["Ctrl-C", "SIGTERM as process 1"],
)
def test_a_signal_ends_the_program_with_one_line(
    tmp_path: Path, begin: str, number: signal.Signals
) -> None:
    reading, writing = os.pipe()
    source = f"/dev/fd/{reading}"
    with subprocess.Popen(
        [sys.executable, "-c", begin + _INTERRUPTIBLE, "vectors", "convert", source, "o.vec"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[reading],
    ) as program:
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as written:
            # More than a pipe holds: all is written when the program reads.
            written.write("".join(f"{number} 1 2\n" for number in range(40_000)))
            written.flush()
            program.send_signal(number)
            out, err = program.communicate()
    assert (program.returncode, out, err) == (130, "", "interrupted\n")
    assert list(tmp_path.iterdir()) == []
