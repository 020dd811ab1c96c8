"""Flags that several commands share, declared once."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def takes_flag_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Lets a command take dataclasses whose fields are flags.

    Args:
        command: A function for typer. Each parameter of a dataclass's type stands for that
            dataclass's fields, which are declared as parameters of a command are.

    Returns:
        The command as typer takes it: its parameters are the fields; it puts the dataclasses
        together.
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

    # Where typer looks for parameters.
    vars(with_flags)["__signature__"] = signature.replace(parameters=flat)
    return with_flags


def _parameter(field: Field[Any], hint: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint
    )
