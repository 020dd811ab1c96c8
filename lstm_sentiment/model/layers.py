"""The layers that Keras lacks: pretrained embeddings, and pooling that sees real tokens only."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.vocabulary import PAD_ID


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class PretrainedEmbedding(keras.layers.Layer):
    """Looks token ids up in a matrix of word vectors.

    Row `PAD_ID` (0) is padding and row `OOV_ID` (1) any unknown token; the rest are the words.
    Frozen by default.

    Call arguments:
        token_ids: int `(batch, time)`.

    Returns:
        float `(batch, time, embedding_dim)`.

    Masking:
        Produces the mask `token_ids != PAD_ID`, bool `(batch, time)`.
    """

    def __init__(
        self, vocabulary_size: int, embedding_dim: int, trainable: bool = False, **kwargs: Any
    ) -> None:
        """Fixes the sizes.

        Args:
            vocabulary_size: Rows, the two special ones included.
            embedding_dim: Width of the vectors.
            trainable: Whether training moves the vectors.
            **kwargs: As `keras.layers.Layer` takes.
        """
        super().__init__(trainable=trainable, **kwargs)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the table, drawn at random until `load_matrix` or saved weights fill it."""
        self.embedding_matrix = self.add_weight(
            name="embedding_matrix",
            shape=(self.vocabulary_size, self.embedding_dim),
            initializer=keras.initializers.RandomUniform(-0.05, 0.05),
        )

    def load_matrix(self, embedding_matrix: NDArray[np.float32]) -> None:
        """Fills the table.

        Args:
            embedding_matrix: float32 `(vocabulary_size, embedding_dim)`, rows by token id.

        Raises:
            InvalidInputError: If the shape is another.
        """
        expected = (self.vocabulary_size, self.embedding_dim)
        if embedding_matrix.shape != expected:
            raise InvalidInputError(
                f"`embedding_matrix` must have shape {expected}. "
                f"Received: {embedding_matrix.shape}."
            )
        self.embedding_matrix.assign(embedding_matrix)

    def call(self, token_ids: Any) -> Any:
        """Looks up: `(batch, time)` to `(batch, time, embedding_dim)`."""
        vectors = ops.take(self.embedding_matrix, token_ids, axis=0)
        return ops.cast(vectors, self.compute_dtype)

    def compute_mask(self, token_ids: Any, previous_mask: Any = None) -> Any:
        """True at real tokens, bool `(batch, time)`."""
        return ops.not_equal(token_ids, PAD_ID)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(batch, time)` to `(batch, time, embedding_dim)`."""
        return (*input_shape, self.embedding_dim)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_dim": self.embedding_dim,
        }


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class MaskedPooling(keras.layers.Layer):
    """Pools the states of each text over its real tokens.

    Call arguments:
        states: float `(batch, time, width)`.
        mask: bool `(batch, time)`, True at real tokens; at least one in each row.

    Returns:
        float `(batch, width)`, or `(batch, 2 * width)` for `max_mean`.

    Masking:
        Consumes the mask.
    """

    def __init__(self, pooling: str, **kwargs: Any) -> None:
        """Fixes the kind of pooling.

        Args:
            pooling: `max`, `mean` or `max_mean`.
            **kwargs: As `keras.layers.Layer` takes.
        """
        super().__init__(**kwargs)
        self.pooling = pooling
        self.supports_masking = True

    def call(self, states: Any, mask: Any) -> Any:
        """Pools: `(batch, time, width)` to `(batch, width)`, twice the width for `max_mean`."""
        real = ops.expand_dims(mask, -1)
        pooled = []
        if self.pooling != "mean":
            lowest = -1e4  # below any LSTM state, and finite in float16
            pooled.append(ops.max(ops.where(real, states, lowest), axis=1))
        if self.pooling != "max":
            weights = ops.cast(real, states.dtype)
            count = ops.maximum(ops.sum(weights, axis=1), 1)
            pooled.append(ops.sum(states * weights, axis=1) / count)
        return ops.concatenate(pooled, axis=-1)

    def compute_mask(self, states: Any, mask: Any = None) -> None:
        """None: the time axis is gone."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "pooling": self.pooling}
