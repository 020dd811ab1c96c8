"""In how many bits word vectors are kept, and what that leaves of them."""

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
    """Word vectors as they are kept.

    Attributes:
        values: int8, float16 or float32 `(rows, dim)`.
        scales: float32 `(rows, 1)`: what the values of each row are multiplied with; `None` where
            they are the vectors themselves.
    """

    values: NDArray[Any]
    scales: NDArray[np.float32] | None = None

    def expanded(self) -> NDArray[np.float32]:
        """The vectors: float32 `(rows, dim)`."""
        matrix = self.values.astype(np.float32)
        return matrix if self.scales is None else matrix * self.scales


def store_matrix(matrix: NDArray[np.float32], storage: EmbeddingStorage) -> StoredMatrix:
    """Rounds word vectors to what `storage` can hold; what it has rounded once it leaves as it is.

    Args:
        matrix: float32 `(rows, dim)`.
        storage: `int8` keeps of each number 8 bits, and a scale for each row, so that its largest
            number is 127 times the scale; `float16` 16 bits; `float32` all.

    Returns:
        The vectors as they are kept.
    """
    if storage == "float32":
        return StoredMatrix(matrix.astype(np.float32))
    if storage == "float16":
        # Beyond its range float16 knows infinity alone.
        kept = np.clip(matrix, -_LARGEST_FLOAT16, _LARGEST_FLOAT16)
        return StoredMatrix(kept.astype(np.float16))
    scales = np.abs(matrix).max(axis=1, keepdims=True, initial=0.0) / np.float32(_MOST)
    # Below float32's normal range a scale has no digits left, and a row is zeros.
    scales = np.where(scales >= _LEAST_SCALE, scales, 1).astype(np.float32)
    return StoredMatrix(np.rint(matrix / scales).astype(np.int8), scales)
