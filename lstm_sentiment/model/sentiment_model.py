"""The Keras model."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from lstm_sentiment.checks import positive
from lstm_sentiment.model.batch_dropout import BatchDropout, BatchSpatialDropout1D
from lstm_sentiment.model.character_view import CharacterSizes, CharacterView
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.layers import MaskedPooling, PretrainedEmbedding
from lstm_sentiment.model.ngram_view import NgramView, mixed
from lstm_sentiment.model.recurrence import FastLSTM


class Member(NamedTuple):
    """One member of an ensemble: what lies between the word vectors and its logits.

    Attributes:
        lstm_layers: The LSTM layers, the first first.
        pooling: Reduces the last layer's states to one vector; `None` for the last state.
        logits: The dense layer after the pooling.
    """

    lstm_layers: Sequence[FastLSTM]
    pooling: MaskedPooling | None
    logits: keras.layers.Dense

    def layers(self) -> list[keras.layers.Layer]:
        """Returns all layers in their order."""
        return [*self.lstm_layers, *([] if self.pooling is None else [self.pooling]), self.logits]


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class SentimentModel(keras.Model):
    """Pretrained embeddings, LSTM, pooling over real tokens, dense layer to logits.

    With several `members`, LSTM, pooling and dense layer are there once a member, and the logits
    are the mean of the members'.

    With `num_ngrams` or `character_sizes`, the logits are mixed with those of linear classifiers of
    n-grams, except in training, where the LSTM learns alone.

    Call arguments:
        token_ids: int `(batch, time)`, padded with `PAD_ID`, at least one real token in each row.
            On a GPU padding must be on the right, for cuDNN's LSTM.

    Call returns:
        float32 logits `(batch, num_classes)`, independent of the amount of padding.

    Masking:
        Computed from `token_ids`; a mask argument is ignored.

    Attributes:
        embedding: The word vectors, assigned by `embedding.load_matrix`.
        lstm_layers: The LSTM layers of the first member, the first first.
        pooling: The pooling of the first member; `None` for the last state.
        logits: The dense layer of the first member.
        ngram_view: The linear classifier of n-grams, or `None`.
        character_view: The linear classifier of character n-grams, or `None`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        num_classes: int,
        config: ModelConfig | None = None,
        *,
        num_trained_rows: int = 0,
        num_ngrams: int = 0,
        character_sizes: CharacterSizes | None = None,
        use_cudnn: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Creates and builds all layers.

        Args:
            vocabulary_size: Number of token ids, the two special ids included.
            embedding_dim: Width of the word vectors.
            num_classes: Number of classes, at least 2.
            config: Hyperparameters; `None` takes the defaults.
            num_trained_rows: Number of word vectors to train while the rest is frozen: see
                `PretrainedEmbedding`. 0 trains all or none (`config.trainable_embeddings`).
            num_ngrams: Number of n-grams of the linear classifier; 0 leaves it out.
            character_sizes: Sizes of the linear classifier of character n-grams; `None` leaves it
                out.
            use_cudnn: As in `keras.layers.LSTM`. `False` makes a trace that runs on any device.
            **kwargs: Passed to `keras.Model`.

        Raises:
            InvalidInputError: If a size is not positive.
        """
        super().__init__(**kwargs)
        positive(
            vocabulary_size=vocabulary_size, embedding_dim=embedding_dim, num_classes=num_classes
        )
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.num_classes = num_classes
        self.config = config or ModelConfig()
        self.embedding = PretrainedEmbedding(
            vocabulary_size,
            embedding_dim,
            frozen=not self.config.trainable_embeddings or num_trained_rows > 0,
            num_trained_rows=num_trained_rows,
            name="embedding",
        )
        self.embedding_dropout = BatchSpatialDropout1D(
            self.config.embedding_dropout, name="embedding_dropout"
        )
        # The names of the first member's attributes and layers are those of a model without
        # others, so that files and versions keep them.
        self.lstm_layers, self.pooling = self._lstm_layers("", use_cudnn), self._pooling("")
        self.dropout = BatchDropout(self.config.dropout, name="dropout")
        self.logits = self._dense("")
        others = [f"_of_member_{member}" for member in range(1, self.config.members)]
        self.other_lstm_layers = [
            layer for suffix in others for layer in self._lstm_layers(suffix, use_cudnn)
        ]
        self.other_poolings = [] if self.pooling is None else [*map(self._pooling, others)]
        self.other_logits = [self._dense(suffix) for suffix in others]
        self.num_ngrams = num_ngrams
        self.ngram_view = (
            NgramView(num_ngrams, num_classes, self.config.ngrams, dtype="float32", name="ngrams")
            if num_ngrams
            else None
        )
        self.character_sizes = character_sizes
        self.character_view = (
            CharacterView(
                character_sizes, num_classes, vocabulary_size, dtype="float32", name="characters"
            )
            if character_sizes
            else None
        )
        self.build((None, None))

    def _lstm_layers(self, suffix: str, use_cudnn: bool | str) -> list[FastLSTM]:
        config = self.config
        return [
            FastLSTM(
                config.lstm_units,
                bidirectional=config.bidirectional,
                return_sequences=config.pooling != "last" or layer < config.lstm_layers - 1,
                recurrent_dropout=config.recurrent_dropout,
                use_cudnn=use_cudnn,
                name=f"lstm_{layer}{suffix}",
            )
            for layer in range(config.lstm_layers)
        ]

    def _pooling(self, suffix: str) -> MaskedPooling | None:
        pooling = self.config.pooling
        return None if pooling == "last" else MaskedPooling(pooling, name=f"pooling{suffix}")

    def _dense(self, suffix: str) -> keras.layers.Dense:
        # Logits stay float32 under mixed precision: the loss is not stable otherwise.
        return keras.layers.Dense(self.num_classes, dtype="float32", name=f"logits{suffix}")

    @property
    def members(self) -> list[Member]:
        """The members of the ensemble, at least one."""
        first = Member(self.lstm_layers, self.pooling, self.logits)
        count = self.config.lstm_layers
        return [
            first,
            *(
                Member(
                    self.other_lstm_layers[place * count : (place + 1) * count],
                    self.other_poolings[place] if self.other_poolings else None,
                    logits,
                )
                for place, logits in enumerate(self.other_logits)
            ),
        ]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates all weights; `input_shape` is `(batch, time)`."""
        if self.built:
            return
        self.embedding.build(input_shape)
        for member in self.members:
            shape: tuple[int | None, ...] = (*input_shape, self.embedding_dim)
            for lstm in member.lstm_layers:
                lstm.build(shape)
                shape = lstm.compute_output_shape(shape)
            if member.pooling is not None:
                member.pooling.build(shape)
            width = shape[-1] or 0
            member.logits.build((None, 2 * width if self.config.pooling == "max_mean" else width))
        for view in self.views():
            view.build()
        super().build(input_shape)

    def call(self, token_ids: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Computes logits: int `(batch, time)` to float32 `(batch, num_classes)`."""
        mask = self.embedding.compute_mask(token_ids)
        logits = self.lstm_logits(self.embedding(token_ids), mask, training=training)
        return logits if training else mixed(self.views(), token_ids, logits)

    def lstm_logits(self, vectors: Any, mask: Any, *, training: bool | None = None) -> Any:
        """Computes the LSTM's logits, without the n-grams, from word vectors.

        Args:
            vectors: float `(batch, time, embedding_dim)`.
            mask: bool `(batch, time)`, True at real tokens.
            training: Applies dropout if true.

        Returns:
            float32 `(batch, num_classes)`, the mean of all members.
        """
        return mean_logits(
            [self._logits_of(each, vectors, mask, training) for each in self.members]
        )

    def member_logits(self, token_ids: Any, *, training: bool | None = None) -> list[Any]:
        """Computes each member's logits, without the n-grams.

        In training each member has its own dropout, so that it learns as it would alone.

        Args:
            token_ids: int `(batch, time)`.
            training: Applies dropout if true.

        Returns:
            float32 `(batch, num_classes)` of each member.
        """
        mask, vectors = self.embedding.compute_mask(token_ids), self.embedding(token_ids)
        return [self._logits_of(member, vectors, mask, training) for member in self.members]

    def _logits_of(self, member: Member, vectors: Any, mask: Any, training: bool | None) -> Any:
        states = self.embedding_dropout(vectors, training=training)
        for lstm in member.lstm_layers:
            states = lstm(states, mask=mask, training=training)
        pooled = states if member.pooling is None else member.pooling(states, mask=mask)
        return member.logits(self.dropout(pooled, training=training))

    def without_cudnn(self) -> "SentimentModel":
        """Returns a copy for export, with the same scores but without GPU-only ops.

        The trained rows of the embedding are merged into its matrix.
        """
        twin = type(self)(
            self.vocabulary_size,
            self.embedding_dim,
            self.num_classes,
            self.config,
            num_ngrams=self.num_ngrams,
            character_sizes=self.character_sizes,
            use_cudnn=False,
            name=self.name,
        )
        twin.embedding.load_matrix(self.embedding.merged_matrix())
        for ours, theirs in zip(
            self.layers_with_weights(), twin.layers_with_weights(), strict=True
        ):
            theirs.set_weights(ours.get_weights())
        return twin

    def views(self) -> list[NgramView]:
        """Returns the linear classifiers whose logits are mixed with the LSTM's."""
        return [view for view in (self.ngram_view, self.character_view) if view is not None]

    def layers_below_logits(self) -> list[keras.layers.Layer]:
        """Returns LSTM layers and pooling, whose weights fit other vocabularies and classes."""
        return [layer for member in self.members for layer in member.layers()[:-1]]

    def layers_with_weights(self) -> list[keras.layers.Layer]:
        """Returns all layers that may have weights, except the embedding."""
        members = (layer for member in self.members for layer in member.layers())
        return [*members, *self.views()]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns `(batch, num_classes)`."""
        return (input_shape[0], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`, `config` as a dict."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_dim": self.embedding_dim,
            "num_classes": self.num_classes,
            "num_trained_rows": self.embedding.num_trained_rows,
            "num_ngrams": self.num_ngrams,
            "character_sizes": self.character_sizes and list(self.character_sizes),
            "config": self.config.to_dict(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SentimentModel":
        """Makes a model from the result of `get_config`."""
        sizes = config.get("character_sizes")
        return cls(
            **{
                **config,
                "config": ModelConfig.from_dict(config["config"]),
                "character_sizes": sizes and CharacterSizes(*sizes),
            }
        )


def mean_logits(logits: Sequence[Any]) -> Any:
    """Returns the mean of the members' logits, float32 `(batch, classes)`."""
    return logits[0] if len(logits) == 1 else tf.add_n(list(logits)) / len(logits)
