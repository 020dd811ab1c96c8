"""Memory of a process and all its descendants over time, in a file of JSON lines. Linux only."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

_SECONDS = 1.0


@dataclass(frozen=True)
class Watched:
    """A command that has ended.

    Attributes:
        exit_code: Negative for a signal.
        lines: What it printed, on standard output and standard error.
    """

    exit_code: int
    lines: Sequence[str]


class MemoryRecord:
    """A file of JSON lines that grows: the memory of processes, and what they print.

    The lines have the keys `run` and `seconds` (since the start of that run); those of memory have
    `rss` and `anonymous` (bytes, summed over all processes), those of messages `line`.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Appends to `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8")
        self._clock, self._lock = clock, threading.Lock()

    def add(self, run: str, started: float, **values: Any) -> None:
        """Writes one line."""
        line = {"run": run, "seconds": round(self._clock() - started, 1), **values}
        with self._lock:
            print(json.dumps(line, ensure_ascii=False), file=self._file, flush=True)

    def watch(
        self,
        run: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        is_time_to_kill: Callable[[], bool] = lambda: False,
        done: Callable[[], Mapping[str, int]] = dict,
    ) -> "Watched":
        """Runs a command to its end, or kills it; records memory once a second and its messages.

        Args:
            run: Name of the run in the record.
            command: The program and its arguments.
            environment: Environment variables; `None` for those of this process.
            is_time_to_kill: Called once a second; the process gets SIGKILL when it returns true.
            done: Called once a second; returns more values for the line, such as `texts` done.
        """
        started = self._clock()
        self.add(run, started, command=list(command))
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        lines: list[str] = []
        reader = threading.Thread(target=self._read, args=(run, started, process, lines))
        reader.start()
        while process.poll() is None:
            self.add(run, started, **memory_of(process.pid), **done())
            if is_time_to_kill():
                process.kill()
                self.add(run, started, line="SIGKILL")
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        reader.join()
        self.add(run, started, exit_code=process.returncode)
        return Watched(process.returncode, lines)

    def _read(
        self, run: str, started: float, process: "subprocess.Popen[str]", lines: list[str]
    ) -> None:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if line.strip():
                lines.append(line.rstrip())
                self.add(run, started, line=line.rstrip())


def memory_of(process: int) -> dict[str, int]:
    """Returns the memory of a process and its descendants: `rss` and `anonymous`, in bytes.

    A page that several processes share counts once in each of them. `anonymous` leaves out the
    pages of files, which the kernel may drop at any time.
    """
    total = {"rss": 0, "anonymous": 0}
    for member in _family(process):
        facts = _status(member)
        total["rss"] += facts.get("VmRSS", 0)
        total["anonymous"] += facts.get("RssAnon", 0)
    return total


def _family(process: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            children.setdefault(_parent(folder), []).append(int(folder.name))
    found = [process]
    for member in found:
        found += children.get(member, ())
    return found


def _parent(folder: Path) -> int:
    try:
        # The name of the program, in brackets, may hold spaces and brackets.
        return int((folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _status(process: int) -> dict[str, int]:
    """Returns the sizes in `/proc/PROCESS/status`, in bytes; none for a process that has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if line.startswith(("VmRSS", "RssAnon")))
    return {name.rstrip(":"): 1024 * int(size) for name, size, *_ in fields}
