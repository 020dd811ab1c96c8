"""One configuration of a training, measured in processes of its own."""

import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lstm_sentiment.training.config import StrategyName
from lstm_sentiment.training.workers.launcher import launch

ROUNDS = 3
"""How often each batch is timed, after a round that warms up."""

Trainer = Literal["ours", "keras", "keras, batches by length", "keras as released"]


@dataclass(frozen=True)
class Run:
    """A training to measure.

    Attributes:
        trainer: `ours`, or Keras' `fit` on the texts as they come, or on our batches of texts of
            like length; `as released`, without what it takes to run under several workers.
        batches: Texts a step, over all replicas; each is measured anew.
        steps: Different batches of each size.
        strategy: As `TrainingConfig` takes.
        workers: Processes.
        logical_devices: As `TrainingConfig` takes.
        one_core_each: Whether worker N computes on the N-th core alone, or each on all.
    """

    trainer: Trainer
    batches: tuple[int, ...]
    steps: int
    strategy: StrategyName = "default"
    workers: int = 1
    logical_devices: int | None = None
    one_core_each: bool = True

    @classmethod
    def from_json(cls, text: str) -> "Run":
        """What `to_json` gave."""
        values = json.loads(text)
        return cls(**{**values, "batches": tuple(values["batches"])})

    def to_json(self) -> str:
        """For a worker."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class AllReduce:
    """What the replicas have to say to each other in one step.

    Attributes:
        size_bytes: Of all gradients and sums, which are added up over the replicas.
        seconds: How long that takes.
        empty_seconds: How long it takes for one number.
    """

    size_bytes: int
    seconds: float
    empty_seconds: float


@dataclass(frozen=True)
class Timing:
    """How fast one batch size is trained on.

    Attributes:
        batch: Texts a step, over all replicas.
        step_seconds: Mean over the batches of the median time of each.
        tokens: Real tokens a step, on average.
        padding_share: Of the time steps computed, the share that is padding, from 0 to 1.
        all_reduce: `None` where one replica trains alone, and for Keras.
    """

    batch: int
    step_seconds: float
    tokens: float
    padding_share: float
    all_reduce: AllReduce | None = None

    @property
    def tokens_per_second(self) -> float:
        """Real tokens a second; padding does not count."""
        return self.tokens / self.step_seconds


class RunFailedError(Exception):
    """A worker could not train; the text is its error."""


def cores() -> list[int]:
    """The numbers of the cores that this process may compute on."""
    if not hasattr(os, "sched_getaffinity"):
        raise SystemExit("error: processes can be held to cores on Linux only.")
    return sorted(os.sched_getaffinity(0))


def measure(run: Run) -> list[Timing]:
    """Starts the workers of a run and waits for what the chief reports.

    Returns:
        One timing for each batch size.

    Raises:
        RunFailedError: If the trainer raised an error, or a worker ended without a word.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "benchmarks.scaling.worker", run.to_json(), str(report)]
        code = launch(command, workers=run.workers)
        if not report.is_file():
            raise RunFailedError(f"the workers ended with exit code {code} and no report")
        found: Any = json.loads(report.read_text("utf-8"))
    if "error" in found:
        raise RunFailedError(found["error"])
    return [_timing(values) for values in found["timings"]]


def _timing(values: dict[str, Any]) -> Timing:
    said = values.pop("all_reduce")
    return Timing(**values, all_reduce=None if said is None else AllReduce(**said))


def report(name: str, **facts: object) -> None:
    """Prints one line."""
    print(json.dumps({"benchmark": "scaling", "name": name, **facts}), flush=True)


def report_timing(name: str, timing: Timing, other: Timing, against: str) -> None:
    """Prints one line about a timing, compared by real tokens a second."""
    facts: dict[str, object] = {
        "per_second": round(timing.tokens_per_second),
        "ratio": round(timing.tokens_per_second / other.tokens_per_second, 2),
        "against": against,
        "against_per_second": round(other.tokens_per_second),
        "steps_per_second": round(1 / timing.step_seconds, 2),
        "texts_per_second": round(timing.batch / timing.step_seconds, 1),
        "batch": timing.batch,
        "padding_share": round(timing.padding_share, 3),
    }
    said = timing.all_reduce
    if said is not None:
        facts |= {
            "communication_share": round(said.seconds / timing.step_seconds, 3),
            "all_reduce_seconds": round(said.seconds, 5),
            "bytes_per_step": said.size_bytes,
        }
    report(name, **facts)
