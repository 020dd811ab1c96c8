"""What a `SentimentModel` is made of."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from lstm_sentiment.checks import in_range, one_of, positive, share_below_one
from lstm_sentiment.errors import InvalidInputError

_LONGEST_NGRAM = 3

Pooling = Literal["max_mean", "max", "mean", "attention", "last"]
EmbeddingStorage = Literal["int8", "float16", "float32"]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and switches of the LSTM classifier; everything but its weights.

    Attributes:
        lstm_units: Width of each LSTM direction.
        lstm_layers: Number of LSTM layers, one upon the other.
        bidirectional: Whether each layer reads the text both ways.
        pooling: How the states of a text become one vector: the `max`, the `mean` or both
            (`max_mean`) over its real tokens, a mean weighted by `attention`, or the `last` state
            of each direction.
        trainable_embeddings: Whether training moves the word vectors: those of tokens that occur
            twice or more in the training texts.
        embedding_storage: In how many bits the trained classifier keeps its word vectors, in every
            version made of it: see `store_matrix`. Training itself uses float32.
        embedding_dropout: Share of the embedding's channels dropped for a whole text in training
            (spatial dropout), from 0 to below 1.
        recurrent_dropout: Share of the LSTM state's channels that the next step does not see, in
            training and the same for a whole text, from 0 to below 1.
        dropout: Share of the pooled vector dropped in training, from 0 to below 1.
        ngrams: Tokens of the longest n-grams that a linear classifier looks at beside the LSTM:
            see `NgramView`. 0 leaves it out.
        max_length: Texts keep their first `max_length` tokens, in training and in every signature.
    """

    lstm_units: int = 64
    lstm_layers: int = 1
    bidirectional: bool = True
    pooling: Pooling = "max_mean"
    trainable_embeddings: bool = False
    embedding_storage: EmbeddingStorage = "int8"
    embedding_dropout: float = 0.2
    recurrent_dropout: float = 0.0
    dropout: float = 0.3
    ngrams: int = 3
    max_length: int = 200

    def __post_init__(self) -> None:
        """Checks every field.

        Raises:
            InvalidInputError: If one breaks its rule.
        """
        positive(
            lstm_units=self.lstm_units, lstm_layers=self.lstm_layers, max_length=self.max_length
        )
        in_range(0, _LONGEST_NGRAM, ngrams=self.ngrams)
        share_below_one(
            embedding_dropout=self.embedding_dropout,
            recurrent_dropout=self.recurrent_dropout,
            dropout=self.dropout,
        )
        one_of(get_args(Pooling), pooling=self.pooling)
        one_of(get_args(EmbeddingStorage), embedding_storage=self.embedding_storage)

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelConfig":
        """Makes a config of what `to_dict` gave.

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
