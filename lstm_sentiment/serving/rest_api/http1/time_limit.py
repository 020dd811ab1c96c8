"""A time limit that is set and lifted with every request."""

import asyncio
from collections.abc import Callable


class TimeLimit:
    """Calls a function once a limit has passed that was not lifted in time.

    Setting and lifting only write a number down: one timer of the loop serves many requests, and
    looks for the current limit when it fires.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, when_over: Callable[[], None]
    ) -> None:
        """Makes a limit that is not set.

        Args:
            loop: The loop of the timer.
            seconds: How long the limit is, from each `set`.
            when_over: Called once the limit has passed; the limit is then not set.
        """
        self._loop, self._seconds, self._when_over = loop, seconds, when_over
        self._end: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Starts the limit; does nothing where it runs already."""
        if self._end is None:
            self._end = self._loop.time() + self._seconds
            if self._timer is None:
                self._timer = self._loop.call_at(self._end, self._look)

    def lift(self) -> None:
        """Lifts the limit, so that nothing is called."""
        self._end = None

    def close(self) -> None:
        """Lifts the limit for good and ends its timer."""
        self._end = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._end is None:
            return
        if self._loop.time() < self._end:
            self._timer = self._loop.call_at(self._end, self._look)
            return
        self._end = None
        self._when_over()
