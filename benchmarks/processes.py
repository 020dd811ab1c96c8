"""Processes of one checkout of this repository, measured from outside."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

NAME = "sentiment"
REPOSITORY = Path(__file__).parent.parent
BATCHING = REPOSITORY / "serving_configs" / "batching.config"

# A process tells its own largest memory: what `wait4` tells begins with that of its parent.
_PROBED = """
import atexit, os, sys

def tell():
    with open("/proc/self/status") as status, open(os.environ["PROBE"], "w") as probe:
        probe.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))

atexit.register(tell)
"""
_COMMAND = "from lstm_sentiment.cli.app import main; sys.argv[0] = 'cli.py'; main()"
_POLL_SECONDS = 0.01
_LONGEST_START_SECONDS = 120
_LONGEST_STOP_SECONDS = 60
_MOST_TOLD = 2000


@dataclass(frozen=True)
class Usage:
    """The time and memory of a process.

    Attributes:
        seconds: From its start to its end.
        cpu_seconds: Of all its threads, in the kernel too.
        mib: The most memory that was resident at a time.
        output: What it printed.
    """

    seconds: float
    cpu_seconds: float
    mib: float
    output: str


@dataclass(frozen=True)
class RunningProcess:
    """A process that runs, and its children, as `/proc` tells of them.

    Attributes:
        pid: Of the process itself.
    """

    pid: int

    def cpu_seconds(self) -> float:
        """Returns the CPU time of all threads until now, that of ended children included."""
        return self._sum(_cpu_seconds)

    def mib(self) -> float:
        """Returns the resident memory; what processes share counts for each of them."""
        return self._sum(_resident_mib)

    def threads(self) -> int:
        """Returns the number of threads."""
        return int(self._sum(lambda pid: len(os.listdir(f"/proc/{pid}/task"))))

    def descriptors(self) -> int:
        """Returns the number of open file descriptors."""
        return int(self._sum(lambda pid: len(os.listdir(f"/proc/{pid}/fd"))))

    def _sum(self, figure: Callable[[int], float]) -> float:
        total, waiting = 0.0, [self.pid]
        while waiting:
            pid = waiting.pop()
            with suppress(FileNotFoundError, ProcessLookupError):  # A child may end meanwhile.
                total += figure(pid)
                for children in Path("/proc").glob(f"{pid}/task/*/children"):
                    waiting += map(int, children.read_text().split())
        return total


@dataclass(frozen=True)
class Server:
    """A server that is ready.

    Attributes:
        process: Of the server.
        port: Of gRPC.
        rest_api_port: Of REST.
        start_seconds: From the start of the process to the first `/readyz` that says so.
        start_cpu_seconds: Of CPU until then.
        mib: Resident memory a second later.
        log: The file of its standard error.
    """

    process: RunningProcess
    port: int
    rest_api_port: int
    start_seconds: float
    start_cpu_seconds: float
    mib: float
    log: Path

    def cpu_seconds(self) -> float:
        """Returns the CPU time of the server and its children until now."""
        return self.process.cpu_seconds()


@dataclass(frozen=True)
class Checkout:
    """A checkout of this repository, run by this Python.

    Attributes:
        path: Its folder.
    """

    path: Path

    def run(self, code: str, *arguments: str) -> Usage:
        """Runs a program in a process of its own and waits for its end."""
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder) / "mib"
            started = time.perf_counter()
            with tempfile.TemporaryFile("w+") as printed:
                process = subprocess.Popen(
                    [sys.executable, "-c", _PROBED + code, *arguments],
                    cwd=folder,
                    env={**self._environment(), "PROBE": str(probe)},
                    stdout=printed,
                )
                _, status, usage = os.wait4(process.pid, 0)
                seconds = time.perf_counter() - started
                process.returncode = os.waitstatus_to_exitcode(status)
                if process.returncode:
                    sys.exit(f"error: {self.path}: {arguments or code} ended with {status}.")
                printed.seek(0)
                output = printed.read()
            cpu = usage.ru_utime + usage.ru_stime
            return Usage(seconds, cpu, int(probe.read_text()) / 1024, output)

    def command(self, *arguments: str) -> Usage:
        """Runs a command of the command line."""
        return self.run(_COMMAND, *arguments)

    @contextmanager
    def served(
        self, base_path: Path, *flags: str, limits: Mapping[int, int] | None = None
    ) -> Iterator[Server]:
        """Runs a server of the versions under a base path.

        Args:
            base_path: Folder of the versions.
            *flags: More flags of `serve`. With a `--model-config-file` among them, the base path
                is not passed on.
            limits: The process's limits, by the numbers of the module `resource`.
        """
        port, rest_api_port = free_port(), free_port()
        command = [sys.executable, "-c", f"{_limiting(limits or {})}import sys; {_COMMAND}"]
        command += ["serve", f"--port={port}", f"--rest-api-port={rest_api_port}", *flags]
        if not any(flag.startswith("--model-config-file") for flag in flags):
            command += [f"--model-name={NAME}", f"--model-base-path={base_path}"]
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            started = time.perf_counter()
            with log.open("w") as written:
                environment = self._environment()
                process = subprocess.Popen(command, cwd=folder, env=environment, stderr=written)
            try:
                _wait_until_ready(process, rest_api_port, log)
                running = RunningProcess(process.pid)
                seconds, cpu = time.perf_counter() - started, running.cpu_seconds()
                time.sleep(1)
                mib = running.mib()
                yield Server(running, port, rest_api_port, seconds, cpu, mib, log)
            finally:
                process.terminate()
                _wait_or_kill(process)

    def _environment(self) -> dict[str, str]:
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "NONE"}
        return {**os.environ, **quiet, "PYTHONPATH": str(self.path.absolute())}


def _limiting(limits: Mapping[int, int]) -> str:
    """Returns the code that limits the process that runs it."""
    set_limits = (f"setrlimit({number}, ({most}, {most})); " for number, most in limits.items())
    return "from resource import setrlimit; " + "".join(set_limits) if limits else ""


def _wait_or_kill(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(_LONGEST_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + _LONGEST_START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL_SECONDS)
    told = log.read_text(errors="replace")[:_MOST_TOLD]
    sys.exit(f"error: a server did not start: {told}")


def free_port() -> int:
    """Returns a port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(match[1]) / 1024 if match else 0.0


def _cpu_seconds(pid: int) -> float:
    # The name of the process, in parentheses, may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # utime, stime, and what children had used when they ended: see proc(5).
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def commit_of(checkout: Path) -> str:
    """Returns the short name of the commit that is checked out, or the folder's name."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or checkout.name


def rounds_by_turns(measured: Sequence[_T], rounds: int) -> Iterator[_T]:
    """Yields what is measured by turns, the first of one round being the last of the next."""
    for number in range(rounds):
        yield from measured if number % 2 == 0 else measured[::-1]
