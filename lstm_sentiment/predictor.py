"""Asks an exported version without a server, in this process."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.serving.servable import ServableId
from lstm_sentiment.serving.source import version_folders
from lstm_sentiment.text.unicode import replace_surrogates

if TYPE_CHECKING:
    from lstm_sentiment.client import Prediction


class SavedModelPredictor:
    """A version loaded into this process; the same graph that a server would run.

        SavedModelPredictor("models/sentiment").predict(["房间很干净"])

    Attributes:
        version_dir: The folder that was loaded.
    """

    def __init__(self, model_dir: str | os.PathLike[str]) -> None:
        """Loads a version.

        Args:
            model_dir: A version's folder, or a servable's base path, of which the highest version
                is taken.

        Raises:
            ServableNotFoundError: If there is no version.
            ServableUnavailableError: If the version cannot be loaded.
        """
        from lstm_sentiment.serving.loader import SavedModelLoader

        self.version_dir = find_version(Path(model_dir))
        name = self.version_dir.name
        self._version = int(name) if name.isascii() and name.isdigit() else None
        servable_id = ServableId(self.version_dir.absolute().parent.name, self._version or 0)
        self._servable = SavedModelLoader(servable_id, self.version_dir, warmup=False).load()

    def predict(
        self, texts: Sequence[str], *, signature: str = "text", batch_size: int = 128
    ) -> "list[Prediction]":
        """Classifies texts.

        Args:
            texts: At least one. For the signature `tokens`, each is already segmented.
            signature: `text` or `tokens`.
            batch_size: Texts computed at once.

        Returns:
            One prediction for each text, in order.

        Raises:
            InvalidInputError: If `texts` is empty or one string, or the version has no such
                signature.
        """
        if isinstance(texts, str) or len(texts) == 0:
            raise InvalidInputError(f"`texts` must be a list of texts. Received: {texts!r}.")
        predictions: list[Prediction] = []
        for start in range(0, len(texts), batch_size):
            predictions += self._predict_batch(texts[start : start + batch_size], signature)
        return predictions

    def _predict_batch(self, texts: Sequence[str], signature: str) -> "list[Prediction]":
        from lstm_sentiment.client import Prediction

        values = np.array([replace_surrogates(text).encode() for text in texts], dtype=object)
        outputs = self._servable.run(signature, {signature: values})
        rows = zip(
            outputs["label"],
            outputs["classification"].tolist(),
            outputs["probabilities"].tolist(),
            strict=True,
        )
        return [
            Prediction(label.decode(), classification, tuple(probabilities), self._version)
            for label, classification, probabilities in rows
        ]


def prediction_record(text: str, prediction: "Prediction") -> dict[str, Any]:
    """A text and its prediction as `predict --json` and `score` write them."""
    return {
        "text": text,
        "label": prediction.label,
        "classification": prediction.classification,
        "probabilities": list(prediction.probabilities),
    }


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
        )
    return versions[max(versions)]
