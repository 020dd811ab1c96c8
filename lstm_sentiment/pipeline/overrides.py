"""Settings that replace those of a config: defaults, then a preset, then a file, then flags."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

from lstm_sentiment.checks import one_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.ranges import Rule, declared_rules

Config = TypeVar("Config")

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "fast": {
            "training": {"least_steps": 500, "least_epochs": 5},
            "vector_training": {"dim": 100, "characters": False},
        },
        "accurate": {
            "own_vectors": True,
            "model": {"members": 3},
            "vector_training": {"least_epochs": 10},
        },
    }
)
"""The settings of each preset that differ from the defaults, nested as in a config file."""


def with_overrides(config: Config, overrides: Mapping[str, Any]) -> Config:
    """Returns a config with some of its settings replaced.

    Args:
        config: Any of the config dataclasses.
        overrides: New values by field name; for a field that is itself a config, a mapping of its
            own. Other settings keep their values.

    Raises:
        InvalidInputError: If a value breaks its rule. A message that begins with a setting's name
            gives the name with its section, as in `training.epochs`.
    """
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"`config` must be a dataclass instance. Received: {config!r}.")
    changes = dict(overrides)
    for name, value in overrides.items():
        if isinstance(value, Mapping) and is_dataclass(getattr(config, name)):
            try:
                changes[name] = with_overrides(getattr(config, name), value)
            except InvalidInputError as error:
                message = re.sub(r"^`([\w.]+)`", rf"`{name}.\1`", str(error))
                raise InvalidInputError(message) from error
    return replace(config, **changes)


def preset_config(name: str) -> PipelineConfig:
    """Returns the defaults with the settings of a preset.

    Raises:
        InvalidInputError: If there is no preset of this name.
    """
    one_of(PRESETS, preset=name)
    return with_overrides(PipelineConfig(), PRESETS[name])


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Converts values by dotted name to the nested form that `with_overrides` takes.

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


def setting_types(kind: type[Any] = PipelineConfig, prefix: str = "") -> dict[str, Any]:
    """Returns the type of every setting of a config, those of nested configs included.

    Returns:
        Type hints by dotted name, in the order of the fields.
    """
    types: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and isinstance(hint, type):
            types |= setting_types(hint, f"{prefix}{name}.")
        else:
            types[prefix + name] = hint
    return types


def full_setting_names() -> dict[str, str]:
    """Returns the dotted name of each setting by itself, and by its last part if that is unique."""
    settings = [*setting_types()]
    short = Counter(setting.rpartition(".")[2] for setting in settings)
    unique = (one for one in settings if short[one.rpartition(".")[2]] == 1)
    return {one: one for one in settings} | {one.rpartition(".")[2]: one for one in unique}


def setting_rules(kind: Any = PipelineConfig, prefix: str = "") -> dict[str, Rule]:
    """Returns the rules of settings that have one, by dotted name, in the order of the fields."""
    rules: dict[str, Rule] = {}
    own = declared_rules(kind)
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and isinstance(hint, type):
            rules |= setting_rules(hint, f"{prefix}{name}.")
        elif name in own:
            rules[prefix + name] = own[name]
    return rules
