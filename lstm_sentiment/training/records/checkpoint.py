"""Checkpoints: the whole state of a training, to continue as if it had never stopped."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError, TrainingError
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
    """Replaces the checkpoint at `path`, which stays as it was if writing fails.

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
    except OSError as error:
        kept = "The checkpoint before it is whole." if path.exists() else "There is none yet."
        raise TrainingError(f"{path}: cannot be written: {error.strerror}. {kept}") from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        InvalidInputError: If the checkpoint is missing or damaged.
    """
    try:
        with np.load(path) as stored:
            arrays: dict[str, dict[int, NDArray[Any]]] = {}
            for key in stored.files:
                name, _, index = key.partition("/")
                if index:
                    arrays.setdefault(name, {})[int(index)] = stored[key]
            values = json.loads(stored["values"].tobytes())
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path}: there is no such checkpoint.") from error
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise InvalidInputError(f"{path}: must be a whole checkpoint. It is damaged.") from error
    return Checkpoint(
        {name: [items[i] for i in sorted(items)] for name, items in arrays.items()}, values
    )
