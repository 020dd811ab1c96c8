"""A bounded queue of texts that one thread works on in the background, off the path of requests."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)

Item = TypeVar("Item")


class BackgroundQueue(Generic[Item]):
    """A bounded first-in, first-out queue with one thread. Safe to share among threads.

    A row is one text; an item is a row, or several rows of one request. Rows without space are
    refused at once, so that no caller waits. The thread sleeps while the queue is empty, then
    pauses, so that more rows come together, works, and rests. It logs a failure of the work and
    goes on.
    """

    def __init__(
        self,
        work: Callable[[], None],
        *,
        name: str,
        max_rows: int,
        max_bytes: int,
        max_group: int,
        pause_seconds: float,
        rest_ratio: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Makes an empty queue; `start` starts its thread.

        Args:
            work: Called by the thread in each round; takes items out by `take`.
            name: Name of the thread.
            max_rows: Limit of rows in the queue.
            max_bytes: Limit of their memory, in bytes.
            max_group: Limit of rows that `take` returns, and that one item has.
            pause_seconds: Pause between the first row's arrival and the work.
            rest_ratio: Rest after each round of work, as a multiple of the time it took.
            clock: Returns seconds since any fixed moment.
        """
        self._work = work
        self._max_rows, self._max_bytes, self._max_group = max_rows, max_bytes, max_group
        self._pause_seconds, self._rest_ratio, self._clock = pause_seconds, rest_ratio, clock
        self._condition = threading.Condition()
        # Beside one another, since a tuple for each item would keep the garbage collector busy.
        self._items: deque[Item] = deque()
        self._rows_of_items: deque[int] = deque()
        self._sizes_of_items: deque[int] = deque()
        self._rows = self._bytes = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    @property
    def is_stopped(self) -> bool:
        """True once `stop` was called."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> list[Item]:
        """Refuses more rows, and waits for the thread to end its round.

        Returns:
            The items that were still in the queue.
        """
        with self._condition:
            self._stopped.set()
            left = list(self._items)
            for entries in (self._items, self._rows_of_items, self._sizes_of_items):
                entries.clear()
            self._rows = self._bytes = 0
            self._condition.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        return left

    def put_all(self, items: Iterable[tuple[Item, int]]) -> int:
        """Adds the items that there is space for.

        Args:
            items: Each item, of one row, with its memory in bytes.

        Returns:
            The number of items added.
        """
        added = 0
        with self._condition:
            for item, size_bytes in items:
                fits = self._rows < self._max_rows and self._bytes + size_bytes <= self._max_bytes
                if fits and not self._stopped.is_set():
                    self._add(item, 1, size_bytes)
                    added += 1
            self._condition.notify()
        return added

    def put_rows(self, rows: int, size_bytes: int, part: Callable[[int, int], Item]) -> int:
        """Adds the first rows of a request, as many as there is space for.

        Args:
            rows: Number of rows.
            size_bytes: Memory of the whole request. If it does not fit, no row is added; it is
                counted until the last row is taken out, since views hold all of it.
            part: Called with `begin` and `end`; returns an item of those rows.

        Returns:
            The number of rows added.
        """
        with self._condition:
            fits = self._bytes + size_bytes <= self._max_bytes and not self.is_stopped
            rows = min(rows, self._max_rows - self._rows) if fits else 0
            if not rows:
                return 0
            for begin in range(0, rows, self._max_group):
                end = min(begin + self._max_group, rows)
                self._add(part(begin, end), end - begin, size_bytes if end == rows else 0)
            self._condition.notify()
            return rows

    def take(self) -> list[Item]:
        """Removes and returns the oldest items, at most `max_group` rows in all."""
        taken: list[Item] = []
        rows = 0
        with self._condition:
            while self._items and rows + self._rows_of_items[0] <= self._max_group:
                rows += self._rows_of_items.popleft()
                self._bytes -= self._sizes_of_items.popleft()
                taken.append(self._items.popleft())
            self._rows -= rows
        return taken

    def _add(self, item: Item, rows: int, size_bytes: int) -> None:
        self._items.append(item)
        self._rows_of_items.append(rows)
        self._sizes_of_items.append(size_bytes)
        self._rows += rows
        self._bytes += size_bytes

    def _run(self) -> None:
        while self._wait_for_rows() and not self._stopped.wait(self._pause_seconds):
            began = self._clock()
            try:
                self._work()
            except Exception as error:
                # The thread outlives a round that fails. The message may quote a text.
                logger.error("a round of %s failed: %s", self._thread.name, type(error).__name__)
            self._stopped.wait(self._rest_ratio * (self._clock() - began))

    def _wait_for_rows(self) -> bool:
        with self._condition:
            self._condition.wait_for(lambda: self._items or self.is_stopped)
            return not self.is_stopped
