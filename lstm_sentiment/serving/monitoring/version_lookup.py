"""Finds the folder of a served version."""

from collections.abc import Callable
from pathlib import Path

from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import find_versions

BasePath = Callable[[str], Path | None]
"""Returns the base path of a model; `None` if no config in force has the model."""


def served_version_dir(servable_id: ServableId, base_path: BasePath) -> Path | None:
    """Returns the folder of a version.

    Args:
        servable_id: The version.
        base_path: Finds the base path of its model.

    Returns:
        The folder; `None` if the config in force does not have the model, as while a new config is
        loaded that adds it.

    Raises:
        ServableNotFoundError: If the base path cannot be read, or does not have the version.
    """
    found = base_path(servable_id.name)
    if found is None:
        return None
    [folder] = find_versions(found, [servable_id.version])
    return folder
