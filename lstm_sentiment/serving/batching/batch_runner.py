"""Runs batches: one call of a model for the tasks of several requests."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError
from lstm_sentiment.serving.batching.batch_queue import BatchQueue, BatchRun, dealt_out, joined
from lstm_sentiment.serving.batching.batch_request import (
    Arrays,
    BatchTask,
    CallersOfBatch,
    call_back,
)
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.errors import DeadlineExceededError, RequestCancelledError
from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)


class BatchRunner:
    """Runs batches. Safe to share among threads."""

    def __init__(
        self,
        parameters: BatchingParameters,
        lock: AbstractContextManager[Any],
        *,
        on_batch: Callable[[BatchRun], None] | None,
        clock: Callable[[], float],
    ) -> None:
        """Keeps the parameters.

        Args:
            parameters: The sizes that batches are padded to.
            lock: Guards queues and requests.
            on_batch: Called after each batch, in the thread that ran it; must not raise.
            clock: Returns seconds since any fixed moment.
        """
        self._parameters, self._lock = parameters, lock
        self._on_batch, self._clock = on_batch, clock

    def run(self, queue: BatchQueue, tasks: list[BatchTask]) -> None:
        """Runs a batch in the calling thread: each request of it gets its answer, or an error.

        Args:
            queue: The queue that the tasks were taken from; its number of running batches counts
                this one.
            tasks: The tasks, at least one.
        """
        waited = time.monotonic()
        began = self._clock()
        computed: list[BatchTask] = []
        try:
            computed = self._computed_tasks(queue, tasks)
        finally:
            seconds = self._clock() - began
            rows = sum(task.rows for task in computed)
            with self._lock:
                queue.running -= 1
                if computed:
                    queue.sizing.ran(rows, seconds)
        if computed and self._on_batch is not None:
            queue_seconds = [waited - task.request.arrival for task in computed]
            self._on_batch(
                BatchRun(
                    *queue.target.signature,
                    rows,
                    self._padded_rows(rows),
                    queue_seconds,
                    seconds,
                    queue.sizing.found,
                )
            )

    def _computed_tasks(self, queue: BatchQueue, tasks: list[BatchTask]) -> list[BatchTask]:
        """Computes a batch; returns its tasks without those whose callers wait no more."""
        in_time = self._without_late(tasks)
        if not in_time:
            return in_time
        try:
            self._finish(zip(in_time, self._computed(queue, in_time), strict=True))
        except InvalidInputError as error:
            self._run_one_by_one(queue, in_time, error)
        except Exception as error:
            if not isinstance(error, LstmSentimentError):
                logger.exception("%s failed in a batch", queue.target.servable_id)
            self._finish((task, error) for task in in_time)
        return in_time

    def _without_late(self, tasks: list[BatchTask]) -> list[BatchTask]:
        """Returns the tasks whose callers still wait; the requests of the others have failed."""
        late: list[tuple[BatchTask, Exception]] = []
        for task in tasks:
            try:
                task.request.caller.check_waits()
            except (DeadlineExceededError, RequestCancelledError) as error:
                late.append((task, error))
        if not late:
            return tasks
        self._finish(late)
        return [task for task in tasks if not task.request.is_done]

    def _run_one_by_one(
        self, queue: BatchQueue, tasks: list[BatchTask], error: InvalidInputError
    ) -> None:
        if len(tasks) == 1:
            self._finish([(tasks[0], error)])
            return
        for task in tasks:
            try:
                self._finish([(task, self._computed(queue, [task])[0])])
            except Exception as own:
                self._finish([(task, own)])

    def _computed(self, queue: BatchQueue, tasks: Sequence[BatchTask]) -> list[Arrays]:
        """Computes one batch; returns the outputs of each task."""
        rows = sum(task.rows for task in tasks)
        padded_rows = self._padded_rows(rows)
        inputs = joined([task.inputs for task in tasks], padded_rows - rows)
        callers = CallersOfBatch([task.request.caller for task in tasks])
        return dealt_out(queue.target.run(inputs, callers), tasks, padded_rows)

    def _finish(self, results: Iterable[tuple[BatchTask, Arrays | Exception]]) -> None:
        """Notes the outputs or the error of each task, and calls back for requests now done."""
        with self._lock:
            done = [
                task.request
                for task, result in results
                if (
                    task.request.failed(result)
                    if isinstance(result, Exception)
                    else task.request.answered(task, result)
                )
            ]
        call_back(done)

    def _padded_rows(self, rows: int) -> int:
        return min((n for n in self._parameters.allowed_batch_sizes if n >= rows), default=rows)
