"""What is shown while a command runs: all on standard error, so that answers stand alone."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lstm_sentiment.progress import Advance, ignore

ERR = Console(stderr=True, highlight=False)


class TerminalProgress:
    """Progress bars where somebody watches; one line a step where standard error is a file."""

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        """Shows one long step.

        Args:
            description: What is done.
            total: Of how many parts it consists.
        """
        if not ERR.is_terminal:
            started = time.monotonic()
            yield ignore
            self.say(f"{description}: done in {time.monotonic() - started:.1f} s")
            return
        with Progress(
            TextColumn("{task.description:<21}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[status]}"),
            console=ERR,
        ) as bars:
            task = bars.add_task(description, total=total, status="")

            def advance(steps: int = 1, *, status: str = "") -> None:
                bars.update(task, advance=steps, status=status)

            yield advance

    def say(self, message: str) -> None:
        """Prints one line."""
        ERR.print(message, markup=False, soft_wrap=True)


def import_tensorflow() -> None:
    """Imports TensorFlow without what its C++ start-up prints past every log level."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow_text  # noqa: F401  brings TensorFlow with it
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
