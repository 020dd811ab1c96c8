"""When a request is sent again: only after UNAVAILABLE, and never past the call's deadline.

Asking changes nothing on the server, so it does no harm where the first request did arrive.

gRPC's own `retryPolicy` of a service config is not used: it makes at most 5 attempts whatever it is
told, and its clock and its chance cannot be replaced, so that no test could tell what it does.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc

from lstm_sentiment.checks import positive_seconds
from lstm_sentiment.client.errors import trailing_value

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_PUSHBACK_KEY = "grpc-retry-pushback-ms"
# gRPC counts nanoseconds since 1970 in 64 bits: centuries overflow, and are over at once.
_LONGEST_GRPC_TIMEOUT_SECONDS = 1e8


@dataclass(frozen=True)
class Timing:
    """The clock, the pauses and the random numbers of a client, which tests replace.

    Attributes:
        clock: Returns seconds, from any start.
        sleep: Waits, in seconds.
        async_sleep: Waits in a coroutine, in seconds.
        random: Returns a number from 0 to 1.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    async_sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


SYSTEM_TIMING = Timing()
"""The system's clock, sleep and random numbers."""


class Deadline:
    """The moment by which a whole call must be answered, retries and all parts included."""

    def __init__(self, timeout_seconds: float, clock: Callable[[], float]) -> None:
        """Starts the time.

        Args:
            timeout_seconds: How long from now.
            clock: Seconds, from any start.

        Raises:
            InvalidInputError: If `timeout_seconds` is not positive.
        """
        positive_seconds(timeout_seconds=timeout_seconds)
        self.timeout_seconds = timeout_seconds
        self._clock = clock
        self._end = clock() + timeout_seconds

    def remaining_seconds(self) -> float:
        """How long is left, as gRPC can count it; 0 or less when nothing is."""
        return min(self._end - self._clock(), _LONGEST_GRPC_TIMEOUT_SECONDS)


class Attempts:
    """The attempts of one request."""

    def __init__(self, deadline: Deadline, max_retries: int, timing: Timing) -> None:
        """Counts from none.

        Args:
            deadline: Of the call that the request belongs to.
            max_retries: How often it may be sent again.
            timing: Where the chance comes from.
        """
        self._deadline = deadline
        self._left = max_retries
        self._random = timing.random
        self._longest_pause = _FIRST_PAUSE_SECONDS

    def pause_after(self, error: grpc.RpcError) -> float | None:
        """Decides what follows a failed attempt.

        The pause is drawn from 0 to a bound that doubles each time, from 0.1 to 5 seconds ("full
        jitter"), unless the server asks for another one by `grpc-retry-pushback-ms`.

        Args:
            error: What gRPC raised.

        Returns:
            Seconds to wait before the next attempt; `None` if there is to be none.
        """
        if error.code() is not grpc.StatusCode.UNAVAILABLE or self._left == 0:
            return None
        self._left -= 1
        pause = self._random() * self._longest_pause
        self._longest_pause = min(2 * self._longest_pause, _LONGEST_PAUSE_SECONDS)
        pushback = trailing_value(error, _PUSHBACK_KEY)
        if pushback is not None:
            if not (pushback.isascii() and pushback.isdigit()):
                # By gRPC's rules anything else, -1 above all, says: do not come back.
                return None
            pause = int(pushback) / 1000
        return pause if pause < self._deadline.remaining_seconds() else None
