"""Strikes a command at each of its file operations, and looks at what it leaves."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.durability import trees
from benchmarks.durability.commands import Command
from benchmarks.durability.operations import FULL, REFUSED, Blow
from benchmarks.durability.running import TEMPORARY, Ended, run

_OUT = ("out", "run", "runs", "models", TEMPORARY, "models.config")


@dataclass
class Outcome:
    """The kills and refusals of one command, and the faults that they showed.

    Attributes:
        command: The name of the command.
        operations: Number of its file operations.
        killed: Number of times that it was killed and started again.
        refused: Number of times that an operation ended with an error.
        compared: Number of files whose bits are those of a run that nothing happened to.
        faults: What went wrong, one line each.
    """

    command: str
    operations: int
    killed: int = 0
    refused: int = 0
    compared: int = 0
    faults: list[str] = field(default_factory=list)


class Striker:
    """Runs one command again and again, always in a new folder of the same path."""

    def __init__(self, command: Command, version_dir: Path, folder: Path) -> None:
        """Runs the command twice without a blow.

        Args:
            command: The command.
            version_dir: A version to give it.
            folder: An empty folder.

        Raises:
            RuntimeError: If the command fails.
        """
        self._command, self._version_dir, self._case = command, version_dir, folder / "case"
        first, second = self._undisturbed(), self._undisturbed()
        self._expected = {
            name: digest for name, digest in first[1].items() if second[1].get(name) == digest
        }
        self._names = first[0] & second[0]
        self.outcome = Outcome(command.name, len(self.operations), compared=len(self._expected))

    def _undisturbed(self) -> tuple[set[str], dict[str, str]]:
        self._begin()
        ended = run(self._command.arguments, self._case)
        if ended.code != 0:
            raise RuntimeError(f"{self._command.name} failed: {ended.said}")
        self.operations = ended.operations
        return trees.names(self._case), trees.contents(self._case)

    def _begin(self) -> None:
        shutil.rmtree(self._case, ignore_errors=True)
        self._case.mkdir(parents=True)
        self._command.prepare(self._case, self._version_dir)
        (self._case / TEMPORARY).mkdir(exist_ok=True)
        self._before = trees.contents(self._case)

    def kill(self, blow: Blow) -> None:
        """Kills the command, starts it again, and compares what is there in the end."""
        self._begin()
        ended = run(self._command.arguments, self._case, blow)
        if not ended.is_killed:
            if ended.code != 0:
                self._fault(blow, f"exit {ended.code} instead: {_last(ended)}")
            return
        self.outcome.killed += 1
        self._look(blow)
        again = self._command.arguments
        if self._command.again is not None:
            resumed = self._command.again(self._case)
            if resumed is None:
                self._compare(blow)
                return
            again = resumed
        ended = run(again, self._case)
        if ended.code != 0:
            self._fault(blow, f"started again: exit {ended.code}: {_last(ended)}")
            return
        self._compare(blow)

    def refuse(self, blow: Blow) -> None:
        """Refuses an operation of the command; what was there stays, nothing half-written does."""
        self._begin()
        ended = run(self._command.arguments, self._case, blow)
        self._look(blow)
        if ended.code == 0:  # what is only to be cleared, or a notice
            return
        self.outcome.refused += 1
        lines = [line for line in ended.said.splitlines() if line.startswith("error:")]
        if ended.code not in (1, 2) or "Traceback" in ended.said or len(lines) > 1:
            self._fault(blow, f"exit {ended.code}: {_last(ended)}")
        left = [name for name in trees.names(self._case) if ".writing" in name]
        if left:
            self._fault(blow, f"left {', '.join(sorted(left)[:3])}")

    def _look(self, blow: Blow) -> None:
        """Looks at a folder after a blow: inputs as before, nothing broken."""
        now = trees.contents(self._case)
        for name, digest in self._before.items():
            if not name.startswith(_OUT) and now.get(name) != digest:
                self._fault(blow, f"{name} is not as it was")
        for fault in trees.faults(self._case):
            self._fault(blow, fault)

    def _compare(self, blow: Blow) -> None:
        there = trees.names(self._case)
        for name in sorted(there ^ self._names):
            self._fault(blow, f"{name} is {'left' if name in there else 'missing'} in the end")
        now = trees.contents(self._case)
        for name, digest in self._expected.items():
            if name in now and now[name] != digest:
                self._fault(blow, f"{name} has other bits in the end")
        for fault in trees.faults(self._case):
            self._fault(blow, f"{fault}, in the end")

    def _fault(self, blow: Blow, what: str) -> None:
        where = f" ({self.operations[blow.at - 1]})" if 0 < blow.at <= len(self.operations) else ""
        fault = f"{self._command.name}, {blow}{where}: {what}"
        print(fault, flush=True)
        self.outcome.faults.append(fault)


def kills(operations: int, sizes: Sequence[int], every: int, first: int = 1) -> Iterator[Blow]:
    """Yields a kill at every file operation, or every few, and in the middle of writes."""
    for at in range(first, operations + 1, every):
        yield Blow(at)
    for size in sizes:
        yield Blow(file_bytes=size)


def refusals(operations: int, sizes: Sequence[int], every: int, first: int = 1) -> Iterator[Blow]:
    """Yields a refusal at every file operation, or every few: each error in turn."""
    errors = (*FULL, *REFUSED)
    for place, at in enumerate(range(first, operations + 1, every)):
        yield Blow(at, errors[place % len(errors)])
    for size in sizes:
        yield Blow(error="EFBIG", file_bytes=size)


def _last(ended: Ended) -> str:
    lines = [line for line in ended.said.splitlines() if line.strip()]
    return " | ".join(lines[-2:])[:500]
