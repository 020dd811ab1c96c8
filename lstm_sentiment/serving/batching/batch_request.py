"""A request that waits for its batch, and those who wait for the request."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.servable import Array

if TYPE_CHECKING:
    from lstm_sentiment.serving.batching.batch_queue import BatchQueue

Arrays = Mapping[str, Array]


class BatchTask:
    """A request, or a part of a split one, that is computed in one batch.

    Attributes:
        request: The request.
        inputs: An array for each input, by name.
        rows: Number of rows of the inputs.
        outputs: An array for each output, by name; empty before the task is computed.
    """

    __slots__ = ("inputs", "outputs", "request", "rows")

    def __init__(self, request: "BatchRequest", inputs: Arrays, rows: int) -> None:
        """Begins without outputs."""
        self.request, self.inputs, self.rows = request, inputs, rows
        self.outputs: Arrays = {}


class BatchRequest:
    """A request from its arrival until its outputs, or an error, are there.

    Attributes:
        caller: The caller who waits.
        tasks: The parts of the request.
        queue: The queue that the tasks wait in.
        loop: The event loop that `on_done` is called in; `None` for the thread that has the answer.
        on_done: Called once, with the request, as soon as it is done.
        arrival: Time of arrival, by `time.monotonic`.
        is_done: True once all outputs, or an error, are there.
        error: The error of a request that failed.
    """

    __slots__ = (
        "_missing",
        "arrival",
        "caller",
        "error",
        "is_done",
        "loop",
        "on_done",
        "queue",
        "tasks",
    )

    def __init__(
        self,
        queue: "BatchQueue",
        parts: Sequence[tuple[Arrays, int]],
        caller: Caller,
        on_done: "Callable[[BatchRequest], None]",
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        """Begins to wait; see the attributes. A part is its inputs and their number of rows."""
        self.queue, self.caller, self.on_done, self.loop = queue, caller, on_done, loop
        self.tasks = [BatchTask(self, inputs, rows) for inputs, rows in parts]
        self.arrival = time.monotonic()
        self.is_done = False
        self.error: Exception | None = None
        self._missing = len(self.tasks)

    def outputs(self) -> list[Arrays]:
        """Returns the outputs of each part of a request that is done.

        Raises:
            Exception: The request's error, if it failed.
        """
        if self.error is not None:
            raise self.error
        return [task.outputs for task in self.tasks]

    def answered(self, task: BatchTask, outputs: Arrays) -> bool:
        """Notes a part's outputs, under the scheduler's lock; returns whether this was the last."""
        if self.is_done:
            return False
        task.outputs = outputs
        self._missing -= 1
        self.is_done = not self._missing
        return self.is_done

    def failed(self, error: Exception) -> bool:
        """Ends the request, under the scheduler's lock; returns whether it was not done before."""
        if self.is_done:
            return False
        self.is_done, self.error = True, error
        for task in self.tasks:
            self.queue.discard(task)
        return True


def call_back(requests: Iterable[BatchRequest]) -> None:
    """Calls `on_done` of requests: an event loop is woken once for all that wait in it.

    In a loop's own thread, those that wait in it are called at once.
    """
    running = asyncio._get_running_loop()
    by_loop: dict[asyncio.AbstractEventLoop, list[BatchRequest]] = {}
    for request in requests:
        if request.loop is None or request.loop is running:
            request.on_done(request)
        else:
            by_loop.setdefault(request.loop, []).append(request)
    for loop, waiting in by_loop.items():
        with suppress(RuntimeError):  # nobody waits in a loop that is closed
            loop.call_soon_threadsafe(_call_back, waiting)


def _call_back(requests: Iterable[BatchRequest]) -> None:
    for request in requests:
        request.on_done(request)


class CallersOfBatch(Caller):
    """All callers of a batch as one: gone when the last of them is gone or late."""

    def __init__(self, callers: Sequence[Caller]) -> None:
        """Waits as long as any of the callers."""
        deadlines = [caller.deadline for caller in callers if caller.deadline is not None]
        super().__init__(max(deadlines) if len(deadlines) == len(callers) else None)
        self._callers = callers

    def waits(self) -> bool:
        """Returns whether a caller is there and has time left."""
        return any(caller.waits() for caller in self._callers)

    def check_waits(self) -> None:
        """Raises the last caller's error if no caller waits any more: see `Caller`."""
        if not self.waits():
            self._callers[-1].check_waits()

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Calls back once, when the last of the callers goes away."""
        left = len(self._callers)
        lock = threading.Lock()

        def leave() -> None:
            nonlocal left
            with lock:
                left -= 1
                is_last = not left
            if is_last:
                callback()

        for caller in self._callers:
            caller.when_gone(leave)
