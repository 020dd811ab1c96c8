"""What a version's folder says of itself: the model's name, its number, its card."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.suggestions import did_you_mean_file
from lstm_sentiment.unicode import replace_surrogates

if TYPE_CHECKING:
    pass


# As `export_servable` writes it, whose module would bring TensorFlow.
_CARD = Path("assets.extra") / "sentiment.json"


@dataclass(frozen=True)
class ExampleAnswer:
    """A text that the card holds, and what the model said of it when it was trained.

    Attributes:
        text: Raw.
        tokens: Of it, as the tokenizer cuts.
        token_ids: Of it, as the model sees them: at most `max_length`.
        label: The most probable one.
        probabilities: One for each class.
    """

    text: str
    tokens: tuple[str, ...]
    token_ids: tuple[int, ...]
    label: str
    probabilities: tuple[float, ...]


def servable_name(version_dir: Path) -> str:
    """The name of the base path's folder: that of the model, unless a server was told another."""
    return Path(os.path.abspath(version_dir)).parent.name


def version_number(version_dir: Path) -> int | None:
    """The number that the folder's name is; `None` where it is none."""
    name = Path(os.path.abspath(version_dir)).name
    return int(name) if name.isascii() and name.isdigit() else None


def load_card(version_dir: Path) -> Mapping[str, Any] | None:
    """Reads what `export_servable` wrote of the version.

    Args:
        version_dir: The version's folder.

    Returns:
        What `assets.extra/sentiment.json` holds; `None` where there is no such file.

    Raises:
        InvalidInputError: If there is one that is no JSON object or cannot be read.
    """
    path = version_dir / _CARD
    try:
        card = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidInputError(f"{path}: must be a JSON object. Received: {error}.") from error
    if not isinstance(card, dict):
        raise InvalidInputError(f"{path}: must be a JSON object. Received: {type(card).__name__}.")
    return card


def example_answers(version_dir: Path, card: Mapping[str, Any] | None) -> tuple[ExampleAnswer, ...]:
    """The texts of a card, with the answers that training computed.

    Args:
        version_dir: Of the version, for messages.
        card: What `load_card` read.

    Returns:
        None where there is no card, or one of a release that wrote no examples.

    Raises:
        InvalidInputError: If the examples have another form.
    """
    try:
        return tuple(
            ExampleAnswer(
                replace_surrogates(str(example["text"])),
                tuple(map(str, example["tokens"])),
                tuple(map(int, example["token_ids"])),
                str(example["label"]),
                tuple(map(float, example["probabilities"])),
            )
            for example in (card or {}).get("examples", ())
        )
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidInputError(
            f"{version_dir}: each example of its card must have text, tokens, token_ids, label "
            f"and probabilities. Received: {type(error).__name__}: {error}."
        ) from error


_VERSION_FOLDER = re.compile(r"[0-9]+")


_MAX_VERSION = 2**63 - 1


def version_folders(base_path: Path) -> dict[int, Path]:
    """Finds the versions under a base path.

    Args:
        base_path: The folder of a servable stream.

    Returns:
        The folder of each version. Only names of plain decimal digits count; of `007` and
        `7`, two names of one version, `7` is taken.

    Raises:
        OSError: If the base path is missing or cannot be read.
    """
    folders = {}
    for folder in sorted(base_path.iterdir()):
        if _VERSION_FOLDER.fullmatch(folder.name) and folder.is_dir():
            version = int(folder.name)
            if version <= _MAX_VERSION:
                folders[version] = folder
    return folders


def find_version(model_dir: Path) -> Path:
    """The version folder that `model_dir` is, or the highest below it.

    Raises:
        ServableNotFoundError: If there is none.
    """
    if (model_dir / "saved_model.pb").is_file():
        return model_dir
    versions = version_folders(model_dir) if model_dir.is_dir() else {}
    if not versions:
        raise ServableNotFoundError(
            f"{model_dir}: must be a version's folder, or hold numbered versions. "
            f"Received: {'a folder without any' if model_dir.is_dir() else 'no folder'}."
            f"{'' if model_dir.exists() else did_you_mean_file(model_dir)}"
        )
    return versions[max(versions)]


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
