"""Reads and checks a `models.config`.

Format and meaning are TensorFlow Serving's (`tensorflow_serving/config/model_server_config.proto`),
so one file serves both servers. A config that breaks a rule is refused as a whole.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from lstm_sentiment.checks import unreadable
from lstm_sentiment.compressed import read_whole
from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, how_to_convert, recognize
from lstm_sentiment.models_config.base_path import check_is_folder_path
from lstm_sentiment.models_config.logging_config import check_logging_config
from lstm_sentiment.models_config.text_parser import parse_message
from lstm_sentiment.models_config.text_tokens import TextFormatError
from lstm_sentiment.models_config.version_policy import (
    All,
    Latest,
    ServableToMonitor,
    Specific,
    VersionPolicy,
)
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig, ModelType
from lstm_sentiment.unicode import has_controls

TENSORFLOW_PLATFORM = "tensorflow"


def load_models_config(path: str | Path) -> ModelServerConfig:
    """Reads and checks a `models.config`.

    Args:
        path: A `ModelServerConfig` in protobuf text format, UTF-8.

    Raises:
        ConfigError: If the file cannot be read or breaks a rule. The message is one line that
            starts with the path, and the line number of a syntax error.
    """
    return parse_models_config(read_config_text(path), source=str(path))


def read_config_text(path: str | Path) -> str:
    """Reads the text of a UTF-8 file, with its line ends as they are.

    Raises:
        ConfigError: If the file cannot be read, or begins as a file of another kind. The message is
            one line that starts with the path.
    """
    path = Path(path)
    try:
        content = read_whole(path)
        _check_is_text(path, content)
        return content.decode("utf-8")
    except OSError as error:
        raise ConfigError(unreadable(Path(path), error)) from error
    except UnicodeDecodeError as error:
        hint = how_to_convert(content[error.start :][:START_BYTES], path)
        raise ConfigError(
            f"{path}: must be UTF-8 text. Received: {error.reason}. {hint}"
        ) from error


def _check_is_text(path: Path, content: bytes) -> None:
    kind = recognize(content[:START_BYTES])
    if kind is not None:
        raise ConfigError(f"{path}: must be UTF-8 text. Received: {kind.told(path)}.")


def parse_models_config(text: str, *, source: str = "models.config") -> ModelServerConfig:
    """Parses and checks the text of a `models.config`.

    Args:
        text: A `ModelServerConfig` in protobuf text format.
        source: The text's origin, which begins an error message.

    Raises:
        ConfigError: If the text is not in text format or breaks a rule.
    """
    try:
        config = parse_message(text, ModelServerConfig())
    except TextFormatError as error:
        # In the words by which TensorFlow Serving's logs and tests know it.
        name = ModelServerConfig.DESCRIPTOR.full_name
        raise ConfigError(
            f"{source}:{error.line}: Error parsing text-format {name}: {error}"
        ) from error
    check_models_config(config, source=source)
    return config


def single_model_config(model_name: str, model_base_path: str | Path) -> ModelServerConfig:
    """Builds a config of one model whose latest version is served.

    Args:
        model_name: The servable stream's name.
        model_base_path: A relative path is resolved against the working directory.

    Raises:
        InvalidInputError: If an argument is empty, the name has control characters, or the base
            path is a URI.
    """
    if not model_name or not str(model_base_path):
        raise InvalidInputError(
            "`model_name` and `model_base_path` must not be empty. Received: "
            f"model_name={model_name!r}, model_base_path={str(model_base_path)!r}."
        )
    if has_controls(model_name):
        raise InvalidInputError(
            f"`model_name` must have no control characters. Received: model_name={model_name!r}."
        )
    check_is_folder_path(model_base_path)
    config = ModelServerConfig()
    config.model_config_list.config.add(
        name=model_name,
        base_path=str(Path(model_base_path).absolute()),
        model_platform=TENSORFLOW_PLATFORM,
    )
    return config


def as_models_config(message: Message) -> ModelServerConfig:
    """Returns a config of whichever package's class, such as tensorflow-serving-api's, as ours.

    Raises:
        InvalidInputError: If the message is no `tensorflow.serving.ModelServerConfig`.
    """
    if isinstance(message, ModelServerConfig):
        return message
    wanted = ModelServerConfig.DESCRIPTOR.full_name
    kind = message.DESCRIPTOR.full_name if isinstance(message, Message) else type(message).__name__
    if kind != wanted:
        raise InvalidInputError(f"a config must be a {wanted}. Received: {kind}.")
    return ModelServerConfig.FromString(message.SerializeToString())


def check_models_config(config: ModelServerConfig, *, source: str = "models.config") -> None:
    """Checks a config.

    Args:
        config: The parsed config.
        source: As `parse_models_config` takes it.

    Raises:
        ConfigError: If the config breaks a rule.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise ConfigError(f"{source}: custom_model_config is not supported; use model_config_list.")
    models = config.model_config_list.config
    if config.WhichOneof("config") is None:
        # An empty file is a mistake, but an explicit empty list means: serve no model.
        raise ConfigError(
            f"{source}: model_config_list must be there; `model_config_list {{}}` serves no model. "
            "Received: none."
        )
    for model in models:
        _check_model(model, source)
    for name, count in Counter(model.name for model in models).items():
        if count > 1:
            raise ConfigError(
                f"{source}: model names must differ. Received: {name!r} {count} times."
            )


def servables_to_monitor(
    config: ModelServerConfig,
) -> list[ServableToMonitor]:
    """Returns the base path and version policy of each model, in the config's order."""
    return [
        ServableToMonitor(model.name, Path(model.base_path), policy_of(model))
        for model in config.model_config_list.config
    ]


def policy_of(model: Any) -> VersionPolicy:
    """Returns the version policy of a `ModelConfig`: the latest version where it names none."""
    policy = model.model_version_policy
    match policy.WhichOneof("policy_choice"):
        case "all":
            return All()
        case "specific":
            return Specific(frozenset(policy.specific.versions))
        case _:
            return Latest(max(policy.latest.num_versions, 1))


def version_labels(
    config: ModelServerConfig,
) -> dict[str, dict[str, int]]:
    """Returns for each model name the version of each label."""
    return {model.name: dict(model.version_labels) for model in config.model_config_list.config}


def _check_model(model: Any, source: str) -> None:
    if not model.name:
        raise ConfigError(f"{source}: name must not be empty. Received: name='' for a model.")
    if has_controls(model.name):
        raise ConfigError(
            f"{source}: name must have no control characters. Received: name={model.name!r}."
        )
    try:
        check_is_folder_path(
            model.base_path, f"base_path={model.base_path!r} for model {model.name!r}"
        )
    except InvalidInputError as error:
        raise ConfigError(f"{source}: {error}") from error
    if not Path(model.base_path).is_absolute():
        raise ConfigError(
            f"{source}: base_path must be absolute. "
            f"Received: base_path={model.base_path!r} for model {model.name!r}."
        )
    if not _is_tensorflow(model):
        raise ConfigError(
            f'{source}: model_platform must be "{TENSORFLOW_PLATFORM}". '
            f"Received: model_platform={model.model_platform!r} for model {model.name!r}."
        )
    for label, version in model.version_labels.items():
        if not label or version < 0:
            raise ConfigError(
                f"{source}: version_labels must map a non-empty label to a version that is not "
                f"negative. Received: {label!r} -> {version} for model {model.name!r}."
            )
        if has_controls(label):
            raise ConfigError(
                f"{source}: version_labels must have no control characters. "
                f"Received: {label!r} -> {version} for model {model.name!r}."
            )
    negative = [v for v in model.model_version_policy.specific.versions if v < 0]
    if negative:
        raise ConfigError(
            f"{source}: specific versions must not be negative. "
            f"Received: {negative[0]} for model {model.name!r}."
        )
    check_logging_config(model, source=source)


def _is_tensorflow(model: Any) -> bool:
    # model_type is the deprecated way to say the same; TensorFlow Serving refuses both at once.
    if model.model_type:
        named_by_type = model.model_type == ModelType.TENSORFLOW
        return named_by_type and not model.model_platform
    return bool(model.model_platform == TENSORFLOW_PLATFORM)
