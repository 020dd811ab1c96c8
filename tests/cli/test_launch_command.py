import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Run, is_one_error_line
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.timeout(120)

CLI = REPOSITORY / "cli.py"

PROGRAM_THAT_WAITS = """
import signal, sys
from lstm_sentiment.cli.app import app, main

@app.command()
def wait():
    # Without a handler, which could be called in the middle of a print.
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    print("waits", file=sys.stderr)
    number = signal.sigwait(signals)
    print("received", signal.Signals(number).name, file=sys.stderr)
    sys.exit(1)

main()
"""


def run(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CLI), "launch", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text("2 3\nroom 1 2 3\nclean 4 5 6\n")
    return path


def test_stdout_is_the_json_of_the_chief_alone(vectors: Path) -> None:
    done = run("--workers", 2, "--", "vectors", "info", vectors, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["count"] == 2
    other = [line for line in done.stderr.splitlines() if line.startswith("[worker 1] {")]
    assert [json.loads(line.removeprefix("[worker 1] ")) for line in other] == [
        json.loads(done.stdout)
    ]


@pytest.mark.parametrize("separator", [["--"], []])
def test_the_command_is_this_program_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, separator: list[str]
) -> None:
    calls: list[tuple[Any, ...]] = []

    def launch(command: Sequence[str], **options: Any) -> int:
        calls.append((command, options))
        return 3

    monkeypatch.setattr("lstm_sentiment.cli.launch_command.launch_workers", launch)
    outcome = run("launch", "--workers", 2, *separator, "vectors", "info", "v", "--json")
    assert outcome.code == 3
    command = (sys.executable, "lstm-sentiment", "vectors", "info", "v", "--json")
    assert calls == [(command, {"workers": 2, "gpus_per_worker": None, "grace_seconds": 10.0})]


def test_the_exit_code_is_that_of_the_worker_that_failed() -> None:
    done = run("--workers", 2, "--", "fit", "--epochs", 0)
    assert (done.returncode, done.stdout) == (2, "")
    *told, verdict = done.stderr.splitlines()
    error = "error: `epochs` must be a positive integer. Received: epochs=0."
    assert sorted(told) == [f"[worker 0] {error}", f"[worker 1] {error}"]
    assert verdict.startswith("error: all workers must end well. Worker ")
    assert verdict.endswith(" ended with exit code 2.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_workers(tmp_path: Path, number: signal.Signals) -> None:
    program = tmp_path / "cli.py"
    program.write_text(PROGRAM_THAT_WAITS)
    command = [sys.executable, str(program), "launch", "--workers", "2", "--", "wait"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as launcher:
        assert launcher.stderr is not None
        waiting = sorted(launcher.stderr.readline() for _ in range(2))
        assert waiting == ["[worker 0] waits\n", "[worker 1] waits\n"]
        launcher.send_signal(number)
        assert launcher.wait() == 128 + number
        told = launcher.stderr.read().splitlines()
    assert sorted(told[:-1]) == [f"[worker {n}] received {number.name}" for n in range(2)]
    assert told[-1] == f"stopped by {number.name}"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("--workers", 0, "--", "fit"),
            "`workers` must be a positive integer. Received: workers=0.",
        ),
        (("--workers", "two", "--", "fit"), "--workers"),
        (
            ("--workers", 2, "--gpus-per-worker", 0, "--", "fit"),
            "`gpus_per_worker` must be a positive integer. Received: gpus_per_worker=0.",
        ),
        (("--", "fit"), "Missing option '--workers'"),
        (
            ("--workers", 2),
            "A command must follow `--`, as in `lstm-sentiment launch --workers 2 -- fit`. "
            "Received: none.",
        ),
        (
            ("--workers", 2, "--", "launch", "--workers", 2, "--", "fit"),
            "The command that follows `--` must be another than `launch`. Received: 'launch'.",
        ),
    ],
)
def test_bad_input_is_told_in_one_line(run: Run, args: tuple[object, ...], message: str) -> None:
    outcome = run("launch", *args)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
