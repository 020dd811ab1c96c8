"""Changes one thing in a `models.config` and leaves the rest as it stands, comments and layout too.

The change is made twice: to the parsed config, which says what must come out, and to the text. The
text is written only if it parses to exactly that; if not, the config is written out anew.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.serving.config_text import (
    Edit,
    UnknownSyntaxError,
    Value,
    add_message,
    add_scalar,
    apply_edits,
    replace,
    scan,
    values_at,
)
from lstm_sentiment.serving.models_config import (
    TENSORFLOW_PLATFORM,
    ModelServerConfig,
    check_models_config,
    parse_models_config,
    read_config_text,
)
from lstm_sentiment.whole_file import write_whole

logger = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]

ModelEdits = Callable[[str, Value], list[Edit]]
"""Takes the text of a config and where in it a model stands; gives the edits."""

_LabelEntry = model_server_config_pb2.ModelConfig.VersionLabelsEntry

_MAX_VERSION = 2**63 - 1

_HEADER = "# The models that a server serves, in protobuf text format (ModelServerConfig).\n"


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
    _check_label(label, version)
    if not os.path.exists(path):
        config = _config_of_one_model(path, base_path)
        _set_label(config, 0, label, version)
        _write(path, _HEADER + _message_text(config))
        return str(config.model_config_list.config[0].name)
    text = read_config_text(path)
    config = parse_models_config(text, source=str(path))
    index = _index_of_model(config, base_path, path)
    wanted = ModelServerConfig()
    wanted.CopyFrom(config)
    _set_label(wanted, index, label, version)
    if wanted != config:
        model = config.model_config_list.config[index]
        edits = partial(_label_edits, model=model, label=label, version=version)
        _write(path, _edited(text, index, edits, wanted, path))
    return str(config.model_config_list.config[index].name)


def find_model(config: model_server_config_pb2.ModelServerConfig, base_path: PathLike) -> Any:
    """Finds the model that is served from a folder.

    Args:
        config: A checked config.
        base_path: The folder. If no model has it as its `base_path`, one whose `base_path` has the
            same last name is taken: the config may be one for a container, where the folder
            `models/sentiment` is `/models/sentiment`.

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


def _check_label(label: str, version: int) -> None:
    if not label or not _is_utf8(label):
        raise InvalidInputError(
            f"`label` must be UTF-8 text, not empty. Received: label={label!r}."
        )
    if not 0 <= version <= _MAX_VERSION:
        raise InvalidInputError(
            f"`version` must be a number from 0 to {_MAX_VERSION}. Received: version={version}."
        )


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


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
    return _with_same_folder(config, base_path) or _with_same_name(config, base_path)


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
    if not _is_utf8(folder):
        raise ConfigError(f"{path}: base_path must be UTF-8 text. Received: {folder!r}.")
    config = ModelServerConfig()
    model = config.model_config_list.config.add(
        name=os.path.basename(folder), base_path=folder, model_platform=TENSORFLOW_PLATFORM
    )
    model.model_version_policy.all.SetInParent()
    check_models_config(config, source=str(path))
    return config


def _set_label(config: Any, index: int, label: str, version: int) -> None:
    model = config.model_config_list.config[index]
    if _lacks(model, version):
        model.model_version_policy.specific.versions.append(version)
    model.version_labels[label] = version


def _lacks(model: Any, version: int) -> bool:
    policy = model.model_version_policy
    return (
        policy.WhichOneof("policy_choice") == "specific" and version not in policy.specific.versions
    )


def _edited(text: str, index: int, edits: ModelEdits, wanted: Any, path: Path) -> str:
    """The text with one model changed, or `wanted` written out where that does not give it."""
    try:
        block = values_at(scan(text), "model_config_list", "config")[index]
        edited = apply_edits(text, edits(text, block))
        if parse_models_config(edited) == wanted:
            return edited
    except (UnknownSyntaxError, IndexError, ConfigError, text_format.ParseError):
        pass
    logger.warning("%s: written anew, without its comments and layout", path)
    return _message_text(wanted)


def _label_edits(text: str, block: Value, model: Any, label: str, version: int) -> list[Edit]:
    """What `_set_label` does to `model`, done to its text."""
    edits = []
    fields = block.fields or ()
    if _lacks(model, version):
        for specific in values_at(fields, "model_version_policy", "specific"):
            edits.append(add_scalar(text, specific, "versions", str(version)))
    if label not in model.version_labels:
        key = text_format.MessageToString(_LabelEntry(key=label), as_utf8=True).strip()
        entry = [key, f"value: {version}"]
        return [*edits, add_message(text, block, "version_labels", entry)]
    for labelled in values_at(fields, "version_labels"):
        if _key(text, labelled) == label:  # of two entries with one key the last counts
            values = values_at(labelled.fields or (), "value")
            edits.append(
                replace(values[-1], str(version))
                if values
                else add_scalar(text, labelled, "value", str(version))
            )
    return edits


def _key(text: str, entry: Value) -> str:
    inside = text[entry.start + 1 : entry.end - 1]
    return str(text_format.Parse(inside, _LabelEntry()).key)


def _message_text(config: Any) -> str:
    return text_format.MessageToString(config, as_utf8=True)


def _write(path: Path, text: str) -> None:
    """Writes it beside and renames it; a link stays one, and who may read the file stays too."""
    target = Path(os.path.realpath(path))
    try:
        before = target.stat() if target.exists() else None
        target.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(target) as file:
            if before is not None:
                with suppress(PermissionError):  # only root may give a file away
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), before.st_mode & 0o7777)
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}.") from error
