"""Runs drawn command lines in processes of their own, and tells what is wrong with an outcome."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.command_lines.inputs import contents, half_written, make_inputs
from benchmarks.command_lines.lines import Line
from benchmarks.processes import REPOSITORY

EXIT_CODES = (0, 1, 2, 130)
_LINES_A_PROCESS = 400


@dataclass(frozen=True)
class Outcome:
    """A command line that has ended.

    Attributes:
        line: The command line.
        code: Exit code; a text where no command ended with one.
        out: Standard output, its beginning.
        err: Standard error, its beginning.
        seconds: Time taken.
        left: Half-written files in the working folder.
        changed: Whether an input was changed.
    """

    line: Line
    code: int | str
    out: str
    err: str
    seconds: float
    left: list[str] = field(default_factory=list)
    changed: bool = False

    def faults(self) -> list[str]:
        """Returns what is wrong; nothing is, of most."""
        found = []
        if self.code not in EXIT_CODES:
            found.append(f"exit {self.code}")
        is_verbose = {"-v", "--verbose"} & set(self.line.arguments)
        if not is_verbose and "Traceback (most recent" in self.out + self.err:
            found.append("a traceback")
        told = [line for line in self.err.splitlines() if line.startswith("error: ")]
        if self.code == 2 and len(told) != 1 and "Usage:" not in self.out + self.err:
            found.append(f"{len(told)} lines of error")
        found += [f"half written: {self.left}"] if self.left else []
        found += ["an input was changed"] if self.changed else []
        return found


class Runner:
    """Runs command lines, one after the other, each in an empty folder."""

    def __init__(
        self, folder: Path, version: Path, *, limit_seconds: float, stop_before_tensorflow: bool
    ) -> None:
        """Makes the inputs.

        Args:
            folder: A new folder, for inputs and working folders.
            version: An exported version.
            limit_seconds: Longest time of a command line.
            stop_before_tensorflow: A command that is about to import TensorFlow has done enough.
        """
        self._folder, self._version = folder, version
        self._limit, self._stops = limit_seconds, stop_before_tensorflow
        self._process: subprocess.Popen[str] | None = None
        self._answers = -1
        self._count = 0
        self._renew_inputs()

    def run(self, line: Line) -> Outcome:
        """Runs a command line, and looks at what it left."""
        working = self._folder / "work"
        shutil.rmtree(working, ignore_errors=True)
        working.mkdir()
        for name, text in line.files.items():
            text = text.replace("IN/", f"{self._inputs}/")
            (working / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        arguments = [
            one.replace("IN/", f"{self._inputs}/").replace("OWN/", "own/") for one in line.arguments
        ]
        if any(one.startswith("own/") for one in arguments):
            shutil.copytree(self._inputs / "models", working / "own")
        started = time.monotonic()
        answer = self._ask(arguments, working)
        seconds = time.monotonic() - started
        left = [*half_written(working), *half_written(self._inputs)]
        now = contents(self._inputs)
        # Results beside an input are none.
        changed = not self._contents.items() <= now.items()
        if now != self._contents:
            self._renew_inputs()
        return Outcome(line, answer["code"], answer["out"], answer["err"], seconds, left, changed)

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            os.close(self._answers)
            self._process = None

    def _renew_inputs(self) -> None:
        self._inputs = self._folder / "in"
        shutil.rmtree(self._inputs, ignore_errors=True)
        make_inputs(self._inputs, self._version)
        self._contents = contents(self._inputs)

    def _ask(self, arguments: list[str], working: Path) -> dict[str, Any]:
        if self._count % _LINES_A_PROCESS == 0:
            self.close()
        self._count += 1
        if self._process is None:
            self._start()
        assert self._process is not None and self._process.stdin is not None
        order = {
            "arguments": arguments,
            "folder": str(working),
            "texts": str(self._inputs / "texts" / "b.txt"),
            "stop_before_tensorflow": self._stops,
        }
        print(json.dumps(order), file=self._process.stdin, flush=True)
        readable, _, _ = select.select([self._answers], [], [], self._limit)
        answer = self._read() if readable else ""
        if answer.endswith("\n"):
            return dict(json.loads(answer))
        code = self._process.poll()
        self.close()
        told = "did not end" if not readable else f"the process ended with {code}"
        return {"code": told, "out": "", "err": ""}

    def _read(self) -> str:
        parts = b""
        while not parts.endswith(b"\n") and (part := os.read(self._answers, 1 << 16)):
            parts += part
        return parts.decode()

    def _start(self) -> None:
        self._answers, written = os.pipe()
        module = "benchmarks.command_lines.worker"
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(written)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=REPOSITORY,
            text=True,
            pass_fds=[written],
            start_new_session=True,
        )
        os.close(written)


@contextmanager
def running(
    folder: Path, version: Path, *, limit_seconds: float, stop_before_tensorflow: bool
) -> Iterator[Runner]:
    """Makes a runner, and ends its process in the end."""
    runner = Runner(
        folder,
        version,
        limit_seconds=limit_seconds,
        stop_before_tensorflow=stop_before_tensorflow,
    )
    try:
        yield runner
    finally:
        runner.close()
