"""Threads that run the requests of several callers in one call of a model.

After `tensorflow/core/kernels/batching_util/shared_batch_scheduler.h`: one pool of threads for all
models, a queue for each signature. Unlike there, a request is removed from its queue when its
caller has gone or its deadline has passed, and a batch that the model refuses is run again request
by request, so that one caller's bad input fails no other request.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import (
    DeadlineExceededError,
    OverloadedError,
    RequestCancelledError,
    ServableRunError,
)
from lstm_sentiment.serving.servable import Array
from lstm_sentiment.serving.servable_id import ServableId

logger = logging.getLogger(__name__)

Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class BatchRun:
    """One call of a model for several requests.

    Attributes:
        servable_id: The version that was called.
        rows: Rows of the requests.
        padded_rows: Rows that were computed, the padding to an allowed batch size included.
        queue_seconds: Seconds that each request waited for the call.
        seconds: Seconds that the call took.
    """

    servable_id: ServableId
    rows: int
    padded_rows: int
    queue_seconds: Sequence[float]
    seconds: float


class _Task:
    """A request, or a part of a split one, that waits for its answer."""

    def __init__(self, inputs: Arrays, rows: int, caller: Caller) -> None:
        self.inputs, self.rows, self.caller = inputs, rows, caller
        self.arrival = time.monotonic()
        self.outputs: Arrays = {}
        self.error: Exception | None = None
        self._first = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self, outputs: Arrays | None = None, error: Exception | None = None) -> None:
        """Sets the answer; all but the first call are ignored."""
        if self._first.acquire(blocking=False):
            self.outputs, self.error = outputs or {}, error
            self._done.release()

    def wait(self) -> bool:
        """Waits for the answer until the caller's deadline; returns whether it came in time."""
        seconds = self.caller.seconds_left()
        return self._done.acquire(timeout=-1 if seconds is None else seconds)


class _Queue:
    """A queue of requests for one signature, whose inputs share every dimension but the batch."""

    def __init__(self, run: Callable[[Arrays], Arrays], servable_id: ServableId) -> None:
        self.run, self.servable_id = run, servable_id
        self.tasks: dict[_Task, None] = {}
        self.rows = 0

    def add(self, task: _Task) -> None:
        self.tasks[task] = None
        self.rows += task.rows

    def discard(self, task: _Task) -> None:
        if task in self.tasks:
            del self.tasks[task]
            self.rows -= task.rows

    def oldest(self) -> float:
        return next(iter(self.tasks)).arrival

    def take(self, max_rows: int) -> list[_Task]:
        """Removes and returns the oldest tasks that fit into one batch."""
        taken, rows = [], 0
        for task in self.tasks:
            if rows + task.rows > max_rows:
                break
            taken.append(task)
            rows += task.rows
        for task in taken:
            self.discard(task)
        return taken


class BatchScheduler:
    """Queues requests and runs them in batches, in threads of its own."""

    def __init__(
        self,
        parameters: BatchingParameters,
        *,
        on_batch: Callable[[BatchRun], None] | None = None,
    ) -> None:
        """Creates an idle scheduler; `start` starts its threads.

        Args:
            parameters: Sizes of batches and queues, number of threads.
            on_batch: Called after each batch, in the thread that ran it; must not raise.
        """
        self.parameters = parameters
        self._on_batch = on_batch
        self._largest_batch = parameters.largest_batch
        # Guards all queues; notified when a queue may have become due.
        self._condition = threading.Condition()
        self._queues: dict[Any, _Queue] = {}
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{parameters.thread_pool_name}-{number}")
            for number in range(parameters.num_batch_threads)
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the threads; requests that still wait fail with `OverloadedError`."""
        with self._condition:
            self._is_stopping = True
            tasks = [task for queue in self._queues.values() for task in queue.tasks]
            self._queues.clear()
            self._condition.notify_all()
        for task in tasks:
            task.finish(error=OverloadedError("the server is shutting down."))
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def answer(
        self,
        key: Any,
        servable_id: ServableId,
        run: Callable[[Arrays], Arrays],
        parts: Sequence[tuple[Arrays, int]],
        caller: Caller,
    ) -> list[Arrays]:
        """Queues the parts of a request, all or none, and waits for their outputs.

        Args:
            key: Requests with the same key may share a batch.
            servable_id: The version that is called.
            run: Runs the version on the inputs of a batch.
            parts: The inputs of each part with their number of rows, at most `largest_batch`.
            caller: Sets the deadline, and may cancel the request.

        Returns:
            The outputs of each part.

        Raises:
            OverloadedError: If the queue is full, or the scheduler stops.
            DeadlineExceededError: If the caller's deadline passes first.
            RequestCancelledError: If the caller cancels first.
            LstmSentimentError: Any error that `run` raised.
        """
        tasks = [_Task(inputs, rows, caller) for inputs, rows in parts]
        self._put_in_line(key, servable_id, run, tasks)
        caller.when_gone(lambda: self._leave(key, tasks))
        for task in tasks:
            if not task.wait():
                self._take_out(key, tasks)
                raise DeadlineExceededError("the deadline passed before the answer was there.")
            if task.error is not None:
                self._take_out(key, tasks)
                raise task.error
        return [task.outputs for task in tasks]

    def run_batch(self) -> None:
        """Waits for a batch that is due and runs it, once; the threads do so in a loop."""
        with self._condition:
            queue = self._wait_for_due_queue()
            if queue is None:
                return
            tasks = queue.take(self._largest_batch)
        self._run(queue, tasks)

    def _work(self) -> None:
        while not self._is_stopping:
            self.run_batch()

    def _put_in_line(
        self, key: Any, servable_id: ServableId, run: Callable[[Arrays], Arrays], tasks: list[_Task]
    ) -> None:
        rows = sum(task.rows for task in tasks)
        most = self.parameters.max_enqueued_batches * self._largest_batch
        with self._condition:
            # The limit holds for a signature, whatever shapes its inputs have: key[0] is the same.
            waiting = sum(q.rows for other, q in self._queues.items() if other[0] == key[0])
            if self._is_stopping or waiting + rows > most:
                raise OverloadedError(
                    "The batch scheduling queue to which this task was submitted is full; "
                    f"queue_size_limit={most} rows. Received: {rows} rows while {waiting} wait."
                )
            queue = self._queues.get(key)
            if queue is None:
                # The dict's order is that of turns: a queue that was served goes to the end.
                queue = self._queues[key] = _Queue(run, servable_id)
            for task in tasks:
                queue.add(task)
            self._condition.notify()

    def _take_out(self, key: Any, tasks: list[_Task]) -> None:
        with self._condition:
            queue = self._queues.get(key)
            if queue is not None:
                for task in tasks:
                    queue.discard(task)

    def _leave(self, key: Any, tasks: list[_Task]) -> None:
        self._take_out(key, tasks)
        for task in tasks:
            task.finish(error=RequestCancelledError("the caller has gone away."))

    def _wait_for_due_queue(self) -> _Queue | None:
        while not self._is_stopping:
            queue, next_due = self._due_queue()
            if queue is not None:
                return queue
            self._condition.wait(None if next_due is None else next_due - time.monotonic())
        return None

    def _due_queue(self) -> tuple[_Queue | None, float | None]:
        """Returns a queue that is full or has waited enough; else `None` and the next due time."""
        for key in [key for key, queue in self._queues.items() if not queue.tasks]:
            del self._queues[key]
        wait_seconds = self.parameters.batch_timeout_micros / 1e6
        now, next_due = time.monotonic(), None
        for key, queue in self._queues.items():
            due = queue.oldest() + wait_seconds
            if queue.rows >= self._largest_batch or due <= now:
                del self._queues[key]
                self._queues[key] = queue
                return queue, None
            next_due = due if next_due is None else min(next_due, due)
        return None, next_due

    def _run(self, queue: _Queue, tasks: list[_Task]) -> None:
        began = time.monotonic()
        in_time = [task for task in tasks if task.caller.waits()]
        if not in_time:
            return
        rows = sum(task.rows for task in in_time)
        padded_rows = self._padded_rows(rows)
        try:
            outputs = queue.run(_joined([task.inputs for task in in_time], padded_rows - rows))
            self._deal_out(outputs, in_time, padded_rows)
        except InvalidInputError as error:
            self._run_one_by_one(queue, in_time, error)
        except Exception as error:
            if not isinstance(error, LstmSentimentError):
                logger.exception("%s failed in a batch", queue.servable_id)
            for task in in_time:
                task.finish(error=error)
        if self._on_batch is not None:
            now = time.monotonic()
            waited = [began - task.arrival for task in in_time]
            self._on_batch(BatchRun(queue.servable_id, rows, padded_rows, waited, now - began))

    def _run_one_by_one(self, queue: _Queue, tasks: list[_Task], error: InvalidInputError) -> None:
        if len(tasks) == 1:
            tasks[0].finish(error=error)
            return
        for task in tasks:
            padded_rows = self._padded_rows(task.rows)
            try:
                outputs = queue.run(_joined([task.inputs], padded_rows - task.rows))
                self._deal_out(outputs, [task], padded_rows)
            except Exception as own:
                task.finish(error=own)

    def _padded_rows(self, rows: int) -> int:
        return min((n for n in self.parameters.allowed_batch_sizes if n >= rows), default=rows)

    def _deal_out(self, outputs: Arrays, tasks: list[_Task], rows: int) -> None:
        for name, array in outputs.items():
            if not array.ndim or len(array) != rows:
                raise ServableRunError(
                    f"Batched output tensor's 0th dimension does not equal the sum of the 0th "
                    f"dimension sizes of the input tensors: {name}"
                )
        if len(tasks) == 1 and tasks[0].rows == rows:
            tasks[0].finish(outputs)
            return
        start = 0
        for task in tasks:
            end = start + task.rows
            task.finish({name: array[start:end] for name, array in outputs.items()})
            start = end


def _joined(inputs: Sequence[Arrays], padding_rows: int) -> Arrays:
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
