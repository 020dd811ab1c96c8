"""Loads an exported version into this process and computes its predictions."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.serving.servable import Array
from lstm_sentiment.text.corpus.python_values import texts_of
from lstm_sentiment.version_folder import (
    LABELS,
    TEXT_STATISTICS,
    find_version,
    version_number,
)
from lstm_sentiment.versions.loading import load_servable

if TYPE_CHECKING:
    from lstm_sentiment.client.predict_client import Explanation, Prediction


class SavedModelPredictor:
    """A version loaded into this process, by the engine that a server would load it by.

        SavedModelPredictor("models/sentiment").predict(["房间很干净"])

    Attributes:
        version_dir: The version's folder.
        version: Its number; `None` if the folder's name is not a number.
    """

    def __init__(self, model_dir: str | os.PathLike[str], engine: Engine = "auto") -> None:
        """Loads a version.

        A SavedModel is a program that runs with the rights of this process. Load only SavedModels
        that you trust, or use the engine `light`, whose twins are not programs.

        Args:
            model_dir: A version's folder, or a base path (the folder of a model's versions), whose
                highest version is used.
            engine: `light` loads the version's light twin, `tensorflow` its SavedModel; `auto` the
                twin if it exists and its answers agree with the version's card, otherwise the
                SavedModel.

        Raises:
            InvalidInputError: If the engine is none of these.
            ServableNotFoundError: If there is no version.
            ServableUnavailableError: If the version cannot be loaded.
            MissingExtraError: If it needs TensorFlow, which is not installed.
        """
        self.version_dir = find_version(Path(model_dir))
        self.version = version_number(self.version_dir)
        self._servable = load_servable(self.version_dir, engine)

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """The class names in id order, read from `assets/labels.txt`.

        Raises:
            InvalidInputError: If the file is missing or cannot be read.
        """
        path = self.version_dir / LABELS
        try:
            return tuple(path.read_text("utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(
                f"{path}: must hold one class a line. Received: {type(error).__name__}."
            ) from error

    def predict(
        self, texts: Sequence[str], *, signature: str = "text", batch_size: int = 128
    ) -> "list[Prediction]":
        """Classifies texts.

        Args:
            texts: At least one. For the signature `tokens`, texts with spaces between tokens.
            signature: `text` or `tokens`.
            batch_size: Texts computed at once.

        Returns:
            One prediction for each text, in order.

        Raises:
            InvalidInputError: If `texts` is empty or one string, or the version has no such
                signature.
        """
        from lstm_sentiment.client.predict_client import Prediction

        return [
            Prediction(label.decode(), classification, tuple(probabilities), self.version)
            for outputs in self._outputs(texts, signature, signature, batch_size)
            for label, classification, probabilities in zip(
                outputs["label"],
                outputs["classification"].tolist(),
                outputs["probabilities"].tolist(),
                strict=True,
            )
        ]

    def explain(self, texts: Sequence[str], *, batch_size: int = 16) -> "list[Explanation]":
        """Classifies texts and attributes each label's score to the tokens.

        Args:
            texts: At least one.
            batch_size: Texts computed at once.

        Raises:
            InvalidInputError: If `texts` is empty or one string, or the version has no signature
                `explain`.
        """
        from lstm_sentiment.client.answers import explanation

        names = ("label", "probabilities", "tokens", "attributions")
        return [
            explanation(self.version, *row)
            for outputs in self._outputs(texts, "explain", "text", batch_size)
            for row in zip(*(outputs[name].tolist() for name in names), strict=True)
        ]

    def text_statistics(
        self, texts: Sequence[str], *, batch_size: int = 128
    ) -> dict[str, Array] | None:
        """Counts characters, tokens, truncated tokens and OOV tokens of texts.

        Args:
            texts: At least one.
            batch_size: Texts computed at once.

        Returns:
            The outputs of the signature `text_statistics`, int32 `(texts,)` each; `None` if the
            version lacks the signature, as in older releases.

        Raises:
            InvalidInputError: If `texts` is empty or one string.
        """
        if TEXT_STATISTICS not in self._servable.signatures:
            return None
        batches = list(self._outputs(texts, TEXT_STATISTICS, "text", batch_size))
        return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}

    def _outputs(
        self, texts: Sequence[str], signature: str, name: str, batch_size: int
    ) -> Iterator[Mapping[str, Array]]:
        if isinstance(texts, str):
            raise InvalidInputError(f"`texts` must be a list of texts. Received: {texts!r}.")
        if not (texts := texts_of(texts)):
            raise InvalidInputError("There must be at least one text. Received: none.")
        for start in range(0, len(texts), batch_size):
            batch = texts[start : start + batch_size]
            values = np.array([text.encode() for text in batch], dtype=object)
            yield self._servable.run(signature, {name: values})
