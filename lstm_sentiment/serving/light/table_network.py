"""The network of a light twin with a table: see `export.light.table_graph`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.light_twin.description import (
    ACTIVE,
    EXCESS,
    LENGTHS,
    LOGITS,
    REST_REAL,
    REST_ROWS,
    START,
    STEPS_AT_ONCE,
    TABLE,
    TABLE_FILE,
    TABLE_NETWORK,
    TABLE_ROWS,
)
from lstm_sentiment.serving.light.onnx_session import open_session
from lstm_sentiment.serving.light.step_costs import StepCosts

Ids = NDArray[np.int32]
Floats = NDArray[np.float32]


class TableNetwork:
    """Computes logits of texts. Safe to share among threads."""

    def __init__(self, folder: Path, vocabulary_size: int, directions: int) -> None:
        """Loads the graph and maps the table into memory, where processes share it.

        Args:
            folder: The folder of the light twin.
            vocabulary_size: Number of token ids.
            directions: Directions of each member, of which the second reads from the end.

        Raises:
            Exception: One of ONNX Runtime's or NumPy's, if a file cannot be loaded.
        """
        self._session = open_session(folder / TABLE_NETWORK)
        shapes = {each.name: each.shape for each in self._session.get_inputs()}
        self._readers, _, self._units = shapes[START]
        self._directions = directions
        self._has_mean = LENGTHS in shapes
        self._vocabulary_size = vocabulary_size
        self._table = np.load(folder / TABLE_FILE, mmap_mode="r", allow_pickle=False)
        self._costs = StepCosts(self._readers, self._units)
        self._always_of_one: dict[str, NDArray[Any]] = {
            TABLE_ROWS: np.zeros((0, STEPS_AT_ONCE, self._readers, 1), np.int32),
            ACTIVE: np.ones((1, 1), np.int64),
            START: np.zeros((self._readers, 1, self._units), np.float32),
        }
        if self._has_mean:
            self._always_of_one[EXCESS] = np.zeros((1, 1), np.float32)

    def logits(self, rows: Sequence[Ids], turns: int | None = None) -> Floats:
        """Computes logits.

        Args:
            rows: The ids of each text, int32 `(tokens,)`, the longest text first.
            turns: Turns of `Loop`, at most as many as the longest text has; `None` for those that
                cost the least.

        Returns:
            float32 `(batch, classes)`.
        """
        if len(rows) == 1 and turns is None:
            return self._run(self._feeds_of_one(rows[0]))
        lengths = np.array([len(row) for row in rows])
        time = int(lengths[0])
        active = len(lengths) - lengths[::-1].searchsorted(
            np.arange(0, time + STEPS_AT_ONCE, STEPS_AT_ONCE), side="right"
        )
        turns = self._costs.turns(active, time) if turns is None else turns
        by_loop = turns * STEPS_AT_ONCE
        rest = max(1, int(active[turns]))
        active[turns] = rest
        table_rows = self._table_rows(rows, lengths, max(by_loop + 1, time))
        feeds: dict[str, NDArray[Any]] = {
            TABLE_ROWS: table_rows[:by_loop].reshape(
                turns, STEPS_AT_ONCE, self._readers, len(rows)
            ),
            ACTIVE: active[: turns + 1, np.newaxis],
            REST_ROWS: np.ascontiguousarray(table_rows[by_loop:, :, :rest]),
            START: np.zeros((self._readers, len(rows), self._units), np.float32),
        }
        if self._has_mean:
            feeds |= self._of_mean(lengths, by_loop, len(table_rows) - by_loop, rest)
        return self._run(feeds)

    def _run(self, feeds: Mapping[str, NDArray[Any]]) -> Floats:
        logits: Floats = self._session.run([LOGITS], {TABLE: self._table, **feeds})[0]
        return logits

    def _feeds_of_one(self, row: Ids) -> dict[str, NDArray[Any]]:
        """Returns the inputs for one text, which `LSTM` computes whole."""
        table_rows = np.empty((len(row), self._readers, 1), np.int32)
        table_rows[:, 0, 0] = row
        for reader in range(1, self._readers):
            read = row[::-1] if self._is_backward(reader) else row
            np.add(read, reader * self._vocabulary_size, out=table_rows[:, reader, 0])
        feeds = {**self._always_of_one, REST_ROWS: table_rows}
        if self._has_mean:
            feeds[REST_REAL] = np.ones((len(row), 1, 1, 1), np.float32)
            feeds[LENGTHS] = np.array([[len(row)]], np.float32)
        return feeds

    def _table_rows(self, rows: Sequence[Ids], lengths: NDArray[np.intp], time: int) -> Ids:
        """Returns the rows of the table in the order of reading, `(time, readers, batch)`."""
        table_rows = np.zeros((time, self._readers, len(rows)), np.int32)
        token_ids = np.concatenate(rows)
        texts = np.arange(len(rows)).repeat(lengths)
        places = np.arange(len(token_ids)) - (lengths.cumsum() - lengths).repeat(lengths)
        from_the_end = (lengths - 1).repeat(lengths) - places
        for reader in range(self._readers):
            steps = from_the_end if self._is_backward(reader) else places
            table_rows[steps, reader, texts] = token_ids + np.int32(reader * self._vocabulary_size)
        return table_rows

    def _is_backward(self, reader: int) -> bool:
        return reader % self._directions == 1

    @staticmethod
    def _of_mean(
        lengths: NDArray[np.intp], by_loop: int, time: int, rest: int
    ) -> dict[str, Floats]:
        """Returns the inputs for means: see `serialized_table_network`."""
        excess = np.where(lengths <= by_loop, -lengths % STEPS_AT_ONCE, 0)
        is_real = np.arange(time)[:, np.newaxis] < lengths[:rest] - by_loop
        return {
            LENGTHS: lengths.astype(np.float32)[:, np.newaxis],
            EXCESS: excess.astype(np.float32)[:, np.newaxis],
            REST_REAL: is_real.astype(np.float32)[:, np.newaxis, :, np.newaxis],
        }
