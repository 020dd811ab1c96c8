"""A training of more text than memory holds, killed in the middle and resumed."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.scale.memory import MemoryRecord

SETTINGS = (
    *("--preset", "fast", "--epochs", "1", "--batch-size", "256", "--max-length", "32"),
    *("--set", "streaming=true", "--set", "model.lstm_units=32"),
    *("--set", "vector_training.epochs=1", "--set", "vector_training.most_characters=40000000"),
)
"""A small model, so that an epoch ends on one thread."""

_CLI = Path(__file__).parents[2] / "cli.py"
_CHECKPOINT = Path("checkpoints") / "last.npz"


def train_with_a_kill(
    record: MemoryRecord, texts: Path, work: Path, kill_at_step: int, settings: Sequence[str]
) -> bool:
    """Trains on a folder of texts; returns whether the resumed run has ended well.

    Args:
        record: Memory and messages of both parts, `fit` and `fit --resume`.
        texts: Folder of labelled texts.
        work: Folder for the run and the versions.
        kill_at_step: The run is killed once a checkpoint holds so many steps.
        settings: Flags of `fit`.
    """
    run_dir = work / "runs" / "scale"
    fit = [sys.executable, str(_CLI), "fit"]
    paths = ["--run-dir", str(run_dir), "--model-dir", str(work / "models" / "sentiment")]

    def is_far_enough() -> bool:
        return steps_of(run_dir) >= kill_at_step

    environment = one_thread()
    if not steps_of(run_dir):
        first = [*fit, str(texts), *settings, *paths]
        ended = record.watch("fit", first, environment=environment, is_time_to_kill=is_far_enough)
        if ended.exit_code >= 0:
            return False
    resumed = [*fit, "--resume", str(run_dir)]
    return record.watch("fit --resume", resumed, environment=environment).exit_code == 0


def train(record: MemoryRecord, name: str, data: Path, work: Path, flags: Sequence[str]) -> bool:
    """Trains in a new folder below `work`, which is deleted; returns whether that ended well.

    Args:
        record: Memory and messages.
        name: Of the run in the record.
        data: Labelled texts.
        work: An existing folder.
        flags: More flags of `fit`.
    """
    with TemporaryDirectory(dir=work) as folder:
        # The cache of word vectors is beside the run's folder, so each run has its own.
        paths = ["--run-dir", f"{folder}/runs/1", "--model-dir", f"{folder}/models/sentiment"]
        command = [sys.executable, str(_CLI), "fit", str(data), *flags, *paths]
        return record.watch(name, command).exit_code == 0


def steps_of(run_dir: Path) -> int:
    """Returns the number of steps in a run's last checkpoint; 0 before there is one."""
    try:
        # The archive's other members, the weights, are not read.
        with np.load(run_dir / _CHECKPOINT) as stored:
            return int(json.loads(stored["values"].tobytes())["step"])
    except FileNotFoundError:
        return 0


def one_thread() -> Mapping[str, str]:
    """Returns the environment of a process that computes on one thread."""
    threads = (
        *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    )
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **dict.fromkeys(threads, "1")}
