"""Reading of `.npz` files, whose checksums are compared with their content."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
