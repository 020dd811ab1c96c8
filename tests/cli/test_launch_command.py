import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

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


def test_a_pod_becomes_its_worker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command takes the place of the launcher: exit code and signals are its own."""
    became: list[tuple[Any, ...]] = []

    def execute(*arguments: Any) -> NoReturn:
        became.append(arguments)
        raise SystemExit(0)  # as a command that ends well

    monkeypatch.setattr(os, "execvpe", execute)
    monkeypatch.setattr(socket, "gethostname", lambda: "train-1")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    flags = ("--from-kubernetes", "--workers", 3, "--service", "workers", "--port", 2000)
    assert run("launch", *flags, "--", "fit", "--resume", "my run").code == 0
    [(program, command, environment)] = became
    assert (program, command) == (
        sys.executable,
        [sys.executable, "lstm-sentiment", "fit", "--resume", "my run"],
    )
    addresses = ["train-0.workers:2000", "train-1.workers:2000", "train-2.workers:2000"]
    assert json.loads(environment["TF_CONFIG"]) == {
        "cluster": {"worker": addresses},
        "task": {"type": "worker", "index": 1},
    }
    assert environment["PATH"] == os.environ["PATH"]


def test_the_exit_code_of_a_pod_is_that_of_its_command() -> None:
    """As a real process whose host name is set as Kubernetes sets it."""
    pod = (
        "import socket, sys; socket.gethostname = lambda: 'train-0'; "
        f"sys.argv = [{str(CLI)!r}, *sys.argv[1:]]; "
        "from lstm_sentiment.cli.app import main; main()"
    )
    flags = ("launch", "--from-kubernetes", "--workers", "1", "--", "fit", "--epochs", "0")
    done = subprocess.run(
        [sys.executable, "-c", pod, *flags],
        capture_output=True,
        text=True,
        env={**os.environ, "JOB_COMPLETION_INDEX": "0"},
    )
    error = "error: `epochs` must be a positive integer. Received: epochs=0.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", error)


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
        (
            ("--from-kubernetes", "--workers", 2, "--gpus-per-worker", 1, "--", "fit"),
            "`--gpus-per-worker` cannot be combined with `--from-kubernetes`.",
        ),
        (
            ("--workers", 2, "--port", 2222, "--", "fit"),
            "`--port` must be given with `--from-kubernetes`. Received: `--port` alone.",
        ),
        (
            ("--from-kubernetes", "--workers", 2, "--service", "Bad_Name", "--", "fit"),
            "`--service` must be the name of a Service: at most 63 lower-case letters, digits and "
            "`-`, with a letter or digit at both ends. Received: 'Bad_Name'.",
        ),
        (("--workers", 2, "--port", 0, "--from-kubernetes", "--", "fit"), "Received: port=0."),
        (
            ("--from-kubernetes", "--workers", 2, "--", "fit"),
            "`JOB_COMPLETION_INDEX` must be the number of this pod",
        ),
    ],
)
def test_bad_input_is_told_in_one_line(run: Run, args: tuple[object, ...], message: str) -> None:
    outcome = run("launch", *args)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
