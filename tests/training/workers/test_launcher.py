import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.training.workers.environments import worker_environments
from lstm_sentiment.training.workers.launcher import Lines, launch

pytestmark = pytest.mark.timeout(240)

LONG = 300.0
"""Seconds of grace that no test waits for."""

BEGIN = """
import json, os, signal, sys, subprocess
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
def meet(path):  # both sides wait here for each other
    if index == 0:
        open(path, "w").close()
    else:
        open(path).read()
"""

Captured = pytest.CaptureFixture[bytes]


def python(script: str, *args: object) -> list[str]:
    return [sys.executable, "-S", "-c", BEGIN + script, *map(str, args)]


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def watched(fifo: Path) -> Callable[[], bytes]:
    """Reads the FIFO until all who opened it have ended."""
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def read_to_end() -> bytes:
        os.set_blocking(reader, True)
        with open(reader, "rb") as file:
            return file.read()

    return read_to_end


def lines_of(worker: int, output: bytes) -> list[bytes]:
    prefix = b"[worker %d] " % worker
    return [line.removeprefix(prefix) for line in output.split(b"\n") if line.startswith(prefix)]


def test_each_worker_has_its_place_in_one_cluster(capfdbinary: Captured) -> None:
    before = dict(os.environ)
    script = """
    import socket
    config = json.loads(os.environ["TF_CONFIG"])
    host, port = config["cluster"]["worker"][index].split(":")
    socket.create_server((host, int(port))).close()
    print(json.dumps([config, os.environ["PYTHONUNBUFFERED"], os.getsid(0) == os.getpid()]))
    """
    assert launch(python(script.replace("\n    ", "\n")), workers=3) == 0
    out, err = capfdbinary.readouterr()
    answers = [json.loads(out), *(json.loads(lines_of(n, err)[0]) for n in (1, 2))]
    addresses = answers[0][0]["cluster"]["worker"]
    assert len(set(addresses)) == 3
    assert all(address.startswith("127.0.0.1:") for address in addresses)
    for index, (config, unbuffered, own_session) in enumerate(answers):
        task = {"type": "worker", "index": index}
        assert config == {"cluster": {"worker": addresses}, "task": task}
        assert unbuffered == "1"
        assert own_session
    assert dict(os.environ) == before


def test_the_chiefs_stdout_stands_alone_and_unchanged(capfdbinary: Captured) -> None:
    script = """
os.write(1, b"out %d \\r\\n\\n\\xff\\0 no newline" % index)
os.write(2, b"err %d\\n\\n\\xff no newline" % index)
"""
    assert launch(python(script), workers=2) == 0
    out, err = capfdbinary.readouterr()
    assert out == b"out 0 \r\n\n\xff\0 no newline"
    assert lines_of(0, err) == [b"err 0", b"", b"\xff no newline"]
    from_stdout, from_stderr = [b"out 1 ", b"", b"\xff\0 no newline"], [b"err 1", b""]
    assert sorted(lines_of(1, err)) == sorted([*from_stdout, *from_stderr, b"\xff no newline"])
    assert err.endswith(b"\n")
    assert err.count(b"\n") == 9


def test_a_line_is_passed_on_while_its_worker_runs(fifo: Path) -> None:
    script = """
print("ready", file=sys.stderr)
open(sys.argv[1]).read()
"""
    code = (
        "import sys; from lstm_sentiment.training.workers.launcher import launch; "
        "launch(sys.argv[1:], workers=1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *python(script, fifo)], stderr=subprocess.PIPE
    ) as launcher:
        assert launcher.stderr is not None
        assert launcher.stderr.readline() == b"[worker 0] ready\n"
        fifo.write_text("go on")
        assert launcher.stderr.read() == b""


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\n\nb\n", [b"a", b"", b"", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"\r\n", [b""]),
        (b"\r 1/2\r 2/2\ndone\n", [b" 1/2", b" 2/2", b"done"]),
        (b"1/2\r2/2\r", [b"1/2", b"2/2"]),
        (b"1/2\r2/2\r\r\n\nx", [b"1/2", b"2/2", b"", b"x"]),
    ],
)
@given(data=st.data())
def test_lines_and_progress_bars_are_the_same_however_they_come(
    data: st.DataObject, written: bytes, shown: list[bytes]
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(written)))))
    lines = Lines(2, b"> ")
    parts = zip([0, *cuts], [*cuts, len(written)], strict=True)
    passed = b"".join(lines.add(written[start:end]) for start, end in parts) + lines.end()
    assert passed == b"".join(b"> %b\n" % line for line in shown)


def test_a_progress_bar_moves_before_its_line_ends() -> None:
    lines = Lines(2, b"> ")
    assert lines.add(b"\r1/3\r2") == b"> 1/3\n"
    assert lines.add(b"/3\r") == b""
    assert lines.add(b"3/3") == b"> 2/3\n"


def test_big_outputs_of_all_workers_arrive_whole(capfdbinary: Captured) -> None:
    script = """
import threading
def write(name, target):
    for start in range(0, 30000, 100):
        lines = (f"{name} {n} {'x' * (n % 300)}\\n" for n in range(start, start + 100))
        target.write("".join(lines))
threads = [threading.Thread(target=write, args=part) for part in
           (("out", sys.stdout), ("err", sys.stderr))]
[t.start() for t in threads]
[t.join() for t in threads]
"""
    assert launch(python(script), workers=3) == 0
    out, err = capfdbinary.readouterr()
    expected = {
        name: [b"%b %d %b" % (name, n, b"x" * (n % 300)) for n in range(30_000)]
        for name in (b"out", b"err")
    }
    assert len(out) > 4_000_000
    assert out.split(b"\n") == [*expected[b"out"], b""]
    assert len(err.split(b"\n")) == 5 * 30_000 + 1
    for worker in range(3):
        for name in (b"out", b"err")[worker == 0 :]:
            lines = [line for line in lines_of(worker, err) if line.startswith(name)]
            assert lines == expected[name]


def test_when_one_fails_the_others_are_asked_to_stop(fifo: Path, capfdbinary: Captured) -> None:
    script = """
def stop(*_):
    print("asked to stop", file=sys.stderr)
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
meet(sys.argv[1])
if index == 1:
    sys.exit(3)
while True:
    signal.pause()
"""
    assert launch(python(script, fifo), workers=2, grace_seconds=0.3) == 3
    assert capfdbinary.readouterr().err.splitlines() == [
        b"[worker 0] asked to stop",
        b"error: all workers must end well. Worker 1 ended with exit code 3; "
        b"the others were stopped.",
    ]


def test_when_one_fails_the_others_may_end_by_themselves(fifo: Path, capfdbinary: Captured) -> None:
    script = """
signal.signal(signal.SIGTERM, lambda *_: print("asked to stop", file=sys.stderr))
if index == 1:
    other = open(sys.argv[1], "w")
    os._exit(4)
open(sys.argv[1]).read()
print("worker 1 is gone", file=sys.stderr)
"""
    assert launch(python(script, fifo), workers=2, grace_seconds=LONG) == 4
    assert capfdbinary.readouterr().err.splitlines() == [
        b"[worker 0] worker 1 is gone",
        b"error: all workers must end well. Worker 1 ended with exit code 4.",
    ]


def test_who_does_not_stop_is_killed_with_what_it_started(
    fifo: Path, tmp_path: Path, watched: Callable[[], bytes], capfdbinary: Captured
) -> None:
    meeting = tmp_path / "meeting"
    os.mkfifo(meeting)
    script = """
if index == 1:
    meet(sys.argv[1])
    sys.exit(3)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
kept_open = open(sys.argv[2], "w")
if os.fork():
    meet(sys.argv[1])
while True:
    signal.pause()
"""
    assert launch(python(script, meeting, fifo), workers=2, grace_seconds=0.2) == 3
    assert watched() == b""
    assert (
        b"Worker 1 ended with exit code 3; the others were stopped" in capfdbinary.readouterr()[1]
    )


def test_a_worker_that_a_signal_ended_is_told_as_shells_do(capfdbinary: Captured) -> None:
    script = "os.kill(os.getpid(), signal.SIGKILL if index else 0)"
    assert launch(python(script), workers=2) == 128 + 9
    assert capfdbinary.readouterr().err.splitlines() == [
        b"error: all workers must end well. Worker 1 was ended by SIGKILL.",
    ]


def test_a_worker_may_die_of_sigpipe(capfdbinary: Captured) -> None:
    assert launch(["sh", "-c", "kill -PIPE $$"], workers=1) == 128 + 13
    assert b"Worker 0 was ended by SIGPIPE" in capfdbinary.readouterr().err


def test_what_a_worker_left_running_does_not_hold_the_launcher(
    fifo: Path, watched: Callable[[], bytes], capfdbinary: Captured
) -> None:
    script = """
kept_open = open(sys.argv[1], "w")
print("last words", end="", file=sys.stderr)
if os.fork() == 0:
    signal.pause()
os._exit(0)
"""
    assert launch(python(script, fifo), workers=1, grace_seconds=0.2) == 0
    assert watched() == b""
    assert capfdbinary.readouterr() == (b"", b"[worker 0] last words\n")


def test_what_left_its_group_does_not_hold_the_launcher_either(
    fifo: Path, capfdbinary: Captured
) -> None:
    script = """
print("last words", end="", file=sys.stderr)
if os.fork():
    os._exit(0)
os.setsid()
open(sys.argv[1]).read()
"""
    assert launch(python(script, fifo), workers=1, grace_seconds=0.2) == 0
    fifo.write_text("end")
    assert capfdbinary.readouterr().err == b"[worker 0] last words\n"


SIGNALLED = """
number = int(sys.argv[2])
def note(*_):
    print("received", file=sys.stderr)
    sys.exit(0)
signal.signal(number, note)
meet(sys.argv[1])
if index == 1:
    os.kill(os.getppid(), number)
while True:
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on_to_all(
    fifo: Path, capfdbinary: Captured, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    assert launch(python(SIGNALLED, fifo, int(number)), workers=2, grace_seconds=LONG) == (
        128 + number
    )
    assert signal.getsignal(number) == before
    lines = capfdbinary.readouterr().err.splitlines()
    assert sorted(lines[:2]) == [b"[worker 0] received", b"[worker 1] received"]
    assert lines[2:] == [b"stopped by %b" % number.name.encode()]


def test_who_does_not_heed_a_signal_is_killed_after_the_grace(fifo: Path) -> None:
    script = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
meet(sys.argv[1])
if index == 1:
    os.kill(os.getppid(), signal.SIGINT)
while True:
    signal.pause()
"""
    assert launch(python(script, fifo), workers=2, grace_seconds=0.2) == 130


def test_a_second_interrupt_kills_at_once(fifo: Path, capfdbinary: Captured) -> None:
    script = """
def insist(*_):
    print("received", file=sys.stderr)
    if index == 0:
        os.kill(os.getppid(), signal.SIGINT)
signal.signal(signal.SIGINT, insist)
meet(sys.argv[1])
if index == 1:
    os.kill(os.getppid(), signal.SIGINT)
while True:
    signal.pause()
"""
    assert launch(python(script, fifo), workers=2, grace_seconds=LONG) == 130
    assert capfdbinary.readouterr().err.endswith(b"stopped by SIGINT\n")


def test_an_ignored_hang_up_stays_ignored(capfdbinary: Captured) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert launch(python("os.kill(os.getppid(), signal.SIGHUP)"), workers=1) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert capfdbinary.readouterr() == (b"", b"")


def test_any_thread_may_launch(capfdbinary: Captured) -> None:
    codes: list[int] = []
    thread = threading.Thread(
        target=lambda: codes.append(launch(python("sys.exit(3 * index)"), workers=2))
    )
    thread.start()
    thread.join()
    assert codes == [3]


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_workers_do_not_outlive_a_killed_launcher(fifo: Path) -> None:
    script = """
with open(sys.argv[1], "w", buffering=1) as kept_open:
    print("ready", file=kept_open)
    while True:
        signal.pause()
"""
    code = (
        "import sys; from lstm_sentiment.training.workers.launcher import launch; "
        "launch(sys.argv[1:], workers=2)"
    )
    with subprocess.Popen([sys.executable, "-c", code, *python(script, fifo)]) as launcher:
        with fifo.open() as reader:
            assert [reader.readline() for _ in range(2)] == ["ready\n"] * 2
            launcher.kill()
            assert reader.read() == ""
        assert launcher.wait() == -signal.SIGKILL


def test_nobody_trains_for_a_reader_that_has_gone(fifo: Path) -> None:
    script = """
open(sys.argv[1]).read()
print("answer")
while True:
    signal.pause()
"""
    code = (
        "import sys; from lstm_sentiment.training.workers.launcher import launch;"
        "sys.exit(launch(sys.argv[1:], workers=1))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *python(script, fifo)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as launcher:
        assert launcher.stdout is not None and launcher.stderr is not None
        launcher.stdout.close()
        fifo.write_text("go on")
        assert launcher.wait() == 141
        assert launcher.stderr.read() == (
            b"error: standard output and standard error must be writable. "
            b"Received: [Errno 32] Broken pipe; all workers were stopped.\n"
        )


@pytest.mark.parametrize(
    ("visible", "gpus_per_worker", "expected"),
    [
        (None, 1, ["0", "1"]),
        (None, 2, ["0,1", "2,3"]),
        ("3,5,7", 1, ["3", "5"]),
        ("GPU-a, GPU-b,GPU-c,GPU-d", 2, ["GPU-a,GPU-b", "GPU-c,GPU-d"]),
        ("6,7", None, ["6,7", "6,7"]),
        (None, None, [None, None]),
    ],
)
def test_each_worker_has_its_own_gpus(
    monkeypatch: pytest.MonkeyPatch,
    visible: str | None,
    gpus_per_worker: int | None,
    expected: list[str | None],
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    environments = worker_environments(2, gpus_per_worker)
    assert [each.get("CUDA_VISIBLE_DEVICES") for each in environments] == expected


@pytest.mark.parametrize("visible", ["", "0,1,2", "0,1,-1,2,3"])
def test_too_few_gpus_are_told(monkeypatch: pytest.MonkeyPatch, visible: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(InvalidInputError) as raised:
        launch(python(""), workers=2, gpus_per_worker=2)
    assert str(raised.value) == (
        "`gpus_per_worker` times `workers` must be at most the number of devices in "
        "`CUDA_VISIBLE_DEVICES`. Received: gpus_per_worker=2, workers=2, "
        f"CUDA_VISIBLE_DEVICES={visible!r}."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, r"`workers` must be a positive integer\. Received: workers=0\."),
        ({"workers": -1}, r"Received: workers=-1\."),
        ({"gpus_per_worker": 0}, r"`gpus_per_worker` must be .* Received: gpus_per_worker=0\."),
        ({"grace_seconds": -1.0}, r"`grace_seconds` must be .* Received: grace_seconds=-1\.0\."),
        ({"grace_seconds": float("nan")}, r"Received: grace_seconds=nan\."),
        ({"command": []}, r"`command` must be a program .* Received: command=\[\]\."),
        ({"command": "fit"}, r"Received: command='fit'\."),
        ({"command": ["no-such-program"]}, r"can be run\. Received: 'no-such-program'\."),
    ],
)
def test_arguments_that_break_a_rule_are_told(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        launch(**{"command": python(""), "workers": 2, **arguments})  # type: ignore[arg-type]


def test_a_system_that_refuses_is_told_and_no_worker_stays(
    fifo: Path, watched: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
kept_open = open(sys.argv[1], "w")
signal.pause()
"""
    started: list[subprocess.Popen[bytes]] = []

    def start_one_only(*args: object, **options: object) -> subprocess.Popen[bytes]:
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(subprocess.Popen(*args, **options))  # type: ignore[call-overload]
        return started[0]

    monkeypatch.setattr("lstm_sentiment.training.workers.launcher.Popen", start_one_only)
    with pytest.raises(InvalidInputError, match=r"can be started\. Received: .*unavailable"):
        launch(python(script, fifo), workers=2)
    assert started[0].returncode == -signal.SIGKILL
    assert watched() == b""


def test_the_launcher_needs_no_tensorflow() -> None:
    code = (
        "import sys, lstm_sentiment.training.workers.launcher; "
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
