"""Reads the records of memory."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STEPS = re.compile(r"Resumed after ([\d,]+) steps")
_LOSS = re.compile(r"\bloss (\d\.\d+)")


@dataclass(frozen=True)
class Run:
    """One process of a record.

    Attributes:
        name: As `MemoryRecord.watch` was given.
        lines: The lines of the record, by time.
    """

    name: str
    lines: Sequence[dict[str, Any]]

    @property
    def memory(self) -> Sequence[tuple[float, int]]:
        """Seconds and resident bytes."""
        return [(line["seconds"], line["rss"]) for line in self.lines if "rss" in line]

    @property
    def texts(self) -> Sequence[tuple[float, int]]:
        """Seconds and texts done."""
        return [(line["seconds"], line["texts"]) for line in self.lines if "texts" in line]

    @property
    def messages(self) -> Sequence[tuple[float, str]]:
        """Seconds and what the process printed."""
        return [(line["seconds"], line["line"]) for line in self.lines if "line" in line]

    @property
    def seconds(self) -> float:
        """The time from start to end."""
        return float(self.lines[-1]["seconds"])

    def facts(self) -> dict[str, Any]:
        """Returns the largest memory, the exit code, and where a training stopped or went on."""
        found: dict[str, Any] = {
            "seconds": self.seconds,
            "peak_rss": max((size for _, size in self.memory), default=0),
            "peak_anonymous": max((line.get("anonymous", 0) for line in self.lines), default=0),
            "exit_code": self.lines[-1].get("exit_code"),
        }
        said = [line for _, line in self.messages]
        resumed = [match[1] for match in map(_STEPS.search, said) if match]
        if resumed:
            found["resumed_after_steps"] = int(resumed[0].replace(",", ""))
        losses = [float(match[1]) for match in map(_LOSS.search, said) if match]
        if losses:
            found |= {"first_loss": losses[0], "last_loss": losses[-1]}
        return found


@dataclass(frozen=True)
class Record:
    """The runs of a file of `MemoryRecord`, in order."""

    runs: Sequence[Run]

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Reads a record; a run that was started twice is there twice."""
        runs: list[list[dict[str, Any]]] = []
        for line in map(json.loads, path.read_text("utf-8").splitlines()):
            if "command" in line:
                runs.append([])
            runs[-1].append(line)
        return cls([Run(lines[0]["run"], lines) for lines in runs])
