"""Reads and writes `PipelineConfig` as a TOML file; imports no TensorFlow.

The fields of `PipelineConfig` are at the top level of the file, those of the nested configs in the
tables `[model]`, `[training]` and `[vector_training]`. Pydantic checks each value against the type
of its field, so a new field needs no line here.
"""

import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import tomli_w

from lstm_sentiment.checks import closest, did_you_mean, unreadable
from lstm_sentiment.compressed import read_whole
from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, not_utf8, recognize
from lstm_sentiment.pipeline.config import PathLike, PipelineConfig
from lstm_sentiment.pipeline.overrides import preset_config, setting_types, with_overrides
from lstm_sentiment.system import write_whole
from lstm_sentiment.training.config import AutoInteger, AutoNumber, CrossValidation

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

_PRESET = "preset"
_HEADER = "# All settings of one run; `fit --config FILE` takes them again.\n"
# By the names that pydantic gives its errors.
_RULES = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "an integer",
    "float_type": "a number",
    "list_type": "a list of paths",
}
_LONGEST_SHOWN = 60


def load_config(path: str | os.PathLike[str], base: PipelineConfig | None = None) -> PipelineConfig:
    """Reads a config file.

    Relative paths in the file are resolved against the working folder, as those of flags are, not
    against the folder of the file.

    Args:
        path: TOML, in UTF-8. The line `preset = "accurate"` loads that preset first.
        base: Values of the settings that the file leaves out. `None` takes those of the file's
            preset, or the defaults.

    Raises:
        ConfigError: If the file cannot be read, is not TOML, or a setting is unknown, has the
            wrong type or breaks its rule. The message names file and setting.
    """
    path = Path(path)
    values = _read_toml(path)
    try:
        preset = _checked(values.pop(_PRESET, None), str | None, _PRESET)
        start = PipelineConfig() if preset is None else preset_config(preset)
        settings = _checked_table(PipelineConfig, values)
        return with_overrides(start if base is None else base, settings)
    except InvalidInputError as error:
        # The dataclasses quote names as code; messages about a file name them plainly.
        message = re.sub(r"^`([\w.]+)`", r"\1", str(error))
        raise ConfigError(f"{path}: {message}") from error


def save_config(config: PipelineConfig, path: str | os.PathLike[str]) -> None:
    """Writes a config file that `load_config` reads back as the same config.

    The file holds every setting that is not `None`, defaults included. The file is replaced as a
    whole or not at all.

    Raises:
        ConfigError: If the file cannot be written.
    """
    path, text = Path(path), config_text(config)
    try:
        with write_whole(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}.") from error
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{path}: each setting must be valid Unicode. Received: the character "
            f"{error.object[error.start]!a}."
        ) from error


def config_text(config: PipelineConfig) -> str:
    """Returns the content of a config file with every setting that is not `None`."""
    return _HEADER + tomli_w.dumps(to_table(config))


def parse_setting(name: str, text: str) -> Any:
    """Reads one setting as it is typed after `NAME=`, by the rules of a config file.

    Args:
        name: The dotted name, as in `training.epochs`.
        text: A value as in TOML; a string or a path also without quotes, and one path for a list
            of one.

    Raises:
        InvalidInputError: If the value has the wrong type. Rules that a whole config must keep are
            left to `with_overrides`.
    """
    hint = setting_types()[name]
    errors = []
    for value in _readings(text):
        try:
            return _checked(value, hint, f"`{name}`")
        except InvalidInputError as error:
            errors.append(error)
    raise errors[0]


def _readings(text: str) -> Iterator[Any]:
    """Yields the values that typed text may stand for, the likeliest first."""
    with suppress(ValueError, RecursionError):  # integers of thousands of digits are ValueErrors
        table = tomllib.loads(f"value = {text}")
        yield from table.values() if len(table) == 1 else ()
    yield text
    for number in (int, float):  # also as Python writes them: `.5`, `007`
        with suppress(ValueError):
            yield number(text)
    if not text.startswith("["):
        yield [text]


def to_table(config: Any) -> dict[str, Any]:
    """Returns the settings of a config by name, as TOML holds them, without `None` values."""
    return {
        field.name: _to_toml(value)
        for field in fields(config)
        if (value := getattr(config, field.name)) is not None
    }


def _to_toml(value: Any) -> Any:
    if is_dataclass(value):
        return to_table(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_to_toml(item) for item in value]
    return value


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        content = read_whole(path)
    except OSError as error:
        raise ConfigError(unreadable(path, error)) from error
    kind = recognize(content[:START_BYTES])
    if kind is not None:
        raise ConfigError(f"{path}: must be TOML in UTF-8. Received: {kind.told(path)}.")
    try:
        text = content.decode("utf-8-sig")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError(not_utf8(path, error)) from error
    except tomllib.TOMLDecodeError as error:
        # Before Python 3.14 only the message has the line: "... (at line 3, column 7)".
        place = re.search(r"\(at line (\d+)", str(error))
        line = int(place[1]) if place else max(1, len(text.splitlines()))
        raise ConfigError(f"{path}:{line}: must be TOML: {error}.") from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        raise ConfigError(f"{path}: an integer must have fewer digits.") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: must be TOML: brackets are nested too deeply.") from error


def _checked_table(kind: type[Any], values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    hints = get_type_hints(kind)
    for name in values:
        if name not in hints:
            raise InvalidInputError(_unknown(name, prefix, list(hints)))
    return {name: _checked(value, hints[name], prefix + name) for name, value in values.items()}


def _checked(value: Any, hint: Any, key: str) -> Any:
    """Returns one value as its field holds it.

    Raises:
        InvalidInputError: If TOML gave another type than `hint`.
    """
    from pydantic import ValidationError

    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise InvalidInputError(_expected(key, "a table", value))
        return _checked_table(hint, value, f"{key}.")
    try:
        return _type_check(hint).validate_python(value)
    except ValidationError as error:
        raise InvalidInputError(_wrong_type(key, error)) from error


@cache
def _type_check(hint: Any) -> "TypeAdapter[Any]":
    from pydantic import AfterValidator, BeforeValidator, ConfigDict, PlainValidator, TypeAdapter

    path = Annotated[Any, PlainValidator(_as_path)]
    # TOML has no paths and no tuples, and its integers have no bounds.
    in_toml = {
        PathLike: path,
        PathLike | None: path | None,
        Sequence[PathLike]: Annotated[list[path], AfterValidator(tuple)],
        PathLike | Sequence[PathLike] | None: Annotated[Any, PlainValidator(_as_paths)],
        float: Annotated[float, BeforeValidator(_as_float)],
        AutoInteger: Annotated[Any, PlainValidator(_as_auto_integer)],
        CrossValidation: Annotated[Any, PlainValidator(_as_folds)],
        AutoNumber: Annotated[Any, PlainValidator(_as_auto_number)],
    }
    return TypeAdapter(in_toml.get(hint, hint), config=ConfigDict(strict=True))


def _as_path(value: Any) -> Path:
    from pydantic_core import PydanticCustomError

    if not isinstance(value, str) or not value or "\0" in value:
        raise PydanticCustomError("path", "a path")
    return Path(value)


def _as_paths(value: Any) -> Path | tuple[Path, ...]:
    """Returns a path, or several; of a list of one, the path alone."""
    if not isinstance(value, list):
        return _as_path(value)
    paths = tuple(map(_as_path, value))
    return paths[0] if len(paths) == 1 else paths


def _as_folds(value: Any) -> Any:
    from pydantic_core import PydanticCustomError

    if value not in ("auto", "off") and type(value) is not int:
        raise PydanticCustomError("folds", "'auto', 'off' or a number of folds")
    return value


def _as_auto_integer(value: Any) -> Any:
    from pydantic_core import PydanticCustomError

    if value != "auto" and type(value) is not int:
        raise PydanticCustomError("auto_integer", "an integer or 'auto'")
    return value


def _as_auto_number(value: Any) -> Any:
    from pydantic_core import PydanticCustomError

    if value != "auto" and type(value) not in (int, float):
        raise PydanticCustomError("auto_number", "a number or 'auto'")
    return value if value == "auto" else _as_float(value)


def _as_float(value: Any) -> Any:
    try:
        return float(value) if type(value) is int else value
    except OverflowError:
        return math.inf


def _wrong_type(key: str, error: "ValidationError") -> str:
    """Words the first error that pydantic found in a value."""
    first, hint = error.errors(include_url=False)[0], ""
    if first["type"] == "literal_error":
        choices = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        rule = f"one of: {', '.join(choices)}"
        hint = did_you_mean(first["input"], choices)
    else:
        rule = _RULES.get(first["type"], first["msg"].removeprefix("Input should be "))
    place = "".join(f"[{index}]" for index in first["loc"])
    return _expected(key + place, rule, first["input"]) + hint


def _expected(key: str, what: str, value: Any) -> str:
    return f"{key} must be {what}. Received: {_shown(value)}."


def _shown(value: Any) -> str:
    """Returns a value as TOML spells it, shortened."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str | int | float | list) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _unknown(name: str, prefix: str, choices: list[str]) -> str:
    """Words the error of an unknown setting, with the closest name that exists."""
    where = f"[{prefix[:-1]}]" if prefix else "the top level"
    if not prefix:
        choices = [_PRESET, *choices]
    return (
        f"settings of {where} must be among: {', '.join(choices)}. "
        f"Received: {_shown(prefix + name)}.{_hint(name, prefix, choices)}"
    )


def _hint(name: str, prefix: str, choices: list[str]) -> str:
    """Returns a suggestion: the closest setting of this table, or else of another."""
    elsewhere = {key.rpartition(".")[2]: key for key in reversed([*setting_types()])}
    here = {choice: prefix + choice for choice in choices}
    for names in (here, elsewhere):
        if match := closest(name, names):
            return f" Did you mean {names[match]}?"
    return ""
