"""Reading of `.npz` files, whose checksums are compared with their content."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.system import write_whole

_CONTENT = "sha256"
_VALUES_AT_ONCE = 2**20


class DamagedFileError(Exception):
    """A file that is there and does not hold what was written."""


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Reads all arrays of an `.npz` file into memory.

    Each array has a CRC-32 in the file, which is compared with what was read.

    Raises:
        FileNotFoundError: If there is no such file.
        DamagedFileError: If the file cannot be read or is not as it was written.
    """
    try:
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise
    except Exception as error:
        # NumPy and `zipfile` raise nearly anything for damaged headers.
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise DamagedFileError(f"{path}: {reason}") from error


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays, and a SHA-256 of them, as a whole or not at all; makes the folder.

    Raises:
        OSError: If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    named: dict[str, Any] = {**arrays, _CONTENT: np.frombuffer(_digest(arrays), np.uint8)}
    with write_whole(path) as file:
        np.savez(file, **named)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Reads all arrays that `write_arrays` has written, and compares their SHA-256.

    Raises:
        FileNotFoundError: If there is no such file.
        DamagedFileError: If the file cannot be read, or another program changed an array in it.
    """
    arrays = load_arrays(path)
    content = arrays.pop(_CONTENT, None)
    if content is None or content.tobytes() != _digest(arrays):
        raise DamagedFileError(f"{path}: the arrays are not those that were written")
    return arrays


def _digest(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        flat = array.reshape(-1)
        for start in range(0, len(flat), _VALUES_AT_ONCE):
            digest.update(flat[start : start + _VALUES_AT_ONCE].tobytes())
    return digest.digest()
