"""Pauses before a worker that has ended is started again."""

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0
_LIVED_LONG_SECONDS = 60.0


class Backoff:
    """The pauses of one worker: none at first, then twice as long each time it ends at once."""

    def __init__(self) -> None:
        """Begins without a pause."""
        self._next = 0.0

    def pause_after(self, lifetime_seconds: float) -> float:
        """Returns the pause before the next start, in seconds.

        Args:
            lifetime_seconds: How long the worker has lived.
        """
        if lifetime_seconds >= _LIVED_LONG_SECONDS:
            self._next = 0.0
        pause = self._next
        self._next = min(max(2 * pause, _FIRST_SECONDS), _LONGEST_SECONDS)
        return pause
