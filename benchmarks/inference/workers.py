"""Engines in processes of their own, of which one computes at a time.

Their pools of threads go on looking for work for a while after each call, so two engines in one
process disturb each other.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inference.cases import Case
from benchmarks.inference.engines import ENGINES
from benchmarks.inference.files import Sizes

_FEWEST_CALLS = 5
_PROCESSES = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class _Timed:
    """Asks for the median of the seconds that a call of a case takes."""

    case: int
    seconds: float


class Worker:
    """An engine in a process of its own."""

    def __init__(self, engine: str, folder: Path, cases: Sequence[Case]) -> None:
        """Starts the process; goes on while it loads.

        Args:
            engine: One of `ENGINES`.
            folder: What `write_models` wrote.
            cases: What it will be asked.
        """
        self.engine = engine
        self._ours, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(
            target=_work, args=(theirs, engine, folder, cases), daemon=True
        )
        self._process.start()
        theirs.close()

    def wait(self) -> None:
        """Returns when the engine is loaded."""
        self._received()

    def logits(self, case: int) -> list[NDArray[np.float32]]:
        """What it answers to each batch of a case; calls twice, so nothing is left to be made."""
        self._ours.send(case)
        answers: list[NDArray[np.float32]] = self._received()
        return answers

    def seconds(self, case: int, seconds: float) -> float:
        """The median of what calls of a case take, made for so many seconds."""
        self._ours.send(_Timed(case, seconds))
        return float(self._received())

    def stop(self) -> None:
        """Ends the process."""
        self._ours.close()
        self._process.join()

    def _received(self) -> Any:
        try:
            received = self._ours.recv()
        except EOFError:
            raise SystemExit(f"error: {self.engine}: its process ended.") from None
        if isinstance(received, Exception):
            raise SystemExit(f"error: {self.engine}: {received}")
        return received


def write_models(sizes: Sizes, folder: Path) -> None:
    """Writes what the engines load, in a process of its own: this one never computes."""
    process = _PROCESSES.Process(target=_write_models, args=(sizes, folder))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("error: the models could not be written.")


def _write_models(sizes: Sizes, folder: Path) -> None:
    from benchmarks.inference import models

    models.write_models(sizes, folder)


def _work(connection: Connection, engine: str, folder: Path, cases: Sequence[Case]) -> None:
    """What a worker does until its pipe is closed."""
    try:
        loaded = ENGINES[engine].load(folder)
        taken = [[loaded.take(batch) for batch in case.batches] for case in cases]
        connection.send(None)
        while True:
            asked = connection.recv()
            if isinstance(asked, _Timed):
                connection.send(_median_seconds(loaded.answer, taken[asked.case], asked.seconds))
            else:
                for _ in range(2):
                    answers = [np.asarray(loaded.answer(batch)) for batch in taken[asked]]
                connection.send(answers)
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        connection.send(RuntimeError(f"{type(error).__name__}: {error}"))


def _median_seconds(
    answer: Callable[[Any], object], batches: Sequence[Any], seconds: float
) -> float:
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < _FEWEST_CALLS or time.perf_counter() < end:
        batch = batches[len(taken) % len(batches)]
        started = time.perf_counter()
        answer(batch)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
