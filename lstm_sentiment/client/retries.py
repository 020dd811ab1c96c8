"""Retries of a request: only after UNAVAILABLE, and never past the call's deadline.

Requests change nothing on the server, so a retry is harmless even if the first request arrived.

gRPC's own `retryPolicy` of a service config is not used: it makes at most 5 attempts, and tests
cannot replace its clock and its random numbers.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc

from lstm_sentiment.checks import positive_seconds
from lstm_sentiment.client.errors import trailing_value
from lstm_sentiment.timeouts import countable

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_PUSHBACK_KEY = "grpc-retry-pushback-ms"


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
    """The deadline of a whole call, with all retries and parts.

    Raises:
        InvalidInputError: If `timeout_seconds` is not positive.
    """

    def __init__(self, timeout_seconds: float, clock: Callable[[], float]) -> None:
        """Starts the clock, which returns seconds from any start."""
        positive_seconds(timeout_seconds=timeout_seconds)
        self.timeout_seconds = timeout_seconds
        self._clock = clock
        self._end = clock() + timeout_seconds

    def remaining_seconds(self) -> float:
        """Returns the seconds left, as gRPC can count them; 0 or less after the deadline."""
        return countable(self._end - self._clock())


class Attempts:
    """Counts the retries of one request."""

    def __init__(self, deadline: Deadline, max_retries: int, timing: Timing) -> None:
        """Starts at no retry; `timing` has the random numbers for the pauses."""
        self._deadline = deadline
        self._left = max_retries
        self._random = timing.random
        self._longest_pause = _FIRST_PAUSE_SECONDS

    def pause_after(self, error: grpc.RpcError) -> float | None:
        """Returns the seconds to wait before a retry; `None` for no retry.

        The pause is drawn from 0 to a bound that doubles each time, from 0.1 to 5 seconds ("full
        jitter"), unless the server sets another one by `grpc-retry-pushback-ms`.
        """
        if error.code() is not grpc.StatusCode.UNAVAILABLE or self._left == 0:
            return None
        self._left -= 1
        pause = self._random() * self._longest_pause
        self._longest_pause = min(2 * self._longest_pause, _LONGEST_PAUSE_SECONDS)
        pushback = trailing_value(error, _PUSHBACK_KEY)
        if pushback is not None:
            if not (pushback.isascii() and pushback.isdigit()):
                # By gRPC's rules any other value, such as -1, forbids a retry.
                return None
            pause = float(pushback) / 1000
        return pause if pause < self._deadline.remaining_seconds() else None
