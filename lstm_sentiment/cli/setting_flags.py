"""`--set NAME=VALUE`: any setting of a run, and the flags of `fit` that it replaces."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from lstm_sentiment.checks import closest
from lstm_sentiment.encodings import COMMON_ENCODINGS
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.config_file import parse_setting
from lstm_sentiment.pipeline.overrides import full_setting_names, setting_types
from lstm_sentiment.text.tokenizer_options import Normalization, TokenizerKind, Unknown
from lstm_sentiment.training.config import AutoInteger, AutoNumber, CrossValidation

# Settings whose type is `str`, and whose choices the library checks.
_CHOICES: Mapping[str, Sequence[str]] = {
    "tokenizer": ("auto", *get_args(TokenizerKind)),
    "normalization": get_args(Normalization),
    "unknown": get_args(Unknown),
    "cache": ("memory", "disk"),
    "encoding": COMMON_ENCODINGS,
}


def offered_settings(incomplete: str) -> Iterator[str]:
    """Completes the name of a setting, and after `=` the value where there are choices."""
    name, equals, _ = incomplete.partition("=")
    if not equals:
        yield from (f"{setting}=" for setting in setting_types())
        if name:
            yield from (f"{short}=" for short in full_setting_names() if "." not in short)
        return
    name = full_setting_names().get(name, name)
    hint = setting_types().get(name)
    if hint is bool:
        choices: Sequence[str] = ("true", "false")
    elif hint in (AutoInteger, AutoNumber):
        choices = ("auto",)
    elif hint == CrossValidation:
        choices = ("auto", "off")
    else:
        choices = get_args(hint) if get_origin(hint) is Literal else _CHOICES.get(name, ())
    typed = incomplete.partition("=")[0]
    yield from (f"{typed}={choice}" for choice in choices)


Old = Annotated[str | None, typer.Option(hidden=True)]
OldList = Annotated[list[str] | None, typer.Option(hidden=True)]
OldSwitch = Annotated[bool | None, typer.Option(hidden=True)]


@dataclass(frozen=True)
class OldFlags:
    """Flags of `fit` that `--set` replaces: taken for one more release, not shown in help."""

    streaming: OldSwitch = None
    init_from: Old = None
    keep: Old = None
    exclude_data: OldList = None
    split_seed: Old = None
    vectors_limit: Old = None
    normalization: Old = None
    unknown: Old = None
    dictionary: OldList = None
    trainable_embeddings: OldSwitch = None
    embedding_storage: Old = None
    learning_rate: Old = None
    schedule: Old = None
    patience: Old = None
    class_weights: Old = None
    label_smoothing: Old = None
    precision: Old = None
    logical_devices: Old = None
    start_timeout_seconds: Old = None
    export_every: Old = None
    export_unit: Old = None
    tensorboard: OldSwitch = None
    cache: Old = None


OLD_FLAGS = frozenset(field.name for field in fields(OldFlags))

# Of several sections the first counts: `--epochs` are those of training, not of word vectors.
SETTING_OF_FLAG = {name.rpartition(".")[2]: name for name in reversed(setting_types())}
"""The dotted name of the setting that a flag sets, by the name of the flag's parameter."""


def is_given(context: typer.Context, name: str) -> bool:
    """Returns whether a flag was typed, be it with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def flag_settings(context: typer.Context) -> dict[str, Any]:
    """Returns the settings that were typed as flags, by dotted name.

    Raises:
        InvalidInputError: If the value of a flag has the wrong type.
    """
    settings, types = {}, setting_types()
    for name in SETTING_OF_FLAG.keys() & context.params.keys():
        if is_given(context, name):
            value = context.params[name]
            if name in OLD_FLAGS or types[SETTING_OF_FLAG[name]] == AutoInteger:
                value = _typed_value(name, value)
            settings[SETTING_OF_FLAG[name]] = tuple(value) if isinstance(value, list) else value
    return settings


def set_settings(typed: Sequence[str]) -> dict[str, Any]:
    """Returns the settings that were typed as `--set NAME=VALUE`, by dotted name.

    Args:
        typed: One `NAME=VALUE` each; the last of a name counts. A name may be without its section
            where one section alone has it.

    Raises:
        InvalidInputError: If a name is unknown or a value has the wrong type.
    """
    settings = {}
    for text in typed:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInputError(f"`--set` must be followed by NAME=VALUE. Received: {text!r}.")
        full_name = _full_name(name)
        settings[full_name] = parse_setting(full_name, value)
    return settings


def deprecation(context: typer.Context) -> str | None:
    """Returns a line that names the `--set` form of the old flags that were typed, if any was."""
    old = [name for name in context.params if name in OLD_FLAGS and is_given(context, name)]
    if not old:
        return None
    flags = ", ".join(_flag(name) for name in old)
    forms = (f"{SETTING_OF_FLAG[name]}={_as_text(context.params[name])}" for name in old)
    return f"deprecated: {flags}; write {' '.join(f'--set {shlex.quote(form)}' for form in forms)}"


def _full_name(name: str) -> str:
    if (full_name := full_setting_names().get(name)) is not None:
        return full_name
    settings = setting_types()
    known = SETTING_OF_FLAG | {setting: setting for setting in settings}
    meant = closest(name, known)
    raise InvalidInputError(
        "The NAME of `--set NAME=VALUE` must be that of a setting, such as training.epochs. "
        f"Received: {name!r}." + ("" if meant is None else f" Did you mean {known[meant]!r}?")
    )


def _typed_value(name: str, value: str | bool | list[str]) -> Any:
    setting = SETTING_OF_FLAG[name]
    try:
        return parse_setting(setting, _as_text(value))
    except InvalidInputError as error:
        message = re.sub(r"^`[\w.]+", f"`{_flag(name)}", str(error))
        raise InvalidInputError(message) from error


def _as_text(value: str | bool | list[str]) -> str:
    """Returns the value of an old flag as `--set` takes it; a JSON list is a TOML list."""
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
