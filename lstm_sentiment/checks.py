"""Checks of arguments, and the messages of arguments that fail.

A message gives the rule, then what arrived, then the name that was probably meant. The checks take
arguments by name, `positive(limit=limit)`. `None`, for an argument left out, passes every check but
`one_of`.
"""

import difflib
import importlib.util
import math
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

from lstm_sentiment.errors import ConfigError, InvalidInputError, MissingExtraError
from lstm_sentiment.first_bytes import START_BYTES, how_to_convert, it_is

MAX_SEED = 2**32 - 1
"""The largest seed that NumPy and TensorFlow take."""

KERAS_BACKEND = "KERAS_BACKEND"
"""The variable that names what Keras computes by; it is read when Keras is imported."""

_NO_DOCSTRINGS = 2  # of `sys.flags.optimize`
_ENOUGH_ALIKE = 0.65
_FILES_LOOKED_AT = 1_000

_TRAIN = {
    "tensorflow": "TensorFlow",
    "tensorflow_text": "tensorflow-text",
    "keras": "Keras",
    "sklearn": "scikit-learn",
    "scipy": "SciPy",
    "onnx": "onnx",
}


def positive(**arguments: object) -> None:
    """Checks that arguments are integers above 0.

    Raises:
        InvalidInputError: If an argument is not.
    """
    for name, value in arguments.items():
        if value is not None and not (_is_integer(value) and value >= 1):
            raise _refusal(name, "a positive integer", value)


def positive_or_auto(**arguments: object) -> None:
    """Checks that arguments are integers above 0, or `auto`.

    Raises:
        InvalidInputError: If an argument is not.
    """
    for name, value in arguments.items():
        if _is_integer(value):
            positive(**{name: value})
        elif value != "auto":
            raise _refusal(name, "a positive integer or 'auto'", value)


def positive_number(**arguments: float | None) -> None:
    """Checks that arguments are finite numbers above 0.

    Raises:
        InvalidInputError: If an argument is not.
    """
    for name, value in arguments.items():
        if value is not None and not 0 < value < math.inf:
            raise _refusal(name, "a positive number", value)


def positive_number_or_auto(**arguments: object) -> None:
    """Checks that arguments are `auto` or finite numbers above 0.

    Raises:
        InvalidInputError: If an argument is neither.
    """
    for name, value in arguments.items():
        if value not in (None, "auto") and not (_is_number(value) and 0 < value < math.inf):
            raise _refusal(name, "a positive number or 'auto'", value)


def positive_seconds(**arguments: float | None) -> None:
    """Checks that durations are above 0; infinity, for no limit, passes.

    Raises:
        InvalidInputError: If an argument is not.
    """
    for name, value in arguments.items():
        if value is not None and not value > 0:
            raise _refusal(name, "a positive number", value)


def at_least(minimum: float, **arguments: float | None) -> None:
    """Checks that arguments are finite numbers, not below a minimum.

    Raises:
        InvalidInputError: If an argument is not.
    """
    for name, value in arguments.items():
        if value == math.inf:
            raise _refusal(name, "finite", value)
        if value is not None and not value >= minimum:
            raise _refusal(name, f"at least {minimum}", value)


def in_range(lowest: int, highest: int, **arguments: object) -> None:
    """Checks that arguments are integers from `lowest` to `highest`.

    Raises:
        InvalidInputError: If an argument is not.
    """
    for name, value in arguments.items():
        if value is not None and not (_is_integer(value) and lowest <= value <= highest):
            raise _refusal(name, f"an integer from {lowest} to {highest}", value)


def share(**arguments: float | None) -> None:
    """Checks that arguments are shares, numbers from 0 to 1.

    Raises:
        InvalidInputError: If an argument is not.
    """
    for name, value in arguments.items():
        if value is not None and not 0 <= value <= 1:
            raise _refusal(name, "from 0 to 1", value)


def share_or_auto(**arguments: object) -> None:
    """Checks that arguments are `auto` or shares, numbers from 0 to 1.

    Raises:
        InvalidInputError: If an argument is neither.
    """
    for name, value in arguments.items():
        if value != "auto" and not (_is_number(value) and 0 <= value <= 1):
            raise _refusal(name, "from 0 to 1 or 'auto'", value)


def share_below_one(**arguments: float | None) -> None:
    """Checks that arguments, such as dropout rates, are at least 0 and below 1.

    Raises:
        InvalidInputError: If an argument is not.
    """
    for name, value in arguments.items():
        if value is not None and not 0 <= value < 1:
            raise _refusal(name, "at least 0 and below 1", value)


def one_of(choices: Iterable[object], **arguments: object) -> None:
    """Checks that arguments are among the choices.

    Raises:
        InvalidInputError: If an argument is not; the message suggests the choice most alike.
    """
    listed = list(choices)
    for name, value in arguments.items():
        if value not in listed:
            raise InvalidInputError(
                f"`{name}` must be one of: {', '.join(map(str, listed))}. "
                f"Received: {value!r}.{did_you_mean(value, listed)}"
            )


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refusal(name: str, rule: str, value: object) -> InvalidInputError:
    return InvalidInputError(f"`{name}` must be {rule}. Received: {name}={value!r}.")


def closest(given: object, choices: Iterable[object]) -> str | None:
    """Returns the choice most alike to a name, or `None` if none is alike.

    Args:
        given: The name that arrived. Case, and `-` or `_`, make no difference.
        choices: The names that are known.
    """
    by_form = {_form(choice): choice for choice in map(str, reversed(list(choices)))}
    found = difflib.get_close_matches(_form(str(given)), by_form, n=1, cutoff=_ENOUGH_ALIKE)
    return by_form[found[0]] if found and isinstance(given, str | os.PathLike) else None


def did_you_mean(given: object, choices: Iterable[object]) -> str:
    """Returns ` Did you mean 'NAME'?`, to end a message with; empty if no choice is alike.

    Args:
        given: The name that arrived.
        choices: The names that are known.
    """
    meant = closest(given, choices)
    return "" if meant is None else f" Did you mean {meant!r}?"


def unreadable(path: Path, error: Exception) -> str:
    """Returns the message for a file that cannot be read, with the file probably meant.

    Args:
        path: The file.
        error: Raised by opening or decoding the file.
    """
    hint = did_you_mean_file(path) if isinstance(error, FileNotFoundError) else ""
    is_text = not isinstance(error, UnicodeDecodeError)
    if isinstance(error, UnicodeDecodeError):
        hint = it_is(path) or f" {how_to_convert(error.object[error.start :][:START_BYTES], path)}"
    reason = (getattr(error, "strerror", None) or error) if is_text else "it is not UTF-8"
    return f"{path}: cannot be read: {reason}.{hint}"


def did_you_mean_file(path: Path) -> str:
    """Returns ` Did you mean 'PATH'?` for a path that does not exist; empty if none is alike.

    The names in the nearest folder that does exist are compared.

    Args:
        path: A path to nothing.
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


def require_train(work: str = "training") -> None:
    """Checks that the packages of the extra `train` can be imported, without importing them.

    Args:
        work: Names in the message what needs them.

    Raises:
        MissingExtraError: If one is missing.
        ConfigError: If Python leaves out docstrings, as by `PYTHONOPTIMIZE=2`.
    """
    for module, name in _TRAIN.items():
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(f"{work} needs {name}: {_how_to_get_train()}", name=module)
    if sys.flags.optimize >= _NO_DOCSTRINGS:
        raise ConfigError(
            f"{work} needs tensorflow-text, which cannot be imported without docstrings: set"
            f" PYTHONOPTIMIZE to 1 or unset it, and give Python `-O` once at most. Received:"
            f" {sys.flags.optimize}."
        )


def _how_to_get_train() -> str:
    if sys.platform == "win32":
        return "tensorflow-text has no package for Windows, so use WSL or Linux"
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return "it has no package for macOS on Intel processors, so use Linux, as in a container"
    return "pip install 'lstm-sentiment[train]'"


@contextmanager
def train_imports(work: str = "training") -> Iterator[None]:
    """Names the extra `train` where an import inside the block, or the function, lacks it.

    A Keras that is first imported there computes by TensorFlow, whatever `KERAS_BACKEND` or
    `keras.json` say for other programs. The variable is as before afterwards.

    Args:
        work: Names in the message what needs the package.

    Raises:
        MissingExtraError: In the place of the `ModuleNotFoundError` of a package of `train`.
        ConfigError: If Python leaves out the docstrings that tensorflow-text needs.
    """
    backend = os.environ.get(KERAS_BACKEND)
    os.environ[KERAS_BACKEND] = "tensorflow"
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _TRAIN:
            require_train(work)  # whichever package was asked for first, TensorFlow is named
        raise
    except TypeError:
        if sys.flags.optimize >= _NO_DOCSTRINGS:
            require_train(work)
        raise
    finally:
        if backend is None:
            os.environ.pop(KERAS_BACKEND, None)
        else:
            os.environ[KERAS_BACKEND] = backend
