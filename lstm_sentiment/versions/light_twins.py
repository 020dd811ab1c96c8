"""Light twins of versions that were exported without one."""

import errno
import itertools
import os
from contextlib import suppress
from pathlib import Path

from lstm_sentiment.checks import train_imports
from lstm_sentiment.errors import ExportError, InvalidInputError
from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.light.loader import load_light_servable
from lstm_sentiment.system import sync_to_disk
from lstm_sentiment.unfinished import staging_folder
from lstm_sentiment.version_folder import LIGHT, find_version


def make_light_twin(model_dir: str | os.PathLike[str]) -> Path:
    """Writes the light twin of a version: files to answer from without TensorFlow.

    The twin is written beside its place, compared with the version's card, and renamed; it takes
    the place of one that is there. The rest of the version stays as it is.

    Args:
        model_dir: A version's folder, or a base path, whose highest version is used.

    Returns:
        The version's folder.

    Raises:
        ServableNotFoundError: If there is no version.
        InvalidInputError: If the version lacks what the twin needs, or the twin would answer
            otherwise than the version's card.
        ExportError: If the twin cannot be written.
        MissingExtraError: If TensorFlow is not installed.
    """
    version_dir = find_version(Path(model_dir))
    with train_imports("making a light twin"):
        from lstm_sentiment.export.light.version_twin import write_twin_of_version

    place = version_dir / LIGHT
    try:
        place.parent.mkdir(exist_ok=True)
        with staging_folder(place.parent) as staging:
            folder = staging / place.name
            folder.mkdir()
            write_twin_of_version(version_dir, folder)
            load_light_servable(version_dir, folder)
            for path in (*folder.iterdir(), folder):
                sync_to_disk(path)
            _take_place(folder, place, staging)
            sync_to_disk(place.parent)
    except LightEngineRefusedError as error:
        raise InvalidInputError(f"{version_dir}: {error}") from error
    except OSError as error:
        raise ExportError(f"{place}: cannot be written: {error.strerror}.") from error
    return version_dir


def _take_place(folder: Path, place: Path, staging: Path) -> None:
    """Renames a folder to `place`; what is there, perhaps just put there by another, is moved."""
    for number in itertools.count():
        with suppress(FileNotFoundError):
            place.rename(staging / f"replaced-{number}")
        try:
            folder.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
