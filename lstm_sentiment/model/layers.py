"""Layers for pretrained embeddings and for pooling over real tokens."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.config import EmbeddingStorage
from lstm_sentiment.model.embedding_storage import store_matrix
from lstm_sentiment.version_folder import PAD_ID


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class PretrainedEmbedding(keras.layers.Layer):
    """Looks up token ids in a matrix of word vectors.

    Row `PAD_ID` (0) is padding, row `OOV_ID` (1) any unknown token, the rest are words. With
    `frozen`, training updates only `num_trained_rows` rows: the unknown token's and those of words
    without a pretrained vector.

    Call arguments:
        token_ids: int `(batch, time)`.

    Call returns:
        float `(batch, time, embedding_dim)`.

    Masking:
        Produces the mask `token_ids != PAD_ID`, bool `(batch, time)`.

    Attributes:
        embedding_matrix: The pretrained rows, float32 `(vocabulary_size, embedding_dim)`.
        trained_rows: Changes of the rows that training updates, float32
            `(num_trained_rows + 1, embedding_dim)`; row 0 is unused.
        trained_row_of: Row in `trained_rows` by token id, or 0: int32 `(vocabulary_size,)`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        frozen: bool = True,
        num_trained_rows: int = 0,
        **kwargs: Any,
    ) -> None:
        """Initializes the layer; `vocabulary_size` includes the two special ids."""
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.frozen = frozen
        self.num_trained_rows = num_trained_rows
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the matrix with random values, for `load_matrix` or saved weights to replace."""
        self.embedding_matrix = self.add_weight(
            name="embedding_matrix",
            shape=(self.vocabulary_size, self.embedding_dim),
            initializer=keras.initializers.RandomUniform(-0.05, 0.05),
            trainable=not self.frozen,
        )
        if self.num_trained_rows:
            self.trained_rows = self.add_weight(
                name="trained_rows",
                shape=(self.num_trained_rows + 1, self.embedding_dim),
                initializer="zeros",
            )
            self.trained_row_of = self.add_weight(
                name="trained_row_of",
                shape=(self.vocabulary_size,),
                dtype="int32",
                initializer="zeros",
                trainable=False,
            )

    def load_matrix(
        self, embedding_matrix: NDArray[np.float32], trained_ids: Sequence[int] = ()
    ) -> None:
        """Assigns the matrix.

        Args:
            embedding_matrix: float32 `(vocabulary_size, embedding_dim)`, rows by token id.
            trained_ids: The `num_trained_rows` token ids whose rows training updates.

        Raises:
            InvalidInputError: If the shape or the number of ids is wrong.
        """
        expected = (self.vocabulary_size, self.embedding_dim)
        if embedding_matrix.shape != expected:
            raise InvalidInputError(
                f"`embedding_matrix` must have shape {expected}. "
                f"Received: {embedding_matrix.shape}."
            )
        if len(trained_ids) != self.num_trained_rows:
            raise InvalidInputError(
                f"`trained_ids` must be {self.num_trained_rows} ids. Received: {len(trained_ids)}."
            )
        self.embedding_matrix.assign(embedding_matrix)
        if self.num_trained_rows:
            rows = np.zeros(self.vocabulary_size, np.int32)
            rows[list(trained_ids)] = np.arange(1, len(trained_ids) + 1)
            self.trained_row_of.assign(rows)

    def merged_matrix(self) -> NDArray[np.float32]:
        """Returns the matrix after training, float32 `(vocabulary_size, embedding_dim)`."""
        matrix = np.array(self.embedding_matrix)
        if self.num_trained_rows:
            rows = np.asarray(self.trained_row_of)
            moved = np.flatnonzero(rows)
            matrix[moved] += np.asarray(self.trained_rows)[rows[moved]]
        return matrix

    def round_to(self, storage: EmbeddingStorage) -> None:
        """Rounds the matrix, trained rows included, to a storage format."""
        rounded = store_matrix(self.merged_matrix(), storage).expanded()
        self.embedding_matrix.assign(rounded)
        if self.num_trained_rows:
            self.trained_rows.assign(np.zeros(self.trained_rows.shape, np.float32))

    def call(self, token_ids: Any) -> Any:
        """Looks up: `(batch, time)` to `(batch, time, embedding_dim)`."""
        vectors = ops.take(self.embedding_matrix, token_ids, axis=0)
        if self.num_trained_rows:
            rows = ops.take(self.trained_row_of, token_ids, axis=0)
            moved = ops.cast(ops.expand_dims(rows > 0, -1), vectors.dtype)
            vectors += moved * ops.take(self.trained_rows, rows, axis=0)
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
            "frozen": self.frozen,
            "num_trained_rows": self.num_trained_rows,
        }


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class MaskedPooling(keras.layers.Layer):
    """Pools the states of each text over real tokens.

    Call arguments:
        states: float `(batch, time, width)`.
        mask: bool `(batch, time)`, True at real tokens; at least one in each row.

    Call returns:
        float `(batch, width)`, or `(batch, 2 * width)` for `max_mean`.

    Masking:
        Consumes the mask.
    """

    def __init__(self, pooling: str, **kwargs: Any) -> None:
        """Initializes the layer.

        Args:
            pooling: `max`, `mean` or `max_mean`; or `attention`, a mean weighted by the softmax of
                each state's dot product with a trained vector.
            **kwargs: Passed to `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        self.pooling = pooling
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the vector of `attention`; `input_shape` is `(batch, time, width)`."""
        if self.pooling == "attention":
            self.query = self.add_weight(name="query", shape=(input_shape[-1],))

    def call(self, states: Any, mask: Any) -> Any:
        """Pools `(batch, time, width)` to `(batch, width)`, twice the width for `max_mean`."""
        real = ops.expand_dims(mask, -1)
        lowest = -1e4  # below any LSTM state and any score, and finite in float16
        if self.pooling == "attention":
            scores = ops.sum(ops.cast(self.query, states.dtype) * states, axis=-1, keepdims=True)
            weights = ops.softmax(ops.where(real, scores, lowest), axis=1)
            return ops.sum(weights * states, axis=1)
        pooled = []
        if self.pooling != "mean":
            pooled.append(ops.max(ops.where(real, states, lowest), axis=1))
        if self.pooling != "max":
            weights = ops.cast(real, states.dtype)
            count = ops.maximum(ops.sum(weights, axis=1), 1)
            pooled.append(ops.sum(states * weights, axis=1) / count)
        return ops.concatenate(pooled, axis=-1)

    def compute_mask(self, states: Any, mask: Any = None) -> None:
        """Returns `None`: the output has no time axis."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "pooling": self.pooling}
