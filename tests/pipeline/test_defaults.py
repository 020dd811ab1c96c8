"""A setting has one default: of the command line, of a config and of Python's functions."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import lstm_sentiment as ls
from lstm_sentiment.pipeline.config_file import to_table
from lstm_sentiment.pipeline.overrides import setting_types

CONFIG = ls.PipelineConfig()


def defaults() -> dict[str, Any]:
    """Default of each setting by the last part of its name, of those that name one setting."""
    found: dict[str, list[Any]] = {}
    for name in setting_types():
        value: Any = CONFIG
        for part in name.split("."):
            value = getattr(value, part)
        found.setdefault(name.rpartition(".")[2], []).append(value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def public_parameters() -> Iterator[tuple[str, inspect.Parameter]]:
    for name in sorted(ls.__all__):
        thing = getattr(ls, name)
        if inspect.isfunction(thing):
            parameters = inspect.signature(thing).parameters.values()
            yield from ((name, parameter) for parameter in parameters)


def test_public_functions_have_the_defaults_of_the_command_line() -> None:
    known, differ = defaults(), []
    # The texts that are computed at once, not those of a training step.
    del known["batch_size"]
    for name, parameter in public_parameters():
        given = parameter.default
        # `None` stands for the defaults of a whole config.
        if given in (inspect.Parameter.empty, None) or parameter.name not in known:
            continue
        if str(given) != str(known[parameter.name]):
            differ.append(f"{name}({parameter}), not {known[parameter.name]!r}")
    assert not differ


@pytest.mark.parametrize("section", ["model", "training", "vector_training"])
def test_a_part_of_a_config_has_the_same_defaults_alone(section: str) -> None:
    part = getattr(CONFIG, section)
    assert to_table(type(part)()) == to_table(part)
