"""Settings laid over a config: defaults, then a preset, then a file, then flags."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.presets import check_preset

Config = TypeVar("Config")


def with_overrides(config: Config, overrides: Mapping[str, Any]) -> Config:
    """A config with some of its settings replaced.

    Args:
        config: Any of the config dataclasses.
        overrides: New values by field name; for a field that is itself a config, a mapping of its
            own. What is not named stays.

    Returns:
        A new config, which has checked itself.

    Raises:
        InvalidInputError: If a value breaks its rule. A message that begins with a setting's name
            gives it with its section, as in `training.epochs`.
    """
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"`config` must be a dataclass instance. Received: {config!r}.")
    changes = dict(overrides)
    for name, value in overrides.items():
        if isinstance(value, Mapping):
            try:
                changes[name] = with_overrides(getattr(config, name), value)
            except InvalidInputError as error:
                message = re.sub(r"^`([\w.]+)`", rf"`{name}.\1`", str(error))
                raise InvalidInputError(message) from error
    return replace(config, **changes)


def preset_config(name: str) -> PipelineConfig:
    """The defaults, but for what a preset sets.

    Raises:
        InvalidInputError: If there is no such preset.
    """
    return with_overrides(PipelineConfig(), check_preset(name))


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name as `with_overrides` takes them.

    `{"seed": 1, "model.dropout": 0.1}` becomes `{"seed": 1, "model": {"dropout": 0.1}}`.
    """
    tables: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        table = tables
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return tables


def setting_names(kind: type[Any] = PipelineConfig, prefix: str = "") -> Iterator[str]:
    """Every setting of a config and of those inside it, by dotted name."""
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and isinstance(hint, type):
            yield from setting_names(hint, f"{prefix}{name}.")
        else:
            yield prefix + name
