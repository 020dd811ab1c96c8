"""The network of a light twin for many texts at once: see `export.light.batch_graph`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.light_twin.description import (
    BIAS,
    KERNEL,
    LENGTHS,
    LOGITS,
    REAL,
    RECURRENT,
    RECURRENT_KERNEL,
    START,
    TABLE,
    TABLE_ROWS,
)
from lstm_sentiment.serving.light.blas_threads import single_threaded_blas
from lstm_sentiment.serving.light.onnx_session import open_session
from lstm_sentiment.serving.thread_priority import rest

Ids = NDArray[np.int32]
Floats = NDArray[np.float32]

_ROWS_AT_ONCE = 1024


class BatchNetwork:
    """Computes logits of groups of texts. Safe to share among threads."""

    def __init__(
        self,
        path: Path,
        weights: Mapping[str, Floats],
        vocabulary_size: int,
        vectors: Callable[[Ids], Floats],
    ) -> None:
        """Loads the graph and projects the word vectors of the whole vocabulary.

        Args:
            path: The ONNX graph.
            weights: By the names in `light_twin`.
            vocabulary_size: Number of token ids.
            vectors: Looks up int32 `(tokens,)`; returns float32 `(tokens, embedding_dim)`.

        Raises:
            Exception: One of ONNX Runtime's, if the file cannot be loaded.
        """
        self._session = open_session(path)
        recurrent = weights[RECURRENT_KERNEL.format(0)]
        self._directions, width, self._units = recurrent.shape
        self._vocabulary_size = vocabulary_size
        kernel = weights[KERNEL.format(0)]
        bias = weights[BIAS.format(0)].reshape(self._directions, 2, width).sum(axis=1)
        table = np.empty((self._directions, vocabulary_size, width), np.float32)
        with single_threaded_blas():
            for start in range(0, vocabulary_size, _ROWS_AT_ONCE):
                rows = np.arange(start, min(start + _ROWS_AT_ONCE, vocabulary_size), dtype=np.int32)
                words = vectors(rows)
                for direction in range(self._directions):
                    part = table[direction, rows[0] : rows[-1] + 1]
                    np.matmul(words, kernel[direction].T, out=part)
                    part += bias[direction]
                rest()
        self._feeds = {
            TABLE: table.reshape(-1, width),
            RECURRENT: np.ascontiguousarray(recurrent.transpose(0, 2, 1)),
        }
        inputs = {each.name for each in self._session.get_inputs()}
        self._feeds |= {name: value for name, value in weights.items() if name in inputs}

    def logits(self, token_ids: Ids, lengths: Ids) -> Floats:
        """Computes logits.

        Args:
            token_ids: int32 `(batch, time)`, padded on the right.
            lengths: Number of real tokens of each text, int32 `(batch,)`, at least 1.

        Returns:
            float32 `(batch, classes)`.
        """
        batch, time = token_ids.shape
        steps = np.arange(time, dtype=np.int32)[:, np.newaxis]
        logits: Floats = self._session.run(
            [LOGITS],
            {
                **self._feeds,
                TABLE_ROWS: self._table_rows(token_ids.T, lengths - 1 - steps),
                LENGTHS: lengths,
                REAL: (steps < lengths)[:, :, np.newaxis].astype(np.float32),
                START: np.zeros((self._directions, batch, self._units), np.float32),
            },
        )[0]
        return logits

    def _table_rows(self, by_time: Ids, from_the_end: Ids) -> Ids:
        """Returns the rows of the table in the order of reading, `(time, directions, batch)`."""
        rows = np.empty((len(by_time), self._directions, by_time.shape[1]), np.int32)
        rows[:, 0] = by_time
        if self._directions > 1:
            # Beyond a text's end any row will do.
            turned = np.take_along_axis(by_time, from_the_end.clip(min=0), axis=0)
            np.add(turned, self._vocabulary_size, out=rows[:, 1])
        return rows
