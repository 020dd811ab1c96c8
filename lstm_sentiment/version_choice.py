"""Finds versions by their numbers."""

from collections.abc import Sequence
from pathlib import Path

from lstm_sentiment.errors import ServableNotFoundError
from lstm_sentiment.serving.source import version_folders


def find_versions(model_dir: Path, versions: Sequence[int]) -> list[Path]:
    """The folders of some versions.

    Args:
        model_dir: A servable's base path.
        versions: Their numbers.

    Returns:
        The folder of each, in that order.

    Raises:
        ServableNotFoundError: If the base path cannot be read, or a version is not there.
    """
    try:
        folders = version_folders(model_dir)
    except OSError as error:
        raise ServableNotFoundError(
            f"{model_dir}: must be a folder of versions. Received: {error.strerror}."
        ) from error
    for version in versions:
        if version not in folders:
            there = ", ".join(map(str, sorted(folders))) or "none"
            raise ServableNotFoundError(
                f"{model_dir}: the versions must be among those in it: {there}. "
                f"Received: {version}."
            )
    return [folders[version] for version in versions]
