"""The test set of a version, which is in the folder of the run that made the version.

The card of a version holds the path of that file, relative to the base path, and the fingerprint of
the texts, so a project can be moved, and other texts under the same name are not taken for them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.reading import read_corpus
from lstm_sentiment.version_folder import load_card

_FILE = "file"
_TRY = "give texts with `--data FILE`"


def with_test_file(
    fingerprints: Mapping[str, Mapping[str, Any]], test_file: Path, base_path: Path
) -> dict[str, Mapping[str, Any]]:
    """Returns the fingerprints of a run's texts with the path of the test set, for a card.

    Args:
        fingerprints: As in a card's `data`, by name, `test` among them.
        test_file: The file that holds the test set.
        base_path: Folder of the versions.
    """
    relative = os.path.relpath(os.path.realpath(test_file), os.path.realpath(base_path))
    return {**fingerprints, "test": {**fingerprints["test"], _FILE: Path(relative).as_posix()}}


def read_test_texts(version_dir: Path) -> tuple[Corpus, Path]:
    """Reads the test set of the run that made a version.

    Args:
        version_dir: The version's folder.

    Returns:
        The texts, with the classes in the order of the version, and the file that holds them.

    Raises:
        InvalidInputError: If the version's card names no such file, or the file is gone or holds
            other texts.
    """
    card = load_card(version_dir) or {}
    facts = _mapping(_mapping(card.get("data")).get("test"))
    named, labels = facts.get(_FILE), card.get("labels")
    if not isinstance(named, str) or not isinstance(labels, list):
        raise InvalidInputError(
            f"{version_dir}: its card does not name the file of its test set; {_TRY}."
        )
    path = _find(version_dir, named)
    corpus = read_corpus([path], label_names=[str(label) for label in labels])
    if corpus.fingerprint()["sha256"] != facts.get("sha256"):
        raise InvalidInputError(
            f"{path}: must hold the test set of {version_dir}, unchanged. Received: other texts or "
            f"labels; `--data {path}` evaluates on them as they are."
        )
    return corpus, path


def _find(version_dir: Path, named: str) -> Path:
    base = os.path.realpath(version_dir.parent)
    path = Path(os.path.normpath(os.path.join(base, named)))
    # Versions are copied to other places and evaluated from the folder of the project.
    for candidate in (path, Path("runs", path.parent.name, path.name)):
        if candidate.is_file():
            return _from_here(candidate)
    raise InvalidInputError(
        f"{path}: the test set of {version_dir} must be there. Received: no such file; was the "
        f"folder of the run moved or deleted? Then {_TRY}."
    )


def _from_here(path: Path) -> Path:
    """Returns a path as seen from the working folder, if it is below that folder."""
    try:
        return path.relative_to(os.path.realpath(os.curdir))
    except ValueError:
        return path


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
