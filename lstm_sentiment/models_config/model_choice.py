"""Finds one model among those of a `models.config`: by its name, or by its folder of versions."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig

PathLike = str | os.PathLike[str]

ModelChoice = Callable[[Any, Path], int]
"""Returns the index of one model, from a checked config and the path of its file."""


def named(model_name: str | None) -> ModelChoice:
    """Returns the choice of a model by its name.

    The choice raises `ConfigError` where there is no such model.

    Args:
        model_name: `None` for the only model of the config.
    """

    def choose(config: Any, path: Path) -> int:
        names = [model.name for model in config.model_config_list.config]
        if model_name is None and len(names) == 1:
            return 0
        if model_name in names:
            return names.index(model_name)
        wanted = "the model must be named" if model_name is None else "the model must be there"
        arrived = "" if model_name is None else f"model {model_name!r}, and there are "
        raise ConfigError(
            f"{path}: {wanted}. Received: {arrived}{', '.join(map(repr, names)) or 'no model'}."
        )

    return choose


def served_from(base_path: PathLike) -> ModelChoice:
    """Returns the choice of a model by its folder, as `find_model` finds it.

    The choice raises `ConfigError` where there is no such model, or more than one.
    """
    return lambda config, path: _index_of_model(config, base_path, path)


def find_model(config: ModelServerConfig, base_path: PathLike) -> Any:
    """Finds the model that is served from a folder.

    Args:
        config: A checked config.
        base_path: The folder. If no model has it as its `base_path`, a `base_path` with the same
            last name is taken: in a config for a container, the folder `models/sentiment` is
            `/models/sentiment`. Without one, the model with this name is taken.

    Returns:
        The `ModelConfig`; `None` if no model matches, or several do.
    """
    indices = _candidates(config, base_path)
    return config.model_config_list.config[indices[0]] if len(indices) == 1 else None


def named_versions(config: ModelServerConfig, base_path: PathLike) -> frozenset[int]:
    """Returns the versions of a folder that labels or `specific` policies name.

    Args:
        config: A checked config.
        base_path: The folder, which counts for every model with this `base_path` or one with the
            same last name.
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
