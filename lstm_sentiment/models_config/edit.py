"""Changes one thing in a `models.config` and leaves the rest as it stands, comments and layout too.

The change is made twice: to the parsed config, which says what must come out, and to the text. The
text is written only if it parses to exactly that; if not, the config is written out anew.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.models_config.changes import (
    ModelChange,
    SetLabel,
    is_utf8,
)
from lstm_sentiment.models_config.config import (
    TENSORFLOW_PLATFORM,
    ModelServerConfig,
    check_models_config,
    parse_models_config,
    read_config_text,
)
from lstm_sentiment.models_config.text_format import (
    UnknownSyntaxError,
    apply_edits,
    scan,
    values_at,
)
from lstm_sentiment.models_config.write import locked, write_config

logger = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]

ModelChoice = Callable[[Any, Path], int]
"""Takes a checked config and its path; gives the index of the model that is meant."""

_HEADER = "# The models that a server serves, in protobuf text format (ModelServerConfig).\n"


@dataclass(frozen=True)
class ConfigEdit:
    """What became of a `models.config`.

    Attributes:
        path: The file.
        model_name: The model that was changed.
        before: The text before; `None` where there was no file.
        after: The text that the file has now.
    """

    path: Path
    model_name: str
    before: str | None
    after: str

    @property
    def config(self) -> model_server_config_pb2.ModelServerConfig:
        """The config that the file holds now."""
        return parse_models_config(self.after, source=str(self.path))


def label_version(path: PathLike, base_path: PathLike, label: str, version: int) -> str:
    """Makes a version label of a model point to a version.

    A version policy that names `specific` versions gets this one too, since a label may only name
    a version that is served. A file that is not there is made, with this one model.

    Args:
        path: The `models.config`.
        base_path: The folder that the model is served from, as `find_model` takes it.
        label: The label, new or not.
        version: The version number.

    Returns:
        The model's name.

    Raises:
        InvalidInputError: If `label` or `version` cannot stand in a config.
        ConfigError: One line that starts with the path, if the file cannot be read or written,
            breaks a rule, or has no one model for `base_path`. The file is as it was.
    """
    path = Path(path)
    change = SetLabel(label, version)
    with locked(path):
        if os.path.exists(path):
            return _change_model(path, served_from(base_path), change).model_name
        config = _config_of_one_model(path, base_path)
        change.apply(config.model_config_list.config[0])
        write_config(path, _HEADER + _message_text(config))
    return str(config.model_config_list.config[0].name)


def change_model(path: PathLike, choice: ModelChoice, change: ModelChange) -> ConfigEdit:
    """Changes one model of a `models.config`; of several processes, one waits for the other.

    Args:
        path: The file.
        choice: Which model, see `served_from` and `named`.
        change: What to change.

    Returns:
        What became of the file.

    Raises:
        InvalidInputError: If there is nothing of the kind to change.
        ConfigError: One line that starts with the path, if the file cannot be read or written,
            breaks a rule, or has no such model. The file is as it was.
    """
    path = Path(path)
    with locked(path):
        return _change_model(path, choice, change)


def put_back(edit: ConfigEdit) -> bool:
    """Undoes an edit, unless the file was changed again since.

    Args:
        edit: What `change_model` gave.

    Returns:
        Whether the file is as it was before the edit.

    Raises:
        ConfigError: If the file cannot be read or written.
    """
    with locked(edit.path):
        now = read_config_text(edit.path)
        if now == edit.after and edit.before is not None and edit.before != now:
            write_config(edit.path, edit.before)
            now = edit.before
        return now == edit.before


def named(model_name: str | None) -> ModelChoice:
    """Chooses a model by its name.

    Args:
        model_name: The name; `None` for the only model there is.

    Returns:
        The choice; it raises `ConfigError` where there is no such model.
    """

    def choose(config: Any, path: Path) -> int:
        names = [model.name for model in config.model_config_list.config]
        if model_name is None and len(names) == 1:
            return 0
        if model_name in names:
            return names.index(model_name)
        wanted = "the model must be named" if model_name is None else "the model must be there"
        arrived = "" if model_name is None else f"model {model_name!r}, and there are "
        raise ConfigError(f"{path}: {wanted}. Received: {arrived}{', '.join(map(repr, names))}.")

    return choose


def served_from(base_path: PathLike) -> ModelChoice:
    """Chooses a model by its folder, as `find_model` takes it.

    Args:
        base_path: The folder.

    Returns:
        The choice; it raises `ConfigError` where there is no such model, or more than one.
    """
    return lambda config, path: _index_of_model(config, base_path, path)


def find_model(config: model_server_config_pb2.ModelServerConfig, base_path: PathLike) -> Any:
    """Finds the model that is served from a folder.

    Args:
        config: A checked config.
        base_path: The folder. If no model has it as its `base_path`, one whose `base_path` has the
            same last name is taken: the config may be one for a container, where the folder
            `models/sentiment` is `/models/sentiment`. If there is none either, the model of this
            name is.

    Returns:
        The `ModelConfig`, or `None` where there is none or more than one.
    """
    indices = _candidates(config, base_path)
    return config.model_config_list.config[indices[0]] if len(indices) == 1 else None


def named_versions(
    config: model_server_config_pb2.ModelServerConfig, base_path: PathLike
) -> frozenset[int]:
    """Lists the versions of a folder that a config names.

    Args:
        config: A checked config.
        base_path: The folder.

    Returns:
        Each version that a label or a `specific` policy names, of every model whose `base_path` is
        the folder or has the same last name.
    """
    models = config.model_config_list.config
    indices = {*_with_same_folder(config, base_path), *_with_same_name(config, base_path)}
    return frozenset(
        version
        for model in (models[index] for index in indices)
        for version in (
            *model.version_labels.values(),
            *model.model_version_policy.specific.versions,
        )
    )


def _with_same_folder(config: Any, base_path: PathLike) -> list[int]:
    folder = _resolved(base_path)
    models = enumerate(config.model_config_list.config)
    return [index for index, model in models if _resolved(model.base_path) == folder]


def _with_same_name(config: Any, base_path: PathLike) -> list[int]:
    names = {os.path.basename(os.path.abspath(base_path)), os.path.basename(_resolved(base_path))}
    models = enumerate(config.model_config_list.config)
    return [i for i, m in models if os.path.basename(os.path.normpath(m.base_path)) in names]


def _resolved(path: PathLike) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # a null character, which text format can hold and no path can
        return os.path.abspath(path)


def _candidates(config: Any, base_path: PathLike) -> list[int]:
    models = enumerate(config.model_config_list.config)
    return (
        _with_same_folder(config, base_path)
        or _with_same_name(config, base_path)
        or [index for index, model in models if model.name == os.fspath(base_path)]
    )


def _index_of_model(config: Any, base_path: PathLike, path: Path) -> int:
    indices = _candidates(config, base_path)
    if len(indices) == 1:
        return indices[0]
    models = config.model_config_list.config
    arrived = [models[index] for index in indices] or models
    raise ConfigError(
        f"{path}: must serve {os.path.abspath(base_path)!r} as the base_path of one model, or of "
        "one model a base_path with the same last name. Received: "
        + ", ".join(f"model {model.name!r} from {model.base_path!r}" for model in arrived)
        + "."
    )


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


def _change_model(path: Path, choice: ModelChoice, change: ModelChange) -> ConfigEdit:
    text = read_config_text(path)
    config = parse_models_config(text, source=str(path))
    index = choice(config, path)
    wanted = ModelServerConfig()
    wanted.CopyFrom(config)
    change.apply(wanted.model_config_list.config[index])
    after = text
    if wanted != config:
        after = _edited(text, index, change, wanted, path)
        write_config(path, after)
    return ConfigEdit(path, str(config.model_config_list.config[index].name), text, after)


def _edited(text: str, index: int, change: ModelChange, wanted: Any, path: Path) -> str:
    """The text with one model changed, or `wanted` written out where that does not give it."""
    before = None
    with suppress(UnknownSyntaxError, IndexError, ConfigError, text_format.ParseError):
        while text != before:
            before, config = text, parse_models_config(text)
            if config == wanted:
                return text
            block = values_at(scan(text), "model_config_list", "config")[index]
            model = config.model_config_list.config[index]
            text = apply_edits(text, change.edits(text, block, model))
    logger.warning("%s: written anew, without its comments and layout", path)
    return _message_text(wanted)


def _message_text(config: Any) -> str:
    return text_format.MessageToString(config, as_utf8=True)
