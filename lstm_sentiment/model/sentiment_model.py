"""The Keras model."""

from typing import Any

import keras

from lstm_sentiment.checks import positive
from lstm_sentiment.model.batch_dropout import BatchDropout, BatchSpatialDropout1D
from lstm_sentiment.model.character_view import CharacterSizes, CharacterView
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.layers import MaskedPooling, PretrainedEmbedding
from lstm_sentiment.model.ngram_view import NgramView, mixed
from lstm_sentiment.model.recurrence import FastLSTM


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class SentimentModel(keras.Model):
    """Pretrained embeddings, LSTM, pooling over real tokens, dense layer to logits.

    With `num_ngrams` or `character_sizes`, the logits are mixed with those of linear classifiers of
    n-grams, except in training, where the LSTM learns alone.

    Call arguments:
        token_ids: int `(batch, time)`, padded with `PAD_ID`, at least one real token in each row.
            On a GPU padding must be on the right, for cuDNN's LSTM.

    Returns:
        float32 logits `(batch, num_classes)`, independent of the amount of padding.

    Masking:
        Computed from `token_ids`; a mask argument is ignored.

    Attributes:
        embedding: The word vectors, assigned by `embedding.load_matrix`.
        lstm_layers: The LSTM layers, the first first.
        logits: The dense layer after the pooling.
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
        self.lstm_layers = [
            self._lstm(layer, use_cudnn) for layer in range(self.config.lstm_layers)
        ]
        self.pooling = (
            None
            if self.config.pooling == "last"
            else MaskedPooling(self.config.pooling, name="pooling")
        )
        self.dropout = BatchDropout(self.config.dropout, name="dropout")
        # Logits stay float32 under mixed precision: the loss is not stable otherwise.
        self.logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")
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

    def _lstm(self, layer: int, use_cudnn: bool | str) -> FastLSTM:
        is_last = layer == self.config.lstm_layers - 1
        return FastLSTM(
            self.config.lstm_units,
            bidirectional=self.config.bidirectional,
            return_sequences=not (is_last and self.config.pooling == "last"),
            recurrent_dropout=self.config.recurrent_dropout,
            use_cudnn=use_cudnn,
            name=f"lstm_{layer}",
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates all weights; `input_shape` is `(batch, time)`."""
        if self.built:
            return
        shape: tuple[int | None, ...] = (*input_shape, self.embedding_dim)
        self.embedding.build(input_shape)
        for lstm in self.lstm_layers:
            lstm.build(shape)
            shape = lstm.compute_output_shape(shape)
        if self.pooling is not None:
            self.pooling.build(shape)
        width = shape[-1] or 0
        self.logits.build((None, 2 * width if self.config.pooling == "max_mean" else width))
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
            float32 `(batch, num_classes)`.
        """
        states = self.embedding_dropout(vectors, training=training)
        for lstm in self.lstm_layers:
            states = lstm(states, mask=mask, training=training)
        pooled = states if self.pooling is None else self.pooling(states, mask=mask)
        return self.logits(self.dropout(pooled, training=training))

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
        return [*self.lstm_layers, *([] if self.pooling is None else [self.pooling])]

    def layers_with_weights(self) -> list[keras.layers.Layer]:
        """Returns all layers that may have weights, except the embedding."""
        return [*self.layers_below_logits(), self.logits, *self.views()]

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
