"""When an event loop runs the batches of its own requests."""

import asyncio
import math
import time
from collections.abc import Callable

# Requests that came together are read by the loop one after the other, with pauses between them
# that are shorter than this. In seconds, as all below.
_SHORT_PAUSE = 0.0003
# A caller who has just been answered takes about so long to ask again.
_LONG_PAUSE = 0.004
_LONGEST_WAIT = 0.01
# No caller has its answer and sends the next request in so short a time.
_BEFORE_THE_ANSWER_IS_READ = 0.0001


class LoopTurns:
    """Chooses the moments at which an event loop runs batches, between its other work.

    A lone caller's request is run at once. Callers who were answered together are expected back
    together: the next batch begins once as many requests have come and no other one follows, or
    when none comes any more. Not safe to share among threads: all is called in that of the loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        run: Callable[[], int],
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Begins without requests.

        Args:
            loop: The event loop.
            run: Runs the requests that wait, as many as a batch may have; returns their number.
            clock: Returns seconds since any fixed moment.
        """
        self._loop, self._run, self._clock = loop, run, clock
        self._came = 0
        self._expected = 1
        self._is_full = False
        self._first_came = self._last_came = self._last_end = -math.inf
        self._turn: asyncio.Handle | None = None
        self._is_soon = False

    def request_came(self, is_full: bool) -> None:
        """Plans the next batch, after a request has been queued.

        Args:
            is_full: Whether as many rows wait as a batch may have.
        """
        self._last_came = self._clock()
        self._came += 1
        self._is_full = is_full
        if self._came == 1:
            self._first_came = self._last_came
            if self._last_came - self._last_end < _BEFORE_THE_ANSWER_IS_READ:
                # Somebody else's than the caller's who was answered last.
                self._expected = max(self._expected, 2)
        self._plan()

    def _plan(self) -> None:
        """Plans a turn, or an earlier one than is planned."""
        is_soon = self._is_full or self._came >= self._expected
        if self._turn is not None:
            if self._is_soon or not is_soon:
                return
            self._turn.cancel()
        self._is_soon = is_soon
        self._turn = (
            self._loop.call_soon(self._take_turn)
            if is_soon
            else self._loop.call_later(self._seconds_left(_LONG_PAUSE), self._take_turn)
        )

    def _take_turn(self) -> None:
        """Runs a batch, unless more requests may come."""
        self._turn = None
        if self._may_more_come():
            self._plan()
            return
        requests = self._run()
        self._last_end = self._clock()
        self._came = max(0, self._came - requests) if requests else 0
        self._expected = max(1, requests)
        self._is_full = False
        if self._came:
            self._first_came = self._last_came = self._last_end
            self._plan()

    def _may_more_come(self) -> bool:
        if self._is_full or self._expected == 1:
            return False
        has_all = self._came >= self._expected
        return self._seconds_left(_SHORT_PAUSE if has_all else _LONG_PAUSE) > 0

    def _seconds_left(self, pause: float) -> float:
        end = min(self._last_came + pause, self._first_came + _LONGEST_WAIT)
        return end - self._clock()
