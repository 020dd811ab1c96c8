"""Refuses base paths that are not folders of this machine, such as those of object stores."""

import os
import re

from lstm_sentiment.errors import InvalidInputError

# TensorFlow's form of a scheme. `Path` makes one slash of two. One letter alone is a drive of
# Windows.
_URI = re.compile(r"([a-zA-Z][0-9a-zA-Z.]+):(//?)(.*)", re.DOTALL)
_FILE = "file"


def check_is_folder_path(base_path: str | os.PathLike[str], received: str | None = None) -> None:
    """Checks that a base path is a path and not a URI.

    Args:
        base_path: The base path of a `models.config` or a flag.
        received: What the message quotes; `None` for the base path.

    Raises:
        InvalidInputError: If it is a URI. The message names the remedy.
    """
    found = _URI.fullmatch(os.fspath(base_path))
    if found is None or os.path.exists(base_path):
        return
    scheme, _, rest = found.groups()
    told = f"Received: {received or f'{scheme}://{rest}'}."
    if scheme.lower() == _FILE:
        raise InvalidInputError(
            f"base_path must be a path: write /{rest.lstrip('/')} without `file:`. {told}"
        )
    raise InvalidInputError(
        "base_path must be a folder of this machine, for object stores and other file systems are "
        f"not read over the network: mount it (as a file system or a volume) or copy it. {told}"
    )
