"""The network of a light twin: token ids to logits, by ONNX Runtime."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.light_twin.description import (
    GATES,
    LENGTHS,
    LOGITS,
    NETWORK,
    TABLE_NETWORK,
    TOKEN_IDS,
    VECTORS,
    LightTwin,
)
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.light.onnx_session import open_session
from lstm_sentiment.serving.light.table_network import TableNetwork
from lstm_sentiment.serving.thread_priority import is_at_low_priority
from lstm_sentiment.system import usable_cpus
from lstm_sentiment.version_folder import PAD_ID

Ids = NDArray[np.int32]

# With fewer texts in a group, each step costs more for each text; with more, there is more padding.
_GROUP = 8
# With a table there is hardly any padding, but groups are also what threads share.
_GROUP_WITH_TABLE = 64


class LightNetwork:
    """Computes logits of texts. Safe to share among threads.

    Attributes:
        num_classes: Number of classes.
    """

    def __init__(self, folder: Path, twin: LightTwin) -> None:
        """Loads an ONNX graph that `export.light.graph` has written.

        Args:
            folder: The folder of the light twin.
            twin: The twin's description.

        Raises:
            Exception: One of ONNX Runtime's, if the file cannot be loaded.
        """
        self._session = open_session(folder / NETWORK)
        outputs = {output.name: output.shape for output in self._session.get_outputs()}
        self.num_classes: int = outputs[LOGITS][1]
        self._weights = [name for name in outputs if name not in (LOGITS, VECTORS)]
        self._with_table = (
            TableNetwork(folder, twin.vocabulary_size, 2 if twin.model["bidirectional"] else 1)
            if (folder / TABLE_NETWORK).is_file()
            else None
        )
        # For one text, the table is a detour unless the word vectors are wider than the gates.
        self._is_quick_alone = self._with_table is None or (
            outputs[VECTORS][-1] <= GATES * twin.model["lstm_units"]
        )
        # Not the threads of requests, of which there are many: each would keep, by the C library's
        # rules, some megabytes of what a group of long texts takes.
        self._threads, self._process = _new_threads(), os.getpid()

    def logits(self, rows: Sequence[Ids], *, caller: Caller = ANYBODY) -> NDArray[np.float32]:
        """Computes the logits of texts.

        Texts of similar lengths are computed together, to save padding, and groups of them in
        parallel.

        Args:
            rows: The ids of each text, int32 `(tokens,)`, at least one, without padding.
            caller: Asked before each group of texts if it still waits.

        Returns:
            float32 `(batch, classes)`.

        Raises:
            DeadlineExceededError: If the caller's deadline passes first.
            RequestCancelledError: If the caller cancels first.
        """
        if len(rows) == 1:
            caller.check_waits()
            return self.logits_by_vectors(rows) if self._is_quick_alone else self._of_group(rows)

        def logits_of(texts: NDArray[np.intp]) -> NDArray[np.float32]:
            caller.check_waits()
            return self._of_group([rows[text] for text in texts])

        groups = _groups(rows, _GROUP if self._with_table is None else _GROUP_WITH_TABLE)
        # A group alone needs no thread. Threads are started by their first use, and answer requests
        # later.
        is_alone = len(groups) < 2 or is_at_low_priority()
        run_all = map if is_alone else self._own_threads().map
        logits = np.empty((len(rows), self.num_classes), np.float32)
        for texts, part in zip(groups, run_all(logits_of, groups), strict=True):
            logits[texts] = part
        return logits

    def _of_group(self, rows: Sequence[Ids]) -> NDArray[np.float32]:
        """Computes the logits of some texts, the longest first."""
        if self._with_table is not None:
            return self._with_table.logits(rows)
        return self.logits_by_vectors(rows)

    def _own_threads(self) -> ThreadPoolExecutor:
        """Returns the threads of this process: a fork has none of those of its parent."""
        if self._process != os.getpid():
            self._threads, self._process = _new_threads(), os.getpid()
        return self._threads

    def logits_by_vectors(self, rows: Sequence[Ids]) -> NDArray[np.float32]:
        """Computes the logits of texts from word vectors, even if there is a table."""
        lengths = np.array([len(row) for row in rows], np.int32)
        (logits,) = self._run([LOGITS], padded(rows), lengths)
        return logits

    def vectors(self, row: Ids) -> NDArray[np.float32]:
        """Looks up the word vectors of a text: int32 `(tokens,)` to float32 `(tokens, dim)`."""
        # As many texts of one token: the LSTM, which runs in any case, ends after one step.
        (vectors,) = self._run([VECTORS], row[:, np.newaxis], np.ones(len(row), np.int32))
        return vectors[0]

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Returns the weights of LSTM, pooling and dense layer, by name: see `light_twin`."""
        one = np.ones(1, np.int32)
        arrays = self._run(self._weights, one[np.newaxis], one)
        return dict(zip(self._weights, arrays, strict=True))

    def _run(
        self, names: Sequence[str], token_ids: Ids, lengths: NDArray[np.int32]
    ) -> list[NDArray[np.float32]]:
        arrays: list[NDArray[np.float32]] = self._session.run(
            names, {TOKEN_IDS: token_ids, LENGTHS: lengths}
        )
        return arrays


def _new_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(usable_cpus(), "light-network")


def _groups(rows: Sequence[Ids], size: int) -> list[NDArray[np.intp]]:
    """Returns the texts of each group, of about the same number: the longest texts first."""
    if not rows:
        return []
    order = np.argsort([-len(row) for row in rows], kind="stable")
    return np.array_split(order, -(-len(rows) // size))


def padded(rows: Sequence[Ids]) -> Ids:
    """Pads texts on the right to the longest: int32 `(batch, time)`."""
    if len(rows) == 1:
        return rows[0][np.newaxis]
    token_ids = np.full((len(rows), max(map(len, rows))), PAD_ID, np.int32)
    for padded_row, row in zip(token_ids, rows, strict=True):
        padded_row[: len(row)] = row
    return token_ids
