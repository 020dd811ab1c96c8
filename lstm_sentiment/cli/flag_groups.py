"""Groups of flags that several commands share: a dataclass whose fields are flags."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def takes_flag_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Converts a command with flag groups to one with a parameter for each flag, as typer needs.

    Args:
        command: A function for typer. A parameter whose type is a dataclass stands for the fields
            of the dataclass, which are declared like parameters of a command.

    Returns:
        A command that builds the dataclasses and calls `command` with them.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, type[Any]] = {}
    flat: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        kind = parameter.annotation
        if isinstance(kind, type) and is_dataclass(kind):
            groups[parameter.name] = kind
            hints = get_type_hints(kind, include_extras=True)
            flat += [_parameter(field, hints[field.name]) for field in fields(kind)]
        else:
            flat.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @wraps(command)
    def with_flags(**given: Any) -> None:
        together = {
            name: kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        command(**given, **together)

    # Typer reads the parameters from here.
    vars(with_flags)["__signature__"] = signature.replace(parameters=flat)
    return with_flags


def _parameter(field: Field[Any], hint: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint
    )
