"""What must be true of trainings on a GPU and on a CPU."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

import lstm_sentiment as ls
from benchmarks.gpu.training import SCORED, Outcome, Training, corpora

LOSS_TOLERANCE, PROBABILITY_TOLERANCE = 1e-3, 1e-4
_NO_GPU = "-1"  # for CUDA_VISIBLE_DEVICES

Verdict = tuple[bool, dict[str, object]]
"""Whether a check has passed, and what its line says beside that."""


class Checks:
    """Runs checks, prints a line for each, and remembers whether all passed.

    Attributes:
        passed: Whether all did, so far.
    """

    def __init__(self, folder: Path) -> None:
        """Takes an empty folder for what is trained."""
        self.passed = True
        self._folder = folder
        self._trained = 0

    def add(self, name: str, check: Callable[[], Verdict]) -> None:
        """Runs one and prints a line; one that raises an error has failed."""
        try:
            passed, facts = check()
        except (RuntimeError, ls.LstmSentimentError) as error:
            passed, facts = False, {"error": str(error)}
        self.passed &= passed
        report(name, passed=passed, **facts)

    def trained(self, where: str, training: Training) -> Outcome | None:
        """The outcome of a training in a process of its own; `None`, a failed check, of none."""
        self._trained += 1
        folder = self._folder / str(self._trained)
        folder.mkdir()
        try:
            hidden = training.strategy == "default"
            _run("train", json.dumps(asdict(training)), folder, hide_gpus=hidden)
        except RuntimeError as error:
            self.passed = False
            report(f"{where}: training", passed=False, error=str(error))
            return None
        return Outcome(**json.loads((folder / "outcome.json").read_text("utf-8")))


def compare_losses(ours: Sequence[float], expected: Sequence[float]) -> Verdict:
    """Whether all losses agree."""
    largest = float(np.max(np.abs(np.subtract(ours, expected))))
    facts = {"largest_difference": largest, "tolerance": LOSS_TOLERANCE, "losses": list(ours)}
    return largest <= LOSS_TOLERANCE, facts


def compare_scores(outcome: Outcome, training: Training, folder: Path) -> Verdict:
    """Whether the version gives, without a GPU, what the trained model gave.

    Args:
        outcome: Names the version.
        training: What it is the outcome of.
        folder: For files on the way.

    Raises:
        RuntimeError: If it cannot be loaded or asked.
    """
    texts, probabilities = folder / "texts.json", folder / "probabilities.json"
    texts.write_text(json.dumps(corpora(training)[1].texts[:SCORED]), "utf-8")
    _run("score", outcome.version_dir, texts, probabilities, hide_gpus=True)
    found = json.loads(probabilities.read_text("utf-8"))
    largest = float(np.max(np.abs(np.subtract(found, outcome.probabilities))))
    facts: dict[str, object] = {"largest_difference": largest, "tolerance": PROBABILITY_TOLERANCE}
    return largest <= PROBABILITY_TOLERANCE, facts


def cudnn_trains(ops: Sequence[str]) -> Verdict:
    """Whether these ops are those of cuDNN's LSTM and of its gradient."""
    both_ways = any("Backprop" in op for op in ops) and any("Backprop" not in op for op in ops)
    return both_ways, {"ops": list(ops)}


def no_cudnn(ops: Sequence[str]) -> Verdict:
    """Whether there are no such ops."""
    return not ops, {"ops": list(ops)}


def losses_fall(losses: Sequence[float]) -> Verdict:
    """Whether all are numbers, and the last is lower than the first."""
    return bool(np.isfinite(losses).all()) and losses[-1] < losses[0], {"losses": list(losses)}


def _run(command: str, *arguments: object, hide_gpus: bool) -> None:
    """Runs one of the commands above in a process of its own.

    Raises:
        RuntimeError: If it fails; the text is the last line that it said.
    """
    environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    if hide_gpus:
        environment["CUDA_VISIBLE_DEVICES"] = _NO_GPU
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", command, *map(str, arguments)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    sys.stderr.write(done.stderr)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"{command} ended with exit code {done.returncode}: {lines[-1]}")


def report(name: str, **facts: object) -> None:
    """Prints one line."""
    print(json.dumps({"benchmark": "gpu", "name": name, **facts}), flush=True)
