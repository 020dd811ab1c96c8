"""Number formats of stored word vectors, and rounding to these formats."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.config import EmbeddingStorage

_MOST = 127
_LEAST_SCALE = np.finfo(np.float32).tiny
_LARGEST_FLOAT16 = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class StoredMatrix:
    """Word vectors in a storage format.

    Attributes:
        values: int8, float16 or float32 `(rows, dim)`.
        scales: Factor of each row of int8 values, float32 `(rows, 1)`; `None` for floats.
    """

    values: NDArray[Any]
    scales: NDArray[np.float32] | None = None

    def expanded(self) -> NDArray[np.float32]:
        """Returns the vectors, float32 `(rows, dim)`."""
        matrix = self.values.astype(np.float32)
        return matrix if self.scales is None else matrix * self.scales


def store_matrix(matrix: NDArray[np.float32], storage: EmbeddingStorage) -> StoredMatrix:
    """Rounds word vectors to a storage format; rounding again changes nothing.

    Args:
        matrix: float32 `(rows, dim)`.
        storage: `int8` scales each row so that its largest absolute value becomes 127; `float16`
            clips to its range; `float32` keeps all bits.
    """
    if storage == "float32":
        return StoredMatrix(matrix.astype(np.float32))
    if storage == "float16":
        # Larger numbers would become infinite.
        kept = np.clip(matrix, -_LARGEST_FLOAT16, _LARGEST_FLOAT16)
        return StoredMatrix(kept.astype(np.float16))
    scales = np.abs(matrix).max(axis=1, keepdims=True, initial=0.0) / np.float32(_MOST)
    # A scale below float32's normal range has no precision left: the row becomes zeros.
    scales = np.where(scales >= _LEAST_SCALE, scales, 1).astype(np.float32)
    return StoredMatrix(np.rint(matrix / scales).astype(np.int8), scales)
