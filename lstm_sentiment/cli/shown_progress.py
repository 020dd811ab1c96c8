"""Progress of the library's long steps, for scripts and notebooks."""

import html
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lstm_sentiment.cli.console import TerminalProgress
from lstm_sentiment.progress import CHOSEN, Advance, Progress, SilentProgress

_UPDATE_SECONDS = 0.2


def show_progress(shown: bool = True) -> None:
    """Shows the progress of every long step from now on: training, scoring, loading, exporting.

    A terminal shows a bar with the time left; a notebook shows one below its cell; a file gets a
    line now and then. Functions that are given a `progress` of their own use that.

    Args:
        shown: `False` shows nothing again, as at the start.
    """
    CHOSEN.display = _display() if shown else SilentProgress()


class NotebookProgress:
    """Progress below the cell of a notebook; needs no package that a notebook lacks."""

    def __init__(
        self, display: Callable[..., Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Shows nothing yet.

        Args:
            display: IPython's `display`.
            clock: Returns seconds, from any start.
        """
        self._display = display
        self._clock = clock

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        """Shows one line with a bar, which is updated in place."""
        started = shown_at = self._clock()
        done, last = 0, ""
        shown = self._display(_Line(description, 0, total, "", 0.0), display_id=True)

        def show() -> None:
            seconds = self._clock() - started
            shown.update(_Line(description, done, total, last, seconds))

        def advance(steps: int = 1, *, status: str = "") -> None:
            nonlocal done, last, shown_at
            done, last = done + steps, status or last
            if self._clock() - shown_at >= _UPDATE_SECONDS:
                shown_at = self._clock()
                show()

        try:
            yield advance
        finally:
            show()

    def say(self, message: str) -> None:
        """Prints one line."""
        print(message)


class _Line:
    """One step as a notebook shows it, or as text where there is no HTML."""

    def __init__(
        self, description: str, done: int, total: int, status: str, seconds: float
    ) -> None:
        self._description, self._status = description, status
        self._done, self._total = done, max(1, total)
        left = seconds * (self._total - done) / done if done else 0.0
        self._time = f"{_minutes(left)} left" if 0 < done < total else _minutes(seconds)

    def __repr__(self) -> str:
        parts = (f"{self._description}: {self._done:,}/{self._total:,}", self._time, self._status)
        return ", ".join(filter(None, parts))

    def _repr_html_(self) -> str:
        numbers = ", ".join(filter(None, (self._time, self._status)))
        return (
            f"<div>{html.escape(self._description)} "
            f'<progress value="{self._done}" max="{self._total}"></progress> '
            f"{self._done:,}/{self._total:,} {html.escape(numbers)}</div>"
        )


def _display() -> Progress:
    """Returns the display of a notebook, where Python runs in one, or of a terminal."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import display

        return NotebookProgress(display)
    return TerminalProgress(says_end=False)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
