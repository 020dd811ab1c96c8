"""The connections of a server: how many there may be, and which is closed for a new one."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from lstm_sentiment.serving.access.connection_limit import KEPT_FREE, is_short_of_descriptors
from lstm_sentiment.serving.access.crowding import Crowding
from lstm_sentiment.system import descriptor_limit

# Who has just connected must have the time to send a request.
_SECONDS_TO_BEGIN = 0.25
# Who sends a request slowly is honest more often than who sends none.
_SECONDS_TO_SEND = 5.0
_LONGEST_WAIT_SECONDS = 1.0

_Since = dict["OpenConnection", float]


class OpenConnections:
    """All connections of a server; to be used on its event loop alone.

    At the limit the connection that has been idle longest is closed for a new one, or, where none
    is idle, one whose request has been coming for seconds: it is refused. Where each request is
    running, the new one waits for the end of one.
    """

    def __init__(
        self,
        limit: int,
        crowding: Crowding,
        *,
        is_short: Callable[[], bool] = is_short_of_descriptors,
        high_descriptor: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins without any.

        Args:
            limit: Most connections.
            crowding: Told of what happens at the limit.
            is_short: Returns whether the process is short of descriptors, which is another limit.
            high_descriptor: Number from which on `is_short` is called; `None` for one near the end.
            clock: Returns seconds since any fixed moment.
        """
        self._limit, self._crowding = limit, crowding
        self._is_short, self._clock = is_short, clock
        self._last_descriptor = 0
        self._high_descriptor = (
            descriptor_limit() - KEPT_FREE if high_descriptor is None else high_descriptor
        )
        self._count = 0
        # Since when each waits for its caller, the longest first.
        self._idle: _Since = {}
        self._receiving: _Since = {}
        self._ended = asyncio.Event()

    def __len__(self) -> int:
        """Returns the number of connections that are not closed yet."""
        return self._count

    def opened(self, descriptor: int, close: Callable[[], None]) -> "OpenConnection":
        """Counts a connection; it is idle.

        Args:
            descriptor: Its file descriptor.
            close: Closes it, whatever it does.
        """
        self._count += 1
        self._last_descriptor = descriptor
        return OpenConnection(self, close)

    async def room(self) -> None:
        """Returns once there is space for one more, for which another may have to be closed."""
        while (why := self._why_full()) is not None:
            self._ended.clear()
            wait = self.make_room(why)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._ended.wait()

    def are_full(self) -> bool:
        """Returns whether there is no space for one more."""
        return self._why_full() is not None

    def _why_full(self) -> str | None:
        if self._count >= self._limit:
            return f"there are {self._limit:,} connections, as many as there may be"
        # The last connection got the lowest number that was free: most often that tells enough.
        is_near = self._last_descriptor >= self._high_descriptor
        return "few file descriptors are left" if is_near and self._is_short() else None

    def make_room(self, why: str) -> float:
        """Closes a connection where one may be closed; returns how long to wait for an end at most.

        Args:
            why: The line in the log.
        """
        now, wait = self._clock(), _LONGEST_WAIT_SECONDS
        for waiting, patience in (
            (self._idle, _SECONDS_TO_BEGIN),
            (self._receiving, _SECONDS_TO_SEND),
        ):
            oldest = next(iter(waiting), None)
            if oldest is None:
                continue
            left = waiting[oldest] + patience - now
            if left <= 0:
                del waiting[oldest]
                self._crowding.closed(why)
                if waiting is self._receiving and oldest.refuse is not None:
                    oldest.refuse()
                else:
                    oldest.close()
                return _LONGEST_WAIT_SECONDS
            wait = min(wait, left)
        if not self._idle:
            self._crowding.paused(f"{why}, and none is idle: new ones wait")
        return wait


class OpenConnection:
    """The state of one connection, as its protocol reports it.

    Attributes:
        close: Closes it, whatever it does.
        refuse: Answers the request that is arriving with an error, and closes the connection;
            `None` to close it alone.
    """

    __slots__ = ("_all", "_is_ended", "_waiting", "close", "refuse")

    def __init__(self, connections: OpenConnections, close: Callable[[], None]) -> None:
        """Makes an idle one."""
        self._all, self.close = connections, close
        self.refuse: Callable[[], None] | None = None
        self._waiting: _Since | None = None
        self._is_ended = False
        self.is_idle()

    def is_idle(self) -> None:
        """Notes that it waits for a request."""
        self._wait_in(self._all._idle)

    def is_receiving(self) -> None:
        """Notes that a part of a request has come; the time counts from the first part on."""
        if self._waiting is not self._all._receiving:
            self._wait_in(self._all._receiving)

    def is_busy(self) -> None:
        """Notes that a request is answered."""
        if self._waiting is not None:
            self._waiting.pop(self, None)
            self._waiting = None

    def ended(self) -> None:
        """Notes that its descriptor is closed, or is about to be."""
        if not self._is_ended:
            self._is_ended = True
            self.is_busy()
            self._all._count -= 1
            self._all._ended.set()

    def _wait_in(self, waiting: _Since) -> None:
        self.is_busy()
        self._waiting = waiting
        waiting[self] = self._all._clock()
