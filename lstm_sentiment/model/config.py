"""Hyperparameters of a `SentimentModel`."""

from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal, get_args

from lstm_sentiment.checks import one_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.ranges import (
    LAYERS,
    SHARE_BELOW_ONE,
    TEXT_LENGTH,
    WIDTH,
    Range,
    check_fields,
    integers,
)

_NGRAMS = integers(0, 3)
_CHARACTER_NGRAMS = Range("an integer from 0 to 6", 0, 6, is_integer=True, words=("auto",))

SIZES = ("lstm_units", "lstm_layers", "bidirectional", "pooling", "members")
"""Settings that decide the shapes of the weights between word vectors and logits."""

Pooling = Literal["max_mean", "max", "mean", "attention", "last"]
EmbeddingStorage = Literal["int8", "float16", "float32"]


@dataclass(frozen=True)
class ModelConfig:
    """Hyperparameters of the classifier.

    Attributes:
        lstm_units: Width of each LSTM direction.
        lstm_layers: Number of stacked LSTM layers.
        bidirectional: Each layer reads the text forward and backward.
        pooling: Reduction of a text's states to one vector: `max`, `mean` or both (`max_mean`) over
            real tokens, a mean weighted by `attention`, or the `last` state of each direction.
        trainable_embeddings: Training updates the word vectors of tokens that occur twice or more
            in the training texts.
        embedding_storage: Number format of the word vectors in the trained classifier and its
            versions: see `store_matrix`. Training uses float32.
        embedding_dropout: Share of the embedding's channels dropped for a whole text in training
            (spatial dropout), from 0 to below 1.
        recurrent_dropout: Share of the LSTM state's channels hidden from the next step in training,
            the same for all steps of a text, from 0 to below 1.
        dropout: Share of the pooled vector dropped in training, from 0 to below 1.
        members: Number of LSTMs over the same word vectors, each with its own pooling and dense
            layer. They are trained together, and the result is the mean of their logits
            (Dietterich, 2000, https://doi.org/10.1007/3-540-45014-9_1).
        ngrams: Length in tokens of the longest n-grams of the linear classifier beside the LSTM:
            see `NgramView`. 0 leaves the linear classifier out.
        character_ngrams: Length in characters of the longest n-grams of a second linear classifier:
            see `CharacterView`. 0 leaves it out. "auto" uses 3 for texts without
            spaces and 5 for texts with spaces, and leaves it out if `ngrams` is 0 or the
            tokens are single characters.
        max_length: Tokens kept of each text, from the front, in training and in every signature.
    """

    lstm_units: Annotated[int, WIDTH] = 64
    lstm_layers: Annotated[int, LAYERS] = 1
    bidirectional: bool = True
    pooling: Pooling = "max_mean"
    trainable_embeddings: bool = False
    embedding_storage: EmbeddingStorage = "int8"
    embedding_dropout: Annotated[float, SHARE_BELOW_ONE] = 0.2
    recurrent_dropout: Annotated[float, SHARE_BELOW_ONE] = 0.0
    dropout: Annotated[float, SHARE_BELOW_ONE] = 0.3
    members: Annotated[int, LAYERS] = 1
    ngrams: Annotated[int, _NGRAMS] = 3
    character_ngrams: Annotated[int | Literal["auto"], _CHARACTER_NGRAMS] = "auto"
    max_length: Annotated[int, TEXT_LENGTH] = 200

    def __post_init__(self) -> None:
        """Raises `InvalidInputError` if a value is out of range or unknown."""
        check_fields(self)
        one_of(get_args(Pooling), pooling=self.pooling)
        one_of(get_args(EmbeddingStorage), embedding_storage=self.embedding_storage)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelConfig":
        """Makes a config from the result of `to_dict`.

        Raises:
            InvalidInputError: If a name is unknown or a value breaks its rule.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InvalidInputError(
                f"Model settings must be among: {', '.join(sorted(known))}. "
                f"Received: {unknown[0]!r}."
            )
        return cls(**values)
