"""The network of a light twin: token ids to logits, by ONNX Runtime."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lstm_sentiment.light_twin import LENGTHS, LOGITS, TOKEN_IDS, VECTORS
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.version_folder import PAD_ID

Ids = NDArray[np.int32]

# With fewer texts in a group, a step of the LSTM costs more for each text; with more, there is more
# padding, and states leave the processor's cache.
_GROUP = 8


class LightNetwork:
    """Computes logits of texts. Safe to share among threads.

    Attributes:
        num_classes: Number of classes.
    """

    def __init__(self, path: Path) -> None:
        """Loads an ONNX graph that `export.light.graph` has written.

        Raises:
            Exception: One of ONNX Runtime's, if the file cannot be loaded.
        """
        options = onnxruntime.SessionOptions()
        # Requests have threads of their own, and a text's LSTM gains nothing from a second thread.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # An arena would keep the memory of the largest batch.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3  # errors
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        outputs = {output.name: output.shape for output in self._session.get_outputs()}
        self.num_classes: int = outputs[LOGITS][1]
        self._weights = [name for name in outputs if name not in (LOGITS, VECTORS)]

    def logits(self, rows: Sequence[Ids], *, caller: Caller = ANYBODY) -> NDArray[np.float32]:
        """Computes the logits of texts.

        Texts of similar lengths are computed together, to save padding.

        Args:
            rows: The ids of each text, int32 `(tokens,)`, at least one, without padding.
            caller: Asked before each group of texts if it still waits.

        Returns:
            float32 `(batch, classes)`.

        Raises:
            DeadlineExceededError: If the caller's deadline passes first.
            RequestCancelledError: If the caller cancels first.
        """
        logits = np.empty((len(rows), self.num_classes), np.float32)
        lengths = np.fromiter(map(len, rows), np.int32, len(rows))
        for texts in _groups(lengths):
            caller.check_waits()
            token_ids = padded([rows[text] for text in texts])
            (logits[texts],) = self._session.run(
                [LOGITS], {TOKEN_IDS: token_ids, LENGTHS: lengths[texts]}
            )
        return logits

    def vectors(self, row: Ids) -> NDArray[np.float32]:
        """Looks up the word vectors of a text: int32 `(tokens,)` to float32 `(tokens, dim)`."""
        return self._fetch([VECTORS], row)[VECTORS][:, 0]

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Returns the weights of LSTM, pooling and dense layer, by name: see `light_twin`."""
        return self._fetch(self._weights, np.ones(1, np.int32))

    def _fetch(self, names: Sequence[str], row: Ids) -> dict[str, NDArray[np.float32]]:
        feeds = {TOKEN_IDS: row[np.newaxis], LENGTHS: np.array([len(row)], np.int32)}
        return dict(zip(names, self._session.run(names, feeds), strict=True))


def _groups(lengths: NDArray[np.int32]) -> Iterator[NDArray[np.intp]]:
    """Yields the texts of each group, of about the same number and similar lengths."""
    if len(lengths):
        count = -(-len(lengths) // _GROUP)
        yield from np.array_split(np.argsort(lengths, kind="stable"), count)


def padded(rows: Sequence[Ids]) -> Ids:
    """Pads texts on the right to the longest: int32 `(batch, time)`."""
    if len(rows) == 1:
        return rows[0][np.newaxis]
    token_ids = np.full((len(rows), max(map(len, rows))), PAD_ID, np.int32)
    for padded_row, row in zip(token_ids, rows, strict=True):
        padded_row[: len(row)] = row
    return token_ids
