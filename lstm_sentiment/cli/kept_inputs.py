"""Refuses command lines whose result would take the place of a file that they read."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError

if TYPE_CHECKING:
    from typer.core import TyperGroup

WRITTEN = ("output", "output_file", "page", "html")
"""Parameters of files that a command writes anew, by name; `vectors convert` checks its own."""

_STANDARD_STREAM = Path("-")
"""Stands for standard input and for standard output, which are two."""

# `tune --config a.toml --output a.toml` is asked for: settings take the place of settings.
_MAY_BE_WRITTEN = frozenset({"config"})


def keep_inputs(command: "TyperGroup") -> None:
    """Makes every command below this one refuse to write over a file that it was given to read."""
    for below in getattr(command, "commands", {}).values():
        keep_inputs(below)
    if not hasattr(command, "commands") and command.callback is not None:
        command.callback = _keeping(command.callback, _flags(command.params))


def check_kept(given: Mapping[str, Any], flags: Mapping[str, str]) -> None:
    """Checks that no file to write is one to read, or another one to write.

    Args:
        given: Values by name of the parameter.
        flags: What is typed for a parameter, by its name.

    Raises:
        InvalidInputError: If one is.
    """
    for place, name in enumerate(WRITTEN):
        path = given.get(name)
        if not isinstance(path, Path):
            continue
        for other, value in given.items():
            if other in (*_MAY_BE_WRITTEN, *WRITTEN[: place + 1]):
                continue
            if any(_is_same(path, one) for one in _paths(value)):
                raise InvalidInputError(
                    f"`{flags.get(name, name)}` must be another file than "
                    f"`{flags.get(other, other)}`. Received: {path} for both."
                )


def _keeping(callback: Callable[..., Any], flags: Mapping[str, str]) -> Callable[..., Any]:
    @wraps(callback)
    def called(*args: Any, **given: Any) -> Any:
        check_kept(given, flags)
        return callback(*args, **given)

    return called


def _flags(options: Sequence[Any]) -> dict[str, str]:
    return {
        option.name: option.opts[0] if option.opts[0].startswith("-") else option.display_name_raw
        for option in options
    }


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, list | tuple):
        yield from (one for one in value if isinstance(one, Path))


def _is_same(path: Path, other: Path) -> bool:
    if path == _STANDARD_STREAM:
        return False
    with suppress(OSError, ValueError):
        if path.exists() and not path.is_file():  # /dev/null, /dev/stdout
            return False
        if other.exists():
            return os.path.samefile(path, other)
    # Of two that are still missing, the one would take the place of the other.
    return os.path.abspath(path) == os.path.abspath(other)
