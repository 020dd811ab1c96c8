"""Measures the lengths and unknown tokens of texts, where drift shows first.

The light engine counts tokens while it answers. TensorFlow does not: there, the signature
`text_statistics` of the SavedModel is run, by one thread in the background.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lstm_sentiment.checks import positive, share
from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.serving.background_queue import BackgroundQueue
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.inference.text_counts import TextCounts
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.servable import Array
from lstm_sentiment.version_folder import TEXT_STATISTICS, TokenCounts

logger = get_logger(__name__)

Ask = Callable[[str, int, list[bytes]], Mapping[str, Array] | None]
"""Called with a model's name, a version and texts; returns the outputs of `text_statistics`, or
`None` if the version has no such signature."""

# An unload waits for a running question, so the question must be short.
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class TextMeasures:
    """Measurements of texts that one version answered.

    Attributes:
        model_name: The servable stream.
        version: The version.
        characters: Unicode code points of each text, int `(batch,)`; a malformed byte counts as one
            or is part of one.
        counts: Token counts; `None` where the version does not provide them.
    """

    model_name: str
    version: int
    characters: Array
    counts: TokenCounts | None


class _Waiting(NamedTuple):
    model_name: str
    version: int
    text: bytes


def asking(manager: Manager) -> Ask:
    """Makes a function that calls a manager's versions, and holds each for a short call only.

    Args:
        manager: The manager of the versions.

    Returns:
        The function; it raises `LstmSentimentError` if the version is gone or does not answer.
    """

    def ask(name: str, version: int, texts: list[bytes]) -> Mapping[str, Array] | None:
        with manager.get_handle(name, version) as handle:
            if TEXT_STATISTICS not in handle.servable.signatures:
                return None
            return handle.servable.run(
                TEXT_STATISTICS,
                {"text": np.array(texts, dtype=object)},
                caller=Caller(time.monotonic() + _PATIENCE_SECONDS),
            )

    return ask


class TextStatistics:
    """An `Observer` that measures the texts of answered requests.

    Texts without counts are measured in the background, and wait for the thread in memory only.
    Texts beyond the limits are dropped, so that under load a sample is measured.

    Raises:
        InvalidInputError: If a number is out of its range.
    """

    def __init__(
        self,
        ask: Ask,
        record: Callable[[TextMeasures], None],
        *,
        when_dropped: Callable[[int], None] = lambda count: None,
        sample_share: float = 1.0,
        max_waiting: int = 256,
        max_waiting_bytes: int = 16 * 2**20,
        max_group: int = 256,
        pause_seconds: float = 1.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Prepares to measure; `start` starts the thread.

        Args:
            ask: Returns token counts: see `asking`.
            record: Called with the measurements.
            when_dropped: Called with the number of texts that were dropped.
            sample_share: Share of the texts to measure, from 0 to 1.
            max_waiting: Limit of texts in the queue.
            max_waiting_bytes: Limit of their memory, in bytes.
            max_group: Limit of texts in one question; with batching, at most a batch.
            pause_seconds: Pause that lets more texts come, to be counted together. It also
                bounds the cost: about `max_waiting` texts are measured in that time.
            draw: Returns random numbers in [0, 1).
        """
        share(sample_share=sample_share)
        positive(max_waiting=max_waiting, max_group=max_group)
        self._ask, self._record, self._when_dropped = ask, record, when_dropped
        self._sample_share, self._draw = sample_share, draw
        self._queue = BackgroundQueue[_Waiting](
            self.measure_waiting,
            name="text-statistics",
            max_rows=max_waiting,
            max_bytes=max_waiting_bytes,
            max_group=max_group,
            pause_seconds=pause_seconds,
        )

    def start(self) -> None:
        """Starts the thread that measures."""
        self._queue.start()

    def stop(self) -> None:
        """Stops the thread after its current question, and drops the texts in the queue."""
        self._queue.stop()

    def __call__(self, request: AnsweredRequest) -> None:
        """Records the counts of a successful request, or queues its texts; does not wait.

        Args:
            request: Any request.
        """
        if not request.texts or request.version is None or request.status != "OK":
            return
        name, version, texts = request.model_name, request.version, request.texts
        counts, share = request.counts, self._sample_share
        if counts is not None and len(counts.characters) == len(texts):
            if share < 1:
                counts = _rows_of(counts, np.array([self._draw() < share for _ in texts]))
            if len(counts.characters):
                self._record(TextMeasures(name, version, *counts))
            return
        if share < 1:
            texts = [text for text in texts if self._draw() < share]
        added = self._queue.put_all([(_Waiting(name, version, t), len(t)) for t in texts])
        if added < len(texts):
            self._when_dropped(len(texts) - added)

    def measure_waiting(self) -> None:
        """Measures all texts in the queue, a group at a time, unless `stop` was called."""
        while waiting := self._queue.take():
            groups: dict[tuple[str, int], list[bytes]] = {}
            for name, version, text in waiting:
                groups.setdefault((name, version), []).append(text)
            for (name, version), texts in groups.items():
                if not self._queue.is_stopped:
                    self._record(self._measured(name, version, texts))

    def _measured(self, name: str, version: int, texts: list[bytes]) -> TextMeasures:
        characters = np.array([len(text.decode("utf-8", "replace")) for text in texts])
        try:
            counts = token_counts(self._ask(name, version, texts), len(texts))
        except LstmSentimentError:
            counts = None  # gone, or too busy: the requests themselves show that
        except Exception as error:
            # The thread outlives any failure of a version. The message may quote a text.
            logger.error("measuring texts of %s failed: %s", name, type(error).__name__)
            counts = None
        return TextMeasures(name, version, characters, counts)


def _rows_of(counts: TextCounts, rows: Array) -> TextCounts:
    tokens = counts.tokens
    parts = (tokens.tokens[rows], tokens.truncated[rows], tokens.oov[rows])
    return TextCounts(counts.characters[rows], TokenCounts(*parts))


def token_counts(outputs: Mapping[str, Array] | None, size: int) -> TokenCounts | None:
    """Returns the token counts among the outputs of a signature.

    Args:
        outputs: What `Ask` returned.
        size: Number of the texts.

    Returns:
        The counts; `None` if the outputs are not those of `text_statistics`.
    """
    if outputs is None:
        return None
    # A SavedModel of somebody else's may have another signature under this name.
    found: Sequence[Array | None] = [outputs.get(name) for name in TokenCounts.OUTPUTS]
    arrays = [array for array in found if array is not None and array.dtype.kind in "iu"]
    if [array.shape for array in arrays] != [(size,)] * len(TokenCounts.OUTPUTS):
        return None
    return TokenCounts(*arrays)
