"""A version that a classifier predicts with: in a folder of the user's, or in one of its own."""

import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.estimator.classes import Classes
from lstm_sentiment.progress import SILENT, in_parts, muted_below
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.system import sync_to_disk
from lstm_sentiment.version_folder import ESTIMATOR, find_version
from lstm_sentiment.versions.predictor import SavedModelPredictor

if TYPE_CHECKING:
    from lstm_sentiment.predictions import Explanation

_FORMAT = 1
_NAME = "unsaved"
_AT_ONCE = 128
_MANY_TEXTS = 2_000


class KeptVersion:
    """A version in a folder, loaded at its first answer; it is pickled with all its files.

    Attributes:
        folder: The version's folder.
    """

    def __init__(self, folder: Path, engine: Engine = "auto") -> None:
        """Keeps the folder; `engine` is that of `SavedModelPredictor`."""
        self.folder = folder
        self._engine = engine
        self._own: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def found(cls, path: str | os.PathLike[str], engine: Engine) -> "KeptVersion":
        """Returns a version, or the highest one of a base path.

        Raises:
            ServableNotFoundError: If there is no version.
        """
        return cls(find_version(Path(path)), engine)

    @classmethod
    def written(cls, write: Callable[[Path], Path]) -> "KeptVersion":
        """Returns a version in a temporary folder, which is deleted with this object.

        Args:
            write: Called with a base path; returns the folder of the version that it has written.
        """
        own = tempfile.TemporaryDirectory(prefix="lstm-sentiment-")
        # Without a number: it is none of a servable's versions.
        kept = cls(write(Path(own.name)).rename(Path(own.name) / _NAME))
        kept._own = own
        return kept

    @cached_property
    def predictor(self) -> SavedModelPredictor:
        """The loaded version; the errors are those of `SavedModelPredictor`."""
        return SavedModelPredictor(self.folder, self._engine)

    def probabilities(self, texts: list[str]) -> NDArray[np.float64]:
        """Returns the probabilities of the version's classes, `(texts, classes)`."""
        progress = muted_below(_MANY_TEXTS, len(texts), SILENT)
        return np.array(
            [
                answer.probabilities
                for part in in_parts(texts, _AT_ONCE, "Predicting", progress)
                for answer in self.predictor.predict(part, batch_size=_AT_ONCE)
            ]
        )

    def explain(self, texts: list[str]) -> "list[Explanation]":
        """Returns the label of each text, with the weight of each token."""
        return self.predictor.explain(texts)

    def copy_to(self, folder: Path) -> None:
        """Copies the version's files to an empty folder and syncs them to disk."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        for path in (*folder.rglob("*"), folder):
            sync_to_disk(path)

    def __getstate__(self) -> dict[str, Any]:
        """Returns the files of the version, compressed."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for path in sorted(self.folder.rglob("*")):
                packed.write(path, path.relative_to(self.folder))
        return {"archive": archive.getvalue(), "engine": self._engine}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Writes the files to a temporary folder."""
        self._own = tempfile.TemporaryDirectory(prefix="lstm-sentiment-")
        self.folder, self._engine = Path(self._own.name) / _NAME, state["engine"]
        with zipfile.ZipFile(io.BytesIO(state["archive"])) as packed:
            packed.extractall(self.folder)


def save_estimator(folder: Path, parameters: Mapping[str, Any], classes: Classes) -> None:
    """Writes the parameters and classes of a classifier into its version, and syncs the file.

    Args:
        folder: The version's folder.
        parameters: Those that JSON cannot hold, such as word vectors in memory, are left out.
        classes: Its labels.
    """
    kept = {name: value for name, value in parameters.items() if _is_json(value)}
    content = {"format": _FORMAT, "parameters": kept, "classes": classes.to_json()}
    path = folder / ESTIMATOR
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    sync_to_disk(path)


def load_estimator(folder: Path, names: Sequence[str]) -> tuple[Mapping[str, Any], Classes] | None:
    """Returns the parameters and classes of a version; `None` if `save_estimator` wrote none.

    Args:
        folder: The version's folder.
        names: The names of its classes.

    Raises:
        InvalidInputError: If the file is damaged, of a later release or of other classes.
    """
    path = folder / ESTIMATOR
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']!r}")
        classes = Classes.from_json(content["classes"])
        if sorted(classes.names) != sorted(names):
            raise ValueError(f"labels {', '.join(classes.names)}")
        return dict(content["parameters"]), classes
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InvalidInputError(
            f"{path}: must be as `TextClassifier.save` wrote it. Received: {error}."
        ) from error


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
