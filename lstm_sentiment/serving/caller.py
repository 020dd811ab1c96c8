"""The caller behind a request: its deadline, and whether it has gone away."""

import threading
import time
from collections.abc import Callable

from lstm_sentiment.serving.errors import DeadlineExceededError, RequestCancelledError


class Caller:
    """A caller who waits for an answer. Safe to share among threads."""

    def __init__(self, deadline: float | None = None) -> None:
        """Begins to wait.

        Args:
            deadline: Time by `time.monotonic` after which the answer is useless; `None` for never.
        """
        self.deadline = deadline
        self._lock = threading.Lock()
        self._is_gone = False
        self._callbacks: list[Callable[[], None]] = []

    def seconds_left(self) -> float | None:
        """Returns the seconds until the deadline, at least 0; `None` without a deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def waits(self) -> bool:
        """Returns whether the caller is there and has time left."""
        has_time = self.deadline is None or time.monotonic() < self.deadline
        return has_time and not self._is_gone

    def check_waits(self) -> None:
        """Checks that the caller still waits for an answer.

        Raises:
            DeadlineExceededError: If the deadline has passed.
            RequestCancelledError: If the caller disconnected.
        """
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise DeadlineExceededError("the deadline passed before the answer was ready.")
        if self._is_gone:
            raise RequestCancelledError("the caller disconnected before the answer was ready.")

    def leave(self) -> None:
        """Marks the caller as gone; a second call does nothing."""
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
            self._is_gone = True
        for callback in callbacks:
            callback()

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Calls back once, when the caller goes away; at once for a caller who is gone.

        Args:
            callback: Must not block.
        """
        with self._lock:
            if not self._is_gone:
                self._callbacks.append(callback)
                return
        callback()


class _Anybody(Caller):
    def when_gone(self, callback: Callable[[], None]) -> None:
        """Never calls back."""


ANYBODY = _Anybody()
"""A caller who never leaves and waits for ever."""
