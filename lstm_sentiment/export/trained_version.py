"""Loading of a version, to continue its training."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from lstm_sentiment import version_folder
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.model.character_view import CharacterSizes
from lstm_sentiment.model.config import SIZES, ModelConfig
from lstm_sentiment.model.embedding_storage import StoredMatrix
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.text.tokenizer import Tokenizer, make_tokenizer
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.text.vocabulary import OOV_TOKEN, Vocabulary
from lstm_sentiment.training.warm_start import StartWeights
from lstm_sentiment.version_digests import check_version
from lstm_sentiment.version_folder import CARD, OOV_ID, TEXTS_SEEN, VOCABULARY, find_version


@dataclass(frozen=True)
class TrainedVersion:
    """A version from which training can continue.

    Attributes:
        path: The version's folder.
        weights: Its weights and classes.
        vectors: Its words with their trained vectors, and that of `[OOV]`.
        texts_seen: Digests of all texts that it was trained on or chosen by: see `near_digests`.
        card: The content of its `sentiment.json`.
    """

    path: Path
    weights: StartWeights
    vectors: WordVectors
    texts_seen: NDArray[np.uint64]
    card: Mapping[str, Any]

    def tokenizer(self, word_counts: Mapping[str, float] | None = None) -> Tokenizer:
        """Returns the tokenizer that the version was trained with.

        `word_counts` is the tokenizer's dictionary, if it has one: a version does not store it.

        Raises:
            InvalidInputError: If the tokenizer needs a dictionary and none is given.
        """
        options = dict(self.card["tokenizer_options"])
        if options.pop("word_counts", None) and word_counts is None:
            raise InvalidInputError(
                f"{self.path}: cuts by a dictionary, which must be given as `dictionary`. "
                "Received: none."
            )
        return make_tokenizer(
            self.card["tokenizer"], self.vectors.vocabulary(), word_counts=word_counts, **options
        )

    def sized(self, config: ModelConfig) -> ModelConfig:
        """Returns `config` with the sizes of this version's model."""
        own = self.weights.model.config
        return replace(config, **{name: getattr(own, name) for name in SIZES})


def load_trained_version(path: str | os.PathLike[str]) -> TrainedVersion:
    """Loads the weights and words of a version, or of the highest version of a base path.

    Raises:
        InvalidInputError: If there is no version, or the version lacks what training needs.
    """
    try:
        folder = find_version(Path(path))
    except ServableNotFoundError as error:
        raise InvalidInputError(str(error)) from error
    with reading_version(folder):
        card = load_card(folder)
        texts_seen = np.load(folder / TEXTS_SEEN)
        vocabulary = Vocabulary.load(folder / VOCABULARY)
        model = load_model(folder, card)
    matrix = model.embedding.merged_matrix()
    vectors = WordVectors((*vocabulary.tokens, OOV_TOKEN), np.roll(matrix[OOV_ID:], -1, axis=0))
    weights = StartWeights(model, tuple(card["labels"]))
    return TrainedVersion(folder, weights, vectors, texts_seen, card)


@contextmanager
def reading_version(folder: Path) -> Iterator[None]:
    """Reports whatever goes wrong while a version is read as a fault of the version.

    Raises:
        InvalidInputError: In the place of errors of missing, damaged and foreign files.
    """
    check_version(folder)
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, tf.errors.OpError, DecodeError) as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"a version without {reason}"
        raise InvalidInputError(
            f"{folder}: must be a version that this release of `fit` wrote. "
            f"Received: {reason.removesuffix('.')}."
        ) from error


def load_card(folder: Path) -> Mapping[str, Any]:
    """Reads the card of a version that `fit` wrote.

    Raises:
        KeyError: If the version has none, as that of another program.
        InvalidInputError: If the card cannot be read.
    """
    card = version_folder.load_card(folder)
    if card is None:
        raise KeyError(str(CARD))
    return card


def load_model(folder: Path, card: Mapping[str, Any]) -> SentimentModel:
    """Makes a version's model, with variables from the SavedModel's own checkpoint.

    Args:
        folder: The version's folder.
        card: The version's card.

    Raises:
        Exception: One of those that `reading_version` reports, if a file is damaged or another
            release wrote the version.
    """
    sizes = card.get("character_sizes")
    model = SentimentModel(
        card["vocabulary_size"],
        card["embedding_dim"],
        len(card["labels"]),
        ModelConfig.from_dict(card["model"]),
        num_ngrams=card["num_ngrams"],
        character_sizes=sizes and CharacterSizes(**sizes),
        use_cudnn=False,
    )
    stored = tf.train.load_checkpoint(str(folder / "variables" / "variables"))

    def value(name: str) -> Any:
        return stored.get_tensor(f"network/{name}/.ATTRIBUTES/VARIABLE_VALUE")

    scaled = model.config.embedding_storage == "int8"
    scales = value("embedding/scales") if scaled else None
    model.embedding.load_matrix(StoredMatrix(value("embedding/values"), scales).expanded())
    for layer in model.layers_with_weights():
        layer.set_weights(
            [value(f"weights/{layer.name}/{place}") for place in range(len(layer.weights))]
        )
    return model
