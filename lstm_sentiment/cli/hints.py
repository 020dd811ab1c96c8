"""Typer's errors in the form of all others: the rule, what arrived, the probable name."""

import errno
import os
import re
from typing import TYPE_CHECKING, Any

import typer

from lstm_sentiment.checks import did_you_mean
from lstm_sentiment.ranges import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

# By the type of error that pydantic raises, with which typer converts the values.
_RULES = {
    "int_parsing": "an integer",
    "int_parsing_size": "an integer of fewer digits",
    "int_from_float": "an integer",
    "float_parsing": "a number",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "greater_than": "greater than {gt}",
    "less_than": "less than {lt}",
}

# What other programs call a command, and what it is called here.
_OTHER_NAMES = {
    "train": "fit",
    "training": "fit",
    "search": "tune",
    "eval": "evaluate",
    "test": "evaluate",
    "infer": "predict",
    "classify": "predict",
    "run": "serve",
    "server": "serve",
    "why": "explain",
    "info": "inspect",
    "list": "models",
}


def usage_message(error: typer.TyperException) -> str:
    """Words the error of a command that cannot be parsed.

    Returns:
        The message; empty where no command was given, because the help is then printed.
    """
    option = getattr(error, "option_name", None)
    if option is not None and hasattr(error, "possibilities"):
        return f"No such option: {option}.{did_you_mean(option, error.possibilities or ())}"
    return _value_message(error) or _command_message(error) or error.format_message()


def system_message(error: OSError) -> str:
    """Words an error of the operating system that no part of the program expected."""
    reason = error.strerror or str(error)
    place = f"{error.filename}: " if error.filename else ""
    if not place and error.errno == errno.ENOENT and not _has_working_folder():
        return "The working folder must be there. Received: it was removed; `cd` to another."
    if error.errno == errno.ENOSPC:
        return f"{place}cannot be written: {reason}."
    return f"{place}{reason}."


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _value_message(error: typer.TyperException) -> str | None:
    """Words the error of a value that its flag does not take."""
    details = getattr(error.__cause__, "errors", None)
    parameter = getattr(error, "param", None)
    if not callable(details) or parameter is None:
        return None
    detail: Mapping[str, Any] = details()[0]
    given = detail.get("input")
    name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.display_name_raw
    choices = re.match(r".* is not one of (.+?)\.?$", str(detail.get("msg", "")), re.DOTALL)
    if choices is not None:
        allowed = re.findall(r"'([^']*)'", choices[1])
        rule, hint = f"one of: {', '.join(allowed)}", did_you_mean(given, allowed)
    elif detail["type"] in _RULES:
        rule, hint = _RULES[detail["type"]].format(**detail.get("ctx", {})), ""
    else:
        return None
    return f"`{name}` must be {rule}. Received: {shown(given)}.{hint}"


def _command_message(error: typer.TyperException) -> str | None:
    """Words the error of an unknown command."""
    message = error.format_message()
    unknown = re.match(r"No such command '(.*)'\.", message, re.DOTALL)
    commands = getattr(getattr(getattr(error, "ctx", None), "command", None), "commands", None)
    if unknown is None or not commands:
        return None
    named = _OTHER_NAMES.get(unknown[1].lower(), "")
    hint = f" Did you mean {named!r}?" if named in commands else did_you_mean(unknown[1], commands)
    return f"No such command {unknown[1]!r}.{hint or ' There are: ' + ', '.join(commands) + '.'}"
