"""Files that appear as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def write_whole(path: Path) -> Iterator[BinaryIO]:
    """Opens a file beside `path` that takes its place when it is complete and on the disk.

    Where writing fails, what was at `path` stays as it was.

    Args:
        path: A file in an existing folder.

    Raises:
        OSError: If it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
