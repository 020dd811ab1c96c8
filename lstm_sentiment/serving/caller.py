"""Who waits for an answer: until when, and whether still."""

import threading
import time
from collections.abc import Callable


class Caller:
    """The one behind a request. Safe to share among threads."""

    def __init__(self, deadline: float | None = None) -> None:
        """Begins to wait.

        Args:
            deadline: When the answer is of no use any more, by `time.monotonic`; `None` for never.
        """
        self.deadline = deadline
        self._lock = threading.Lock()
        self._is_gone = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_gone(self) -> bool:
        """Whether the caller has gone away."""
        return self._is_gone

    def seconds_left(self) -> float | None:
        """How long until the deadline, not below 0; `None` if there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def has_time(self) -> bool:
        """Whether the deadline has not passed."""
        return self.deadline is None or time.monotonic() < self.deadline

    def leave(self) -> None:
        """The caller goes away; a second call does nothing."""
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
            self._is_gone = True
        for callback in callbacks:
            callback()

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Calls back once, when the caller goes away; at once, if that has happened.

        Args:
            callback: Takes nothing; must not block.
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
"""Somebody who never leaves and waits for ever."""
