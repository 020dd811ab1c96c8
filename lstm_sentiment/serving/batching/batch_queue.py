"""A queue of requests for one signature of one version."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_sentiment.serving.batching.batch_request import Arrays, BatchTask
from lstm_sentiment.serving.batching.batch_sizing import BatchSizing
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import ServableRunError
from lstm_sentiment.serving.servable_id import ServableId

RunBatch = Callable[[Arrays, Caller], Arrays]
"""Runs a signature on the inputs of a batch, for all its callers."""


BatchKey = tuple[ServableId, str, tuple[tuple[int, ...], ...], bool]
"""What requests of one batch share: version, signature, the shape of a row of each input, and
whether texts are counted."""


@dataclass(frozen=True)
class BatchTarget:
    """The version and signature that a request calls.

    Attributes:
        key: Requests with the same key may share a batch.
        run: Runs the signature.
    """

    key: BatchKey
    run: RunBatch

    @property
    def servable_id(self) -> ServableId:
        """The version."""
        return self.key[0]

    @property
    def signature(self) -> tuple[ServableId, str]:
        """The signature, whatever shapes its inputs have."""
        return self.key[:2]


@dataclass(frozen=True)
class BatchRun:
    """One call of a model for several requests.

    Attributes:
        servable_id: The version that was called.
        signature_key: The signature.
        rows: Rows of the requests.
        padded_rows: Rows that were computed, the padding to an allowed batch size included.
        queue_seconds: Seconds that each request waited for the call.
        seconds: Seconds that the call took.
        largest_batch: Most rows of the next batch by the objective of latency; `None` where there
            is no objective.
    """

    servable_id: ServableId
    signature_key: str
    rows: int
    padded_rows: int
    queue_seconds: Sequence[float]
    seconds: float
    largest_batch: int | None = None


class BatchQueue:
    """A queue of tasks whose inputs share every dimension but the batch.

    Not safe to share among threads: the scheduler locks.

    Attributes:
        target: The version and signature.
        tasks: The tasks that wait, oldest first.
        rows: Number of their rows.
        running: Number of batches that are being computed.
        sizing: Sizes and times of the signature's batches.
    """

    def __init__(
        self, target: BatchTarget, sizing: BatchSizing, most_rows: int | None = None
    ) -> None:
        """Makes an empty queue.

        Args:
            target: The version and signature.
            sizing: Sizes and times of the signature's batches.
            most_rows: Limit of the rows of a batch beside that of `sizing`; `None` for no other.
        """
        self.target, self.sizing, self._most_rows = target, sizing, most_rows
        self.tasks: dict[BatchTask, None] = {}
        self.rows = self.running = 0

    def add(self, task: BatchTask) -> None:
        """Adds a task at the end."""
        self.tasks[task] = None
        self.rows += task.rows

    def discard(self, task: BatchTask) -> None:
        """Removes a task, if it still waits."""
        if task in self.tasks:
            del self.tasks[task]
            self.rows -= task.rows

    @property
    def largest(self) -> int:
        """Most rows of a batch."""
        largest = self.sizing.largest
        return largest if self._most_rows is None else min(largest, self._most_rows)

    def oldest(self) -> float:
        """Returns the arrival of the oldest task, by `time.monotonic`."""
        return next(iter(self.tasks)).request.arrival

    @property
    def is_full(self) -> bool:
        """Whether as many rows wait as a batch may have."""
        return self.rows >= self.largest

    def due(self, wait_seconds: float) -> float:
        """Returns when the next batch may begin, by `time.monotonic`; 0 for at once.

        A full batch may begin at once, also beside another one.

        Args:
            wait_seconds: Longest wait of a batch that is not full while no other one is computed.
        """
        if self.is_full:
            return 0.0
        if self.running:
            wait_seconds = max(wait_seconds, self.sizing.patience_seconds)
        return self.oldest() + wait_seconds

    def take(self) -> list[BatchTask]:
        """Removes and returns the oldest tasks that fit into one batch, at least one."""
        taken: list[BatchTask] = []
        rows, largest = 0, self.largest
        for task in self.tasks:
            if taken and rows + task.rows > largest:
                break
            taken.append(task)
            rows += task.rows
        for task in taken:
            self.discard(task)
        return taken


def joined(inputs: Sequence[Arrays], padding_rows: int) -> Arrays:
    """Concatenates the rows of all inputs, and repeats the first row as padding."""
    if len(inputs) == 1 and not padding_rows:
        return inputs[0]
    first = inputs[0]
    return {
        name: np.concatenate(
            [*(arrays[name] for arrays in inputs), *[first[name][:1]] * padding_rows]
        )
        for name in first
    }


def dealt_out(outputs: Arrays, tasks: Sequence[BatchTask], rows: int) -> list[Arrays]:
    """Returns the outputs of each task of a batch of so many rows, padding included.

    Raises:
        ServableRunError: If an output does not have as many rows.
    """
    for name, array in outputs.items():
        if not array.ndim or len(array) != rows:
            raise ServableRunError(
                f"Batched output tensor's 0th dimension does not equal the sum of the 0th "
                f"dimension sizes of the input tensors: {name}"
            )
    if len(tasks) == 1 and tasks[0].rows == rows:
        return [outputs]
    items = list(outputs.items())
    parts: list[Arrays] = []
    start = 0
    for task in tasks:
        end = start + task.rows
        parts.append({name: array[start:end] for name, array in items})
        start = end
    return parts
