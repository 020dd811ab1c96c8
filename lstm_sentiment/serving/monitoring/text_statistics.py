"""How long texts are and how many of their tokens are unknown: drift shows there first.

Only the SavedModel can cut a text into tokens, so its signature `text_statistics` is asked, by one
thread and off the path of requests.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.servable import Array
from lstm_sentiment.version_folder import TEXT_STATISTICS, TokenCounts

logger = logging.getLogger(__name__)

Ask = Callable[[str, int, list[bytes]], Mapping[str, Array] | None]
"""Takes a model's name, its version and texts; gives the outputs of `text_statistics`, or `None`
if the version has no such signature."""

# An unload waits for who asks, and so nobody may ask for long.
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class TextMeasures:
    """What was measured of texts that one version answered.

    Attributes:
        model_name: The servable stream.
        version: The version.
        characters: Unicode code points of each text, int `(batch,)`; a malformed byte counts as one
            or is part of one.
        counts: Of its tokens, where the version can tell them.
    """

    model_name: str
    version: int
    characters: Array
    counts: TokenCounts | None


def asking(manager: Manager) -> Ask:
    """Asks what a manager holds; a version is held for one call, and for no long one.

    Args:
        manager: Whose servables are asked.

    Returns:
        Raises `LstmSentimentError` where the version is gone or does not answer.
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
    """An `Observer` that has the texts of answered requests measured, a little later.

    Texts wait for the thread in memory, and nowhere else. Where more come than it can measure, the
    rest is left out: what is measured is a sample then.
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
            ask: Who can tell tokens: see `asking`.
            record: Told of what was measured.
            when_dropped: Told how many texts were not measured because too many wait.
            sample_share: Share of the texts that are measured, from 0 to 1.
            max_waiting: How many texts may wait.
            max_waiting_bytes: How many bytes they may have.
            max_group: How many texts are asked about at once; if the signature is batched, no more
                than a batch may have.
            pause_seconds: How long texts wait for more, so that they are asked about together, and
                so that measuring costs no more than `max_waiting` texts in that time.
            draw: Gives numbers from 0 up to 1 at random.

        Raises:
            InvalidInputError: If a number is out of its range.
        """
        if not 0 <= sample_share <= 1:
            raise InvalidInputError(
                f"`sample_share` must be from 0 to 1. Received: sample_share={sample_share}."
            )
        for number, value in (("max_waiting", max_waiting), ("max_group", max_group)):
            if value < 1:
                raise InvalidInputError(
                    f"`{number}` must be a positive integer. Received: {number}={value}."
                )
        self._ask, self._record, self._when_dropped = ask, record, when_dropped
        self._sample_share, self._draw = sample_share, draw
        self._max_waiting, self._max_waiting_bytes = max_waiting, max_waiting_bytes
        self._max_group, self._pause_seconds = max_group, pause_seconds
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, int, bytes]] = deque()
        self._waiting_bytes = 0
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="text-statistics")

    def start(self) -> None:
        """Starts the thread that measures."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after a question under way; texts that wait are let go."""
        self._is_stopped.set()
        if self._thread.ident is not None:
            self._thread.join()
        with self._lock:
            self._waiting.clear()
            self._waiting_bytes = 0

    def __call__(self, request: AnsweredRequest) -> None:
        """Takes the texts of a request that a version answered; does not wait.

        Args:
            request: Any.
        """
        if not request.texts or request.version is None or request.status != "OK":
            return
        name, version, share = request.model_name, request.version, self._sample_share
        taken = request.texts if share == 1 else [t for t in request.texts if self._draw() < share]
        with self._lock:
            dropped = sum(not self._put(name, version, text) for text in taken)
        if dropped:
            self._when_dropped(dropped)

    def measure_waiting(self) -> None:
        """Measures all texts that wait, a group at a time, unless `stop` was called."""
        while groups := self._take():
            for (name, version), texts in groups.items():
                if not self._is_stopped.is_set():
                    self._record(self._measured(name, version, texts))

    def _run(self) -> None:
        while not self._is_stopped.wait(self._pause_seconds):
            self.measure_waiting()

    def _put(self, name: str, version: int, text: bytes) -> bool:
        fits = self._waiting_bytes + len(text) <= self._max_waiting_bytes
        if not fits or len(self._waiting) >= self._max_waiting:
            return False
        self._waiting.append((name, version, text))
        self._waiting_bytes += len(text)
        return True

    def _take(self) -> dict[tuple[str, int], list[bytes]]:
        groups: dict[tuple[str, int], list[bytes]] = {}
        with self._lock:
            for _ in range(min(self._max_group, len(self._waiting))):
                name, version, text = self._waiting.popleft()
                self._waiting_bytes -= len(text)
                groups.setdefault((name, version), []).append(text)
        return groups

    def _measured(self, name: str, version: int, texts: list[bytes]) -> TextMeasures:
        characters = np.array([len(text.decode("utf-8", "replace")) for text in texts])
        try:
            counts = _token_counts(self._ask(name, version, texts), len(texts))
        except LstmSentimentError:
            counts = None  # gone, or too busy: what requests there are tell
        except Exception as error:
            # Whatever a version does, this thread must live on. Its message may quote a text.
            logger.error("measuring texts of %s failed: %s", name, type(error).__name__)
            counts = None
        return TextMeasures(name, version, characters, counts)


def _token_counts(outputs: Mapping[str, Array] | None, size: int) -> TokenCounts | None:
    """What a signature answered, if it is the one that it should be and not just called so."""
    if outputs is None:
        return None
    found: Sequence[Array | None] = [outputs.get(name) for name in TokenCounts.OUTPUTS]
    arrays = [array for array in found if array is not None and array.dtype.kind in "iu"]
    if [array.shape for array in arrays] != [(size,)] * len(TokenCounts.OUTPUTS):
        return None
    return TokenCounts(*arrays)
