"""`benchmarks.serving`: its callers, what it reads of processes, and how it compares figures."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from benchmarks import request_profile
from benchmarks.callers import asking, http_post, load_of
from benchmarks.processes import RunningProcess, rounds_by_turns
from benchmarks.serving import by_turns


class Echo(BaseHTTPRequestHandler):
    """Answers with the body that it is sent; with 503 to `"full"`."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(body)
        self.send_response(503 if body == b'"full"' else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class EchoServer(ThreadingHTTPServer):
    daemon_threads = False  # waits at its end for the threads that answer

    def handle_error(self, *_: object) -> None:
        """Prints nothing when a caller leaves before it has its answer."""


@contextmanager
def echoing() -> Iterator[str]:
    Echo.bodies = []
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_a_caller_asks_for_one_after_the_other() -> None:
    requests = [http_post("/", number) for number in range(3)]
    with echoing() as address:
        load = load_of(asking("REST", address, requests, 1), 1, 0.1)
    assert Echo.bodies[:4] == [b"0", b"1", b"2", b"0"]
    assert load.per_second > 0 and 0 < load.p50 <= load.p99


def test_an_answer_that_is_not_ok_is_no_answer() -> None:
    with echoing() as address, pytest.raises(OSError, match=r'503 .*"full"'):
        load_of(asking("REST", address, [http_post("/", "full")], 4), 4, 0.1)


def test_cpu_and_memory_are_those_of_a_process_and_its_children() -> None:
    busy = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
    told = f"{busy}print(end='.', flush=True); input()"
    parent = f"import subprocess, sys; {told!r}\nsubprocess.run([sys.executable, '-c', {told!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.read(1)
        family, itself = RunningProcess(process.pid), RunningProcess(0)
        while_child_lives = family.cpu_seconds()
        mib = family.mib()
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert while_child_lives > 0.15 and mib > 10  # the kernel counts hundredths
    assert itself.cpu_seconds() == 0


def test_rounds_go_by_turns() -> None:
    assert list(rounds_by_turns(["a", "b"], 3)) == ["a", "b", "b", "a", "a", "b"]


@pytest.mark.parametrize(
    ("figure", "ours", "ratio", "goal", "met"),
    [
        ("cpu_ms", 0.55, 1.818, "share <= 0.55", True),
        ("cpu_ms", 0.56, 1.786, "share <= 0.55", False),
        ("per_second", 1.8, 1.8, "share >= 1.8", True),
        ("per_second", 1.79, 1.79, "share >= 1.8", False),
    ],
)
def test_a_goal_is_met_from_its_share_on(
    figure: str, ours: float, ratio: float, goal: str, met: bool
) -> None:
    key = ("gRPC, batching, 64 callers", figure)
    (line,) = by_turns.lines({key: ours}, {key: 1.0}, by_turns.GOALS_ARE_BESIDE)
    assert (line["share"], line["ratio"]) == (ours, ratio)
    assert (line["goal"], line["met"]) == (goal, met)


def test_another_commit_has_no_goals_and_only_figures_of_both_are_compared() -> None:
    key = ("gRPC, batching, 64 callers", "cpu_ms")
    (line,) = by_turns.lines({key: 1.0, ("x", "mib"): 1.0}, {key: 2.0}, "abc")
    assert line["share"] == 0.5 and "goal" not in line and "met" not in line


STACKS = {
    "handle (lstm_sentiment/serving/grpc_api/answering.py:61)": "messages and status",
    "_parsed (lstm_sentiment/serving/grpc_api/answering.py:80)": "parsing",
    "run (lstm_sentiment/serving/light/ngrams.py:66);full (numpy/_core/numeric.py:386)": (
        "engine: n-grams"
    ),
    "note (lstm_sentiment/serving/monitoring/text_statistics.py:9);"
    "run (lstm_sentiment/serving/light/tokenization/tokenizer.py:1)": "text statistics",
    "run_forever (asyncio/base_events.py:7)": "gRPC and event loop",
}


@pytest.mark.parametrize(("stack", "part"), STACKS.items())
def test_the_innermost_function_that_belongs_to_a_part_counts(stack: str, part: str) -> None:
    assert request_profile.part_of(stack.split(";")) == part


def test_the_time_of_threads_is_shared_among_the_parts_that_were_seen() -> None:
    loop, waiting = "thread (1): loop", "thread (2): pool"
    stacks = [
        f"{loop};handle (lstm_sentiment/serving/grpc_api/answering.py:61) 1",
        f"{loop};run_forever (asyncio/base_events.py:7) 2",
        f"{loop};run_forever (asyncio/base_events.py:7);select (selectors.py:468) 50",
        f"{waiting};wait (threading.py:327) 9",
    ]
    used = {"1": 3.0, "2": 0.25, "3": 4.0, "4": 0.5}
    names = {"1": "python", "2": "python", "3": "tf_Compute", "4": "grpc_global_tim"}
    assert request_profile.shares(stacks, used, names) == {
        "messages and status": 1.0,
        "gRPC and event loop": 2.0 + 0.25 + 0.5,
        "engine: native threads": 4.0,
    }
