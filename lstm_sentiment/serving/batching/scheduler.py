"""Threads that answer requests of several callers by one call of a model.

After `tensorflow/core/kernels/batching_util/shared_batch_scheduler.h`: one pool of threads for
all models, a queue for each signature. Unlike there, a request whose caller has gone or has no time
left is taken out of its queue, and a batch that the model refuses is asked again one by one, so
that nobody pays for another's input.
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
        servable_id: Which version was called.
        rows: Rows of the requests.
        padded_rows: Rows that were computed: `rows` and those that fill an allowed size.
        queue_seconds: How long each request waited for the call.
        seconds: How long the call took.
    """

    servable_id: ServableId
    rows: int
    padded_rows: int
    queue_seconds: Sequence[float]
    seconds: float


class _Task:
    """A request, or a part of one, on its way through a queue."""

    def __init__(self, inputs: Arrays, rows: int, caller: Caller) -> None:
        self.inputs, self.rows, self.caller = inputs, rows, caller
        self.arrival = time.monotonic()
        self.outputs: Arrays = {}
        self.error: Exception | None = None
        self._first = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self, outputs: Arrays | None = None, error: Exception | None = None) -> None:
        """Notes the answer; what comes after the first counts for nothing."""
        if self._first.acquire(blocking=False):
            self.outputs, self.error = outputs or {}, error
            self._done.release()

    def wait(self) -> bool:
        """Waits for the answer until the caller's deadline; says whether there is one."""
        seconds = self.caller.seconds_left()
        return self._done.acquire(timeout=-1 if seconds is None else seconds)


class _Queue:
    """What waits for one signature of one version, all of one shape but for the rows."""

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
        """Takes out the oldest tasks that fit."""
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
    """Threads that call models for whoever waits."""

    def __init__(
        self,
        parameters: BatchingParameters,
        *,
        on_batch: Callable[[BatchRun], None] | None = None,
    ) -> None:
        """Makes an idle scheduler; `start` sets it to work.

        Args:
            parameters: How large a batch may be, how long it waits for more, how much may wait.
            on_batch: Told of each call, in the thread that made it; must not raise.
        """
        self.parameters = parameters
        self._on_batch = on_batch
        self._largest_batch = parameters.largest_batch
        # Guards all queues, and is notified when one of them may have become due.
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
        """Ends the threads; whoever still waits is told that the server goes."""
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
        """Waits for the answers to the parts of a request; all are put in line, or none.

        Args:
            key: Requests of the same key are answered together.
            servable_id: Who is asked.
            run: Asks it, for some rows.
            parts: Inputs and the number of their rows; none of more than `largest_batch`.
            caller: Who waits.

        Returns:
            The outputs for each part.

        Raises:
            OverloadedError: If too much waits already.
            DeadlineExceededError: If the caller's deadline passes first.
            RequestCancelledError: If the caller goes away first.
            LstmSentimentError: Whatever `run` raised.
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
        """Waits for a batch that is due and runs it: what each thread does over and over."""
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
            # The limit is that of a signature, however many shapes there are of its inputs.
            waiting = sum(q.rows for other, q in self._queues.items() if other[0] == key[0])
            if self._is_stopping or waiting + rows > most:
                raise OverloadedError(
                    "The batch scheduling queue to which this task was submitted is full; "
                    f"queue_size_limit={most} rows. Received: {rows} rows while {waiting} wait."
                )
            queue = self._queues.get(key)
            if queue is None:
                # Queues take turns: one whose oldest task was served goes to the end.
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
        """A queue whose batch is full or has waited enough, or else when one will have."""
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
    """The rows of all, and some of the first row over again."""
    if len(inputs) == 1 and not padding_rows:
        return inputs[0]
    first = inputs[0]
    return {
        name: np.concatenate(
            [*(arrays[name] for arrays in inputs), *[first[name][:1]] * padding_rows]
        )
        for name in first
    }
