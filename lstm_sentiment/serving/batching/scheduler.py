"""Queues of requests, which threads or an event loop run in batches.

After `tensorflow/core/kernels/batching_util/shared_batch_scheduler.h`: one pool of threads for all
models, a queue for each signature. Unlike there, an event loop may run batches of quick requests
itself, which waits for no thread; a request is removed from its queue when its
caller has gone or its deadline has passed, and a batch that the model refuses is run again request
by request, so that one caller's bad input fails no other request.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from lstm_sentiment.serving.batching.batch_queue import (
    BatchKey,
    BatchQueue,
    BatchRun,
    BatchTarget,
)
from lstm_sentiment.serving.batching.batch_request import (
    Arrays,
    BatchRequest,
    BatchTask,
    call_back,
)
from lstm_sentiment.serving.batching.batch_runner import BatchRunner
from lstm_sentiment.serving.batching.batch_sizing import BatchSizing
from lstm_sentiment.serving.batching.loop_turns import LoopTurns
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import (
    DeadlineExceededError,
    OverloadedError,
    RequestCancelledError,
)
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.timeouts import countable, timeout_or_none
from lstm_sentiment.version_folder import EXPLAIN

_QueueKey = tuple[BatchKey, asyncio.AbstractEventLoop | None]
"""The event loop is the one that runs the batches; `None` for the threads."""

# A loop does nothing else meanwhile, and larger batches cost the light engine little less.
_MOST_ROWS_ON_LOOP = 64

# Texts are explained one after another, which takes long: more would only wait for each other.
_MOST_EXPLAINED = 16


class BatchScheduler:
    """Queues requests and runs them in batches, in threads of its own or on an event loop."""

    def __init__(
        self,
        parameters: BatchingParameters,
        *,
        on_batch: Callable[[BatchRun], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Creates an idle scheduler; `start` starts its threads.

        Args:
            parameters: Sizes of batches and queues, number of threads.
            on_batch: Called after each batch, in the thread that ran it; must not raise.
            clock: Returns seconds since any fixed moment, to time batches by.
        """
        self.parameters = parameters
        self._largest_batch = parameters.largest_batch
        self._wait_seconds = countable(parameters.batch_timeout_micros / 1e6)
        self.objective_seconds = timeout_or_none(parameters.latency_objective_seconds)
        # Guards all queues and their requests; notified when a queue may have become due.
        self._condition = threading.Condition()
        self._runner = BatchRunner(parameters, self._condition, on_batch=on_batch, clock=clock)
        self._queues: dict[_QueueKey, BatchQueue] = {}
        self._turns: dict[asyncio.AbstractEventLoop, LoopTurns] = {}
        self._sizings: dict[tuple[str, str], BatchSizing] = {}
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
            requests = {task.request for queue in self._queues.values() for task in queue.tasks}
            error = OverloadedError("the server is shutting down.")
            refused = [request for request in requests if request.failed(error)]
            self._condition.notify_all()
        call_back(refused)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def submit(
        self,
        target: BatchTarget,
        parts: Sequence[tuple[Arrays, int]],
        caller: Caller,
        on_done: Callable[[BatchRequest], None],
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        on_loop: bool = False,
    ) -> BatchRequest:
        """Queues the parts of a request, all or none, and returns at once.

        Args:
            target: The version and signature to run.
            parts: The inputs of each part with their number of rows, at most `largest_batch`.
            caller: The caller. A request whose caller leaves is done; one whose deadline passes is
                not computed, and whoever waits for it calls `give_up`.
            on_done: Called once, with the request, when its outputs or an error are there; must not
                block or raise.
            loop: The event loop to call `on_done` in, which is woken once for all requests of a
                batch; `None` for the thread that ran the batch.
            on_loop: Whether the loop itself, in whose thread this is called, runs the batch, in the
                place of a thread of the scheduler.

        Returns:
            The request.

        Raises:
            OverloadedError: If the queue is full, or the scheduler stops.
        """
        rows = sum(part[1] for part in parts)
        with self._condition:
            self._check_room(target, rows)
            key = target.key, loop if on_loop else None
            queue = self._queues.get(key)
            if queue is None:
                # The dict's order is that of turns: a queue that was served goes to the end.
                queue = self._queues[key] = self._new_queue(target, on_loop)
            request = BatchRequest(queue, parts, caller, on_done, loop)
            was_empty, was_full = not queue.tasks, queue.is_full
            for task in request.tasks:
                queue.add(task)
            # Else a thread already knows when the queue is due.
            if not on_loop and (was_empty or (queue.is_full and not was_full)):
                self._condition.notify()
            is_full = queue.is_full
        if on_loop and loop is not None:
            self._turns_of(loop).request_came(is_full)
        caller.when_gone(lambda: self.give_up(request, _gone()))
        return request

    def answer(
        self,
        target: BatchTarget,
        parts: Sequence[tuple[Arrays, int]],
        caller: Caller,
    ) -> list[Arrays]:
        """Queues the parts of a request, see `submit`, and waits for their outputs.

        Returns:
            The outputs of each part.

        Raises:
            OverloadedError: If the queue is full, or the scheduler stops.
            DeadlineExceededError: If the caller's deadline passes first.
            RequestCancelledError: If the caller cancels first.
            LstmSentimentError: Any error that `run` raised.
        """
        done = threading.Lock()
        done.acquire()
        request = self.submit(target, parts, caller, lambda _: done.release())
        seconds = caller.seconds_left()
        if not done.acquire(timeout=-1 if seconds is None else seconds):
            self.give_up(request, _late())
        return request.outputs()

    async def answer_async(
        self,
        target: BatchTarget,
        parts: Sequence[tuple[Arrays, int]],
        caller: Caller,
        *,
        on_loop: bool = False,
    ) -> list[Arrays]:
        """Awaits the outputs of a request: see `answer`. A cancelled request is not computed.

        Args:
            target: The version and signature to run.
            parts: The inputs of each part with their number of rows, at most `largest_batch`.
            caller: The caller.
            on_loop: Whether the event loop may run the batch itself, between its other work. It
                does not where batches have a time to wait for more requests.
        """
        loop = asyncio.get_running_loop()
        on_loop = on_loop and not self._wait_seconds
        done: asyncio.Future[None] = loop.create_future()

        def on_done(_: BatchRequest) -> None:
            if not done.done():
                done.set_result(None)

        request = self.submit(target, parts, caller, on_done, loop=loop, on_loop=on_loop)
        seconds = caller.seconds_left()
        timer = (
            None if seconds is None else loop.call_later(seconds, self.give_up, request, _late())
        )
        try:
            await done
        except asyncio.CancelledError:
            self.give_up(request, _gone())
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return request.outputs()

    def largest_batch(self, servable_id: ServableId, signature_key: str) -> int:
        """Returns the most rows that a batch of a signature may have now."""
        sizing = self._sizings.get((servable_id.name, signature_key))
        return self._largest_batch if sizing is None else sizing.largest

    def report(self) -> dict[str, Any]:
        """Returns the sizes that the objective of latency has led to, for JSON.

        Returns:
            `latency_objective_ms`, and `batches`: for each signature of a model that was called,
            `model`, `signature` and `largest_batch`.
        """
        objective = self.objective_seconds
        with self._condition:
            found = [(*name, sizing.largest) for name, sizing in sorted(self._sizings.items())]
        return {
            "latency_objective_ms": None if objective is None else round(objective * 1e3, 6),
            "batches": [
                {"model": model, "signature": signature, "largest_batch": largest}
                for model, signature, largest in found
            ],
        }

    def give_up(self, request: BatchRequest, error: Exception) -> None:
        """Takes a request out of its queue, unless it is done: it fails with the error."""
        with self._condition:
            has_failed = request.failed(error)
        if has_failed:
            call_back([request])

    def run_batch(self) -> None:
        """Waits for a batch that is due and runs it, once; the threads do so in a loop."""
        with self._condition:
            queue = self._wait_for_due_queue()
            if queue is None:
                return
            tasks = self._begin(queue)
            if any(other.tasks for _, other in self._queues_of(None)):
                self._condition.notify()
        self._runner.run(queue, tasks)

    def _run_on_loop(self, loop: asyncio.AbstractEventLoop) -> int:
        """Runs a batch of each queue of an event loop; returns their number of requests."""
        with self._condition:
            queues = [queue for _, queue in self._queues_of(loop) if queue.tasks]
            batches = [(queue, self._begin(queue)) for queue in queues]
        for queue, tasks in batches:
            self._runner.run(queue, tasks)
        with self._condition:
            self._drop_idle_queues()
        return sum(len(tasks) for _, tasks in batches)

    def _begin(self, queue: BatchQueue) -> list[BatchTask]:
        queue.running += 1
        return queue.take()

    def _turns_of(self, loop: asyncio.AbstractEventLoop) -> LoopTurns:
        turns = self._turns.get(loop)
        if turns is None:
            turns = self._turns[loop] = LoopTurns(loop, partial(self._run_on_loop, loop))
        return turns

    def _queues_of(
        self, loop: asyncio.AbstractEventLoop | None
    ) -> list[tuple[_QueueKey, BatchQueue]]:
        return [(key, queue) for key, queue in self._queues.items() if key[1] is loop]

    def _work(self) -> None:
        while not self._is_stopping:
            self.run_batch()

    def _check_room(self, target: BatchTarget, rows: int) -> None:
        most = self.parameters.max_enqueued_batches * self._largest_batch
        # The limit holds for a signature, whatever shapes its inputs have.
        waiting = 0
        for queue in self._queues.values():
            if queue.target.signature == target.signature:
                waiting += queue.rows
        if self._is_stopping or waiting + rows > most:
            raise OverloadedError(
                "The batch scheduling queue to which this task was submitted is full; "
                f"queue_size_limit={most} rows. Received: {rows} rows while {waiting} wait."
            )

    def _new_queue(self, target: BatchTarget, on_loop: bool) -> BatchQueue:
        most_rows = _MOST_ROWS_ON_LOOP if on_loop else None
        if target.signature[1] == EXPLAIN:
            most_rows = _MOST_EXPLAINED
        return BatchQueue(target, self._sizing(target), most_rows)

    def _sizing(self, target: BatchTarget) -> BatchSizing:
        """Returns the sizing of a signature, one for all versions of a model."""
        servable_id, signature_key = target.signature
        name = servable_id.name, signature_key
        if name not in self._sizings:
            objective = self.objective_seconds
            self._sizings[name] = BatchSizing(self._largest_batch, objective)
        return self._sizings[name]

    def _wait_for_due_queue(self) -> BatchQueue | None:
        while not self._is_stopping:
            queue, next_due = self._due_queue()
            if queue is not None:
                return queue
            self._condition.wait(None if next_due is None else next_due - time.monotonic())
        return None

    def _due_queue(self) -> tuple[BatchQueue | None, float | None]:
        """Returns a queue that is full or has waited enough; else `None` and the next due time."""
        self._drop_idle_queues()
        now, next_due = time.monotonic(), None
        for key, queue in self._queues_of(None):
            if not queue.tasks:
                continue
            due = queue.due(self._wait_seconds)
            if due <= now:
                del self._queues[key]
                self._queues[key] = queue
                return queue, None
            next_due = due if next_due is None else min(next_due, due)
        return None, next_due

    def _drop_idle_queues(self) -> None:
        """Drops the queues without requests, which would keep their versions in memory."""
        for key in [key for key, q in self._queues.items() if not q.tasks and not q.running]:
            del self._queues[key]


def _late() -> DeadlineExceededError:
    return DeadlineExceededError("the deadline passed before the answer was ready.")


def _gone() -> RequestCancelledError:
    return RequestCancelledError("the caller disconnected.")
