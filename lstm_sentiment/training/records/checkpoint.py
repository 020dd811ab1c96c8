"""Checkpoints: the whole state of a training, to continue as if it had never stopped."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.array_files import DamagedFileError, load_arrays
from lstm_sentiment.errors import InvalidInputError, TrainingError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.system import write_whole

Arrays = Mapping[str, Sequence[NDArray[Any]]]


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps.

    Attributes:
        arrays: Lists of arrays by name, such as the variables of model and optimizer.
        values: All other state, as JSON holds it.
    """

    arrays: Arrays
    values: Mapping[str, Any]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes a checkpoint; the one that is at `path` becomes that before it, see `load_last`.

    Where writing fails, both stay as they were.

    Raises:
        TrainingError: If the file cannot be written.
    """
    flat: dict[str, Any] = {
        f"{name}/{index}": array
        for name, arrays in checkpoint.arrays.items()
        for index, array in enumerate(arrays)
    }
    flat["values"] = np.frombuffer(json.dumps(dict(checkpoint.values)).encode(), np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            np.savez(file, **flat)
            file.flush()
            os.fsync(file.fileno())
            # Where the process is killed now, `load_last` finds the one before.
            with suppress(FileNotFoundError):
                os.replace(path, before(path))
    except OSError as error:
        kept = "The checkpoint before it is whole." if path.exists() else "There is none yet."
        raise TrainingError(f"{path}: cannot be written: {error.strerror}. {kept}") from error


def before(path: Path) -> Path:
    """Returns where the checkpoint before the one at `path` is: `last.before.npz`."""
    return path.with_name(f"{path.stem}.before{path.suffix}")


def has_checkpoint(path: Path) -> bool:
    """Returns whether there is a checkpoint at `path`, or the one before."""
    return path.exists() or before(path).exists()


def load_last(path: Path, progress: Progress = SILENT) -> Checkpoint:
    """Reads the checkpoint at `path`, or the one before it where that one is damaged.

    Args:
        path: The checkpoint.
        progress: Receives a line if the one before is taken in the place of a damaged one.

    Raises:
        InvalidInputError: If neither can be read; the message contains what to do.
    """
    try:
        return load_checkpoint(path)
    except InvalidInputError as error:
        try:
            found = load_checkpoint(before(path))
        except InvalidInputError:
            if not path.exists():
                raise error from None
            raise InvalidInputError(
                f"{error} Delete {path.parent}, and the run starts again at its first step."
            ) from error
        if path.exists():
            progress.say(f"{path} is damaged: the run goes on from the checkpoint before it")
        return found


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        InvalidInputError: If the checkpoint is missing or damaged.
    """
    arrays: dict[str, dict[int, NDArray[Any]]] = {}
    try:
        stored = load_arrays(path)
        values = json.loads(stored.pop("values").tobytes())
        for key, array in stored.items():
            name, _, index = key.partition("/")
            arrays.setdefault(name, {})[int(index)] = array
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path}: there is no such checkpoint.") from error
    except (DamagedFileError, ValueError, KeyError) as error:
        raise InvalidInputError(f"{path}: must be a whole checkpoint. It is damaged.") from error
    return Checkpoint(
        {name: [items[i] for i in sorted(items)] for name, items in arrays.items()}, values
    )
