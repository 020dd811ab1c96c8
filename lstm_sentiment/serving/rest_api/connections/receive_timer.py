"""The time within which a whole request must be there."""

import asyncio
from collections.abc import Callable


class ReceiveTimer:
    """Calls a function once, unless it is stopped in time."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, when_over: Callable[[], None]
    ) -> None:
        """Makes a timer that does not run.

        Args:
            loop: The loop of the timer.
            seconds: The time from `start` to the call.
            when_over: Called once the time is over.
        """
        self._loop, self._seconds, self._when_over = loop, seconds, when_over
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Starts the timer; does nothing where it runs already."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._end)

    def stop(self) -> None:
        """Stops the timer, so that nothing is called."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        self._when_over()
