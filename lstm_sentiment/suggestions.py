"""What ends an error's message where a name may have been mistyped: `Did you mean ...?`."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

_ENOUGH_ALIKE = 0.65
_FILES_LOOKED_AT = 1_000


def closest(given: object, choices: Iterable[object]) -> str | None:
    """Finds the choice that was probably meant.

    Args:
        given: What arrived. Case, and `-` or `_`, make no difference.
        choices: What could have.

    Returns:
        The choice that is most alike; `None` where none is, or `given` is no name.
    """
    by_form = {_form(choice): choice for choice in map(str, reversed(list(choices)))}
    found = difflib.get_close_matches(_form(str(given)), by_form, n=1, cutoff=_ENOUGH_ALIKE)
    return by_form[found[0]] if found and isinstance(given, str | os.PathLike) else None


def did_you_mean(given: object, choices: Iterable[object]) -> str:
    """Makes the end of a message.

    Args:
        given: What arrived.
        choices: What could have.

    Returns:
        ` Did you mean 'the closest choice'?`, with a space before it; empty where none is close.
    """
    meant = closest(given, choices)
    return "" if meant is None else f" Did you mean {meant!r}?"


def not_among(name: str, choices: Iterable[object], received: object) -> str:
    """Says that a setting is none of its choices, and which one may have been meant.

    Args:
        name: Of the setting.
        choices: What it may be.
        received: What it is.

    Returns:
        The whole message.
    """
    listed = list(choices)
    return (
        f"`{name}` must be one of: {', '.join(map(str, listed))}. "
        f"Received: {received!r}.{did_you_mean(received, listed)}"
    )


def unreadable(path: Path, error: Exception) -> str:
    """Says that a file cannot be read, and which one may have been meant.

    Args:
        path: The file.
        error: Why it cannot be read.

    Returns:
        The whole message.
    """
    hint = did_you_mean_file(path) if isinstance(error, FileNotFoundError) else ""
    is_text = not isinstance(error, UnicodeDecodeError)
    reason = (getattr(error, "strerror", None) or error) if is_text else "it is not UTF-8"
    return f"{path}: cannot be read: {reason}.{hint}"


def did_you_mean_file(path: Path) -> str:
    """Looks for what is named alike where a file or folder is missing.

    Args:
        path: Where there is nothing.

    Returns:
        As `did_you_mean`, of the nearest folder that exists.
    """
    missing = path
    while not missing.parent.is_dir():
        if missing.parent == missing:
            return ""
        missing = missing.parent
    # Names in a folder that was mistyped itself are not known: the folder is what is told.
    meant = closest(missing.name, _names(missing.parent))
    return "" if meant is None else f" Did you mean {str(missing.with_name(meant))!r}?"


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_FILES_LOOKED_AT), strict=False)]
    except OSError:
        return []
    return sorted(name for name in names if not name.startswith("."))


def _form(name: str) -> str:
    return name.casefold().replace("_", "-").lstrip("-")
