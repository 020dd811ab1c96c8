"""New versions of the models of versions that an earlier release exported."""

import os
from pathlib import Path

from lstm_sentiment.checks import train_imports
from lstm_sentiment.display_names import DisplayNames, GivenNames, as_display_names
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.light.loader import load_light_servable
from lstm_sentiment.version_folder import (
    LIGHT,
    DefaultSignature,
    example_answers,
    find_version,
    load_card,
)


def reexport(
    model_dir: str | os.PathLike[str],
    *,
    default_signature: DefaultSignature | None = None,
    display_names: DisplayNames | GivenNames | None = None,
) -> Path:
    """Writes a version's model as the next version, in the form of this release.

    Nothing is trained: the new version has the weights, words, classes and card of the old one,
    which stays as it is. It appears as a whole, and only if it gives the
    answers of the card, as far as the card holds texts with answers.

    Args:
        model_dir: A version's folder, or a base path, whose highest version is used.
        default_signature: What `serving_default`, the signature of a request that names none,
            takes: `text`, for clients that cannot name one, or token `ids`, which else have the
            signature `ids`. `None` for the same as of the version.
        display_names: What people see in the place of labels, by label and language tag; `None`
            for those of the version.

    Returns:
        The new version's folder.

    Raises:
        ServableNotFoundError: If there is no version.
        InvalidInputError: If the version lacks what an export needs, a display name breaks a rule,
            or the new version would answer otherwise than the card.
        ExportError: If the new version cannot be written.
        MissingExtraError: If TensorFlow is not installed.
    """
    version_dir = find_version(Path(model_dir))
    names = None if display_names is None else as_display_names(display_names)
    with train_imports("exporting a version again"):
        from lstm_sentiment.export.reexport import reexport_version

    try:
        return reexport_version(version_dir, _check_answers, default_signature, names)
    except LightEngineRefusedError as error:
        raise InvalidInputError(f"{version_dir}: {error}") from error


def _check_answers(version_dir: Path) -> None:
    if (version_dir / LIGHT).is_dir() and example_answers(version_dir, load_card(version_dir)):
        load_light_servable(version_dir)
