"""Changes one model in a `models.config` and keeps comments and layout.

Each change is made twice: in the parsed config, and in the text. The edited text is written if it
parses to the changed config; if not, the config is written anew, without comments and layout.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.models_config.changes import (
    ModelChange,
    SetLabel,
    first_step_to,
    is_utf8,
)
from lstm_sentiment.models_config.config import (
    TENSORFLOW_PLATFORM,
    check_models_config,
    parse_models_config,
    read_config_text,
)
from lstm_sentiment.models_config.model_choice import ModelChoice, PathLike, served_from
from lstm_sentiment.models_config.text_format import (
    UnknownSyntaxError,
    apply_edits,
    scan,
    values_at,
)
from lstm_sentiment.models_config.text_tokens import TextFormatError
from lstm_sentiment.models_config.write import locked, write_config
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.unicode import escaped_line

logger = logging.getLogger(__name__)

_HEADER = "# The models that a server serves, in protobuf text format (ModelServerConfig).\n"


@dataclass(frozen=True)
class ConfigFile:
    """A `models.config` as it was read or written.

    Attributes:
        path: The file.
        text: Its whole text.
        config: The text, parsed and checked.
    """

    path: Path
    text: str
    config: ModelServerConfig


@dataclass(frozen=True)
class ConfigEdit:
    """A change of one model of a `models.config`.

    Attributes:
        model_name: The model that was changed.
        before: The file before the change.
        after: The file after the change; the same as `before` if there was nothing to change.
    """

    model_name: str
    before: ConfigFile
    after: ConfigFile


def read_config(path: PathLike, known: ConfigFile | None = None) -> ConfigFile:
    """Reads a `models.config`.

    Args:
        path: The file.
        known: The file as it was read before, which is not parsed again if its text is the same.

    Raises:
        ConfigError: If the file cannot be read or breaks a rule.
    """
    path = Path(path)
    text = read_config_text(path)
    if known is not None and (known.path, known.text) == (path, text):
        return known
    return ConfigFile(path, text, parse_models_config(text, source=str(path)))


@contextmanager
def editing(path: PathLike, known: ConfigFile | None = None) -> Iterator[ConfigFile]:
    """Locks a `models.config` against changes by other processes, and reads it as `read_config`."""
    path = Path(path)
    with locked(path):
        yield read_config(path, known)


def change_model(file: ConfigFile, choice: ModelChoice, change: ModelChange) -> ConfigEdit:
    """Changes one model of a `models.config`, and writes the file if that changes anything.

    Args:
        file: The file as `editing` yields it; it must still be locked.
        choice: The model to change, such as `named("sentiment")`.
        change: The change.

    Raises:
        InvalidInputError: If there is nothing of the kind to change.
        ConfigError: If there is no such model or the file cannot be written. The file is as it was.
    """
    index = choice(file.config, file.path)
    wanted = ModelServerConfig()
    wanted.CopyFrom(file.config)
    change.apply(wanted.model_config_list.config[index])
    after = file
    if wanted != file.config:
        after = _edited(file, index, change, wanted)
        write_config(file.path, after.text)
    return ConfigEdit(str(file.config.model_config_list.config[index].name), file, after)


def put_back(edit: ConfigEdit) -> bool:
    """Undoes an edit, unless the file was changed again since.

    Returns:
        True if the file is as it was before the edit.

    Raises:
        ConfigError: If the file cannot be read or written.
    """
    path, before, after = edit.before.path, edit.before.text, edit.after.text
    with locked(path):
        now = read_config_text(path)
        if now == after and now != before:
            write_config(path, before)
            return True
        return now == before


@dataclass(frozen=True)
class Labelled:
    """The outcome of `label_version`.

    Attributes:
        model_name: The model.
        is_moved: Whether the label points to the version. If not, the version was added to a
            `specific` version policy; once a server serves it, a second call moves the label.
    """

    model_name: str
    is_moved: bool


def label_version(path: PathLike, base_path: PathLike, label: str, version: int) -> Labelled:
    """Makes a version label of a model point to a version, or makes the first step to it.

    A server that polls the file takes each step: see `first_step_to`. A missing file is created,
    with this one model.

    Args:
        path: The `models.config`.
        base_path: The folder that the model is served from, as `find_model` takes it.
        label: The label, new or not.
        version: The version number.

    Raises:
        InvalidInputError: If `label` or `version` cannot stand in a config.
        ConfigError: If the file cannot be read or written, breaks a rule, or does not have exactly
            one model for `base_path`. The file is as it was.
    """
    path = Path(path)
    change = SetLabel(label, version)
    with locked(path):
        if os.path.exists(path):
            file, choice = read_config(path), served_from(base_path)
            model = file.config.model_config_list.config[choice(file.config, path)]
            step = first_step_to(model, change)
            edit = change_model(file, choice, step)
            return Labelled(edit.model_name, step is change)
        config = _config_of_one_model(path, base_path)
        change.apply(config.model_config_list.config[0])
        write_config(path, _HEADER + _message_text(config))
    return Labelled(str(config.model_config_list.config[0].name), True)


def _config_of_one_model(path: Path, base_path: PathLike) -> Any:
    folder = os.path.abspath(base_path)
    if not is_utf8(folder):
        raise ConfigError(f"{path}: base_path must be UTF-8 text. Received: {folder!r}.")
    config = ModelServerConfig()
    model = config.model_config_list.config.add(
        name=os.path.basename(folder), base_path=folder, model_platform=TENSORFLOW_PLATFORM
    )
    model.model_version_policy.all.SetInParent()
    check_models_config(config, source=str(path))
    return config


def _edited(file: ConfigFile, index: int, change: ModelChange, wanted: Any) -> ConfigFile:
    """Returns the file with one model changed, or with `wanted` written anew where that fails."""
    text, config = file.text, file.config
    with suppress(UnknownSyntaxError, IndexError, ConfigError, TextFormatError):
        # One round suffices for most changes; a round without effect ends the loop.
        while config != wanted:
            block = values_at(scan(text), "model_config_list", "config")[index]
            before, model = config, config.model_config_list.config[index]
            text = apply_edits(text, change.edits(text, block, model))
            config = parse_models_config(text)
            if config == before:
                break
        else:
            return ConfigFile(file.path, text, config)
    logger.warning("%s: rewritten without its comments and layout", escaped_line(file.path))
    text = _message_text(wanted)
    return ConfigFile(file.path, text, parse_models_config(text, source=str(file.path)))


def _message_text(config: Any) -> str:
    return text_format.MessageToString(config, as_utf8=True)
