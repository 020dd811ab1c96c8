"""What one request costs the server, part by part, before and after.

    git worktree add ../before 80386b1
    python -m benchmarks.request_profile --model models/sentiment --against ../before

Prints a table for each way to ask: microseconds of the server's CPU a request, of both checkouts.
The sums come from `/proc`, thread by thread, and hold for the whole process. How a thread's time is
shared among the parts is estimated: py-spy (of the extra `bench`) looks from outside, without
stopping the server, which function each running thread is in, and the innermost one that belongs to
a part counts. A part that takes less than about two hundredths of the whole is not to be trusted.
An older commit without the light engine has a column for TensorFlow only.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.asked_texts import shuffled_texts
from benchmarks.callers import Ask, Transport, asking, grpc_predict, load_of, rest_predict
from benchmarks.processes import BATCHING, REPOSITORY, Checkout, Server, commit_of
from lstm_sentiment.version_folder import find_version

Shares = Mapping[str, float]
"""CPU seconds by part."""

_LIGHT = "lstm_sentiment/serving/light"
_SAMPLES_A_SECOND = 400
_SECONDS_OF_PY_SPY = 3

_ABOVE_ALL = (("/text_statistics.py", "text statistics"),)
"""What counts for all that it calls: it has its own runs of the tokenizer."""

_RULES: Mapping[str, Sequence[str]] = {
    "parsing": ("google/protobuf/", "_parsed (", "deserialize (grpc/", "grpc_parsing.py"),
    "gRPC and event loop": ("grpc/", "serving/event_loop.py"),
    "HTTP": ("serving/rest_api/connections/", "uvicorn/", "h11/", "httptools/", "starlette/"),
    "JSON and REST API": ("serving/rest_", "json/", "orjson/", "serving/json_"),
    "messages and status": ("serving/grpc_",),
    "tensors": ("protocol/tensors.py", "/tensor_proto.py"),
    "checks": ("/checked_inputs.py", "checked_inputs (", "_checked (", "/limits.py"),
    "metrics and notes": (
        *("serving/monitoring/", "serving/metric", "serving/observ", "serving/server_state.py"),
        "serving/access_log.py",
    ),
    "batching": ("serving/batch",),
    "engine: tokens": ("light/tokenization/", "sentencepiece/"),
    "engine: n-grams": ("light/ngram",),
    "engine: network": ("network.py", "light/lstm", "light/pool", "light/onnx_"),
    "engine: TensorFlow": ("serving/saved_model",),
    "engine: rest": ("serving/light/",),
    "data plane": (
        *("serving/inference/", "serving/dataplane.py", "serving/manage", "serving/servable"),
        *("serving/caller.py", "serving/loading/"),
    ),
    "rest of the package": ("lstm_sentiment/",),
}
_PARTS = [(mark, part) for part, marks in _RULES.items() for mark in marks]
"""The part of a function, by what its line of a stack holds, here and in older commits; the first
that fits counts."""

_ELSE = "gRPC and event loop"
_ORDER = (
    *("gRPC and event loop", "HTTP", "parsing", "messages and status", "JSON and REST API"),
    *("tensors", "checks", "data plane", "batching", "engine: tokens", "engine: n-grams"),
    *("engine: network", "engine: rest", "engine: TensorFlow", "engine: native threads"),
    *("text statistics", "metrics and notes", "rest of the package"),
)
_WAITING = ("wait (threading.py", "select (selectors.py", "_worker (concurrent/", "sleep (")
_GRPC_THREADS = ("grpc", "event_engine", "timer_manager", "default-executo", "resolver-execut")


@dataclass(frozen=True)
class Case:
    """A way to ask.

    Attributes:
        transport: The transport.
        batching: Whether the server batches.
        callers: Requests under way at any time.
    """

    transport: Transport
    batching: bool
    callers: int

    def __str__(self) -> str:
        """Returns the case's name for a person."""
        batching = "batching" if self.batching else "no batching"
        return f"{self.transport}, {batching}, {self.callers} caller{'s'[: self.callers > 1]}"


CASES = (
    Case("gRPC", False, 1),
    Case("gRPC", False, 64),
    Case("gRPC", True, 64),
    Case("REST", True, 64),
)


@dataclass(frozen=True)
class Profile:
    """What requests cost a server.

    Attributes:
        per_second: Requests answered a second.
        microseconds: CPU a request, by part.
    """

    per_second: float
    microseconds: Mapping[str, float]


def main(
    model: Annotated[Path, typer.Option(help="A version's folder, or a folder of versions.")],
    against: Annotated[Path | None, typer.Option(help="A checkout of the older commit.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Texts to ask for. Default: the demo corpus.")
    ] = None,
    text_column: str = "text",
    seconds: Annotated[float, typer.Option(help="Of each profile.")] = 4.0,
) -> None:
    """Profiles the servers one after the other, and prints the tables."""
    version_dir = find_version(model).absolute()
    texts = shuffled_texts(data, text_column)
    for case in CASES:
        columns = {
            f"{name}, {engine}": _profile(checkout, engine, version_dir, case, texts, seconds)
            for name, checkout, engine in _measured(against)
        }
        print("\n".join(table(str(case), columns)), end="\n\n", flush=True)


def _measured(against: Path | None) -> Iterator[tuple[str, Checkout, str]]:
    for name, path in (("before", against), ("after", REPOSITORY)):
        if path is not None:
            commit = f"{name} ({commit_of(path)})"
            for engine in ("tensorflow", "light"):
                if engine == "tensorflow" or (path / _LIGHT).is_dir():
                    yield commit, Checkout(path), engine


def _profile(
    checkout: Checkout,
    engine: str,
    version_dir: Path,
    case: Case,
    texts: Sequence[str],
    seconds: float,
) -> Profile:
    flags = [f"--grpc-max-threads={case.callers + 8}"]
    if (checkout.path / _LIGHT).is_dir():
        flags.append(f"--engine={engine}")
    if case.batching:
        flags += ["--enable-batching", f"--batching-parameters-file={BATCHING}"]
    request = grpc_predict if case.transport == "gRPC" else rest_predict
    requests = [request([text]) for text in texts[:4096]]
    with checkout.served(version_dir.parent, *flags) as server:
        port = server.port if case.transport == "gRPC" else server.rest_api_port
        asked = asking(case.transport, f"127.0.0.1:{port}", requests, case.callers)
        profiler = _Profiler(server, seconds)
        profiler.start()
        load = load_of(profiler.counting(asked), case.callers, seconds + _SECONDS_OF_PY_SPY)
        profiler.join()
    by_part = {part: 1e6 * used / profiler.answers for part, used in profiler.shares().items()}
    return Profile(load.per_second, by_part)


class _Profiler(threading.Thread):
    """Profiles a server while it answers.

    Attributes:
        answers: How many answers came meanwhile.
    """

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__()
        self._pid, self._for_seconds = server.process.pid, seconds
        self._stacks: list[str] = []
        self._used: dict[str, float] = {}
        self._names: dict[str, str] = {}
        self._counted = self.answers = 0

    @asynccontextmanager
    async def counting(self, connected: AbstractAsyncContextManager[Ask]) -> AsyncIterator[Ask]:
        """Counts the answers to some callers."""
        async with connected as ask:

            async def counted(number: int) -> bytes:
                answer = await ask(number)
                self._counted += 1
                return answer

            yield counted

    def run(self) -> None:
        time.sleep(1)
        before, counted = self._cpu_of_threads(), self._counted
        self._stacks = sampled_stacks(self._pid, self._for_seconds)
        after, self.answers = self._cpu_of_threads(), self._counted - counted
        self._used = {thread: used - before.get(thread, 0.0) for thread, used in after.items()}

    def shares(self) -> Shares:
        """Returns the CPU seconds of the time that was profiled, by part."""
        return shares(self._stacks, self._used, self._names)

    def _cpu_of_threads(self) -> dict[str, float]:
        found = {}
        for task in Path(f"/proc/{self._pid}/task").iterdir():
            name, _, rest = (task / "stat").read_text().rpartition(")")
            used = sum(map(int, rest.split()[11:13]))
            self._names[task.name] = name.partition("(")[2]
            found[task.name] = used / os.sysconf("SC_CLK_TCK")
        return found


def sampled_stacks(pid: int, seconds: float) -> list[str]:
    """Returns the stacks of running threads that py-spy saw: functions, a blank, how often."""
    beside = str(Path(sys.executable).parent)
    command = shutil.which("py-spy", path=beside) or shutil.which("py-spy")
    if command is None:
        raise SystemExit("error: py-spy is missing: pip install 'lstm-sentiment[bench]'.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stacks.txt"
        flags = ["--pid", str(pid), "--duration", str(max(1, round(seconds))), "--format", "raw"]
        flags += ["--rate", str(_SAMPLES_A_SECOND), "--threads", "--nonblocking"]
        subprocess.run(
            [command, "record", *flags, "--output", str(path)], check=True, capture_output=True
        )
        return path.read_text("utf-8").splitlines()


def shares(stacks: Sequence[str], used: Mapping[str, float], names: Mapping[str, str]) -> Shares:
    """Shares the CPU time of threads among parts.

    Args:
        stacks: As `sampled_stacks` returns them.
        used: CPU seconds of each thread, by the number that the system has for it.
        names: The threads' names, as the system has them.
    """
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        thread, *functions = stack.split(";")
        number = thread.partition("(")[2].partition(")")[0]
        if functions and not any(mark in functions[-1] for mark in _WAITING):
            seen[number][part_of(functions)] += int(count)
        else:
            seen[number] += Counter()
    found: dict[str, float] = defaultdict(float)
    for number, cpu_seconds in used.items():
        counted = seen.get(number)
        if counted:
            for part, times in counted.items():
                found[part] += cpu_seconds * times / counted.total()
        elif counted is not None or names[number].startswith(_GRPC_THREADS):
            found[_ELSE] += cpu_seconds
        else:
            found["engine: native threads"] += cpu_seconds
    return found


def part_of(functions: Sequence[str]) -> str:
    """Returns the part that a stack belongs to, whose functions are told from the outermost on."""
    for mark, part in _ABOVE_ALL:
        if any(mark in function for function in functions):
            return part
    for function in reversed(functions):
        for mark, part in _PARTS:
            if mark in function:
                return part
    return _ELSE


def table(name: str, columns: Mapping[str, Profile]) -> Iterator[str]:
    """Yields the lines of a Markdown table."""
    yield f"| {name}: CPU a request, µs | {' | '.join(columns)} |"
    yield "| --- |" + " --- |" * len(columns)
    for part in _ORDER:
        costs = [profile.microseconds.get(part, 0.0) for profile in columns.values()]
        if max(costs) >= 0.5:
            yield f"| {part} | {' | '.join(f'{cost:,.0f}' for cost in costs)} |"
    sums = [sum(profile.microseconds.values()) for profile in columns.values()]
    yield f"| **all** | {' | '.join(f'{cost:,.0f}' for cost in sums)} |"
    rates = [profile.per_second for profile in columns.values()]
    yield f"| requests a second | {' | '.join(f'{rate:,.0f}' for rate in rates)} |"


if __name__ == "__main__":
    typer.run(main)
