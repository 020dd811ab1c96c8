"""What is shown while a command runs: all on standard error, so that answers stand alone."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from lstm_sentiment.cli.verbosity import is_quiet, is_verbose
from lstm_sentiment.progress import SILENT, Advance, ignore
from lstm_sentiment.progress import Progress as AnyProgress

ERR = Console(stderr=True, highlight=False)
"""Where all but results is printed."""

# What must be read leaves little room for the bar itself in 80 columns.
_WIDE, _BAR, _SHORT_BAR = 100, 28, 12
_MOST_COUNTED = 99_999
_DESCRIPTION = 21
_NUMBERS = 25  # columns of count and time, and what is between all columns


class TerminalProgress:
    """Progress bars where somebody watches; one line a step where standard error is a file.

    With `--quiet` neither is shown, nor what is said.
    """

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        """Shows one long step.

        Args:
            description: What is done.
            total: Of how many parts it consists.
        """
        if is_quiet():
            yield ignore
            return
        if not ERR.is_terminal:
            started = time.monotonic()
            yield ignore
            self.say(f"{description}: done in {time.monotonic() - started:.1f} s")
            return
        with Progress(
            TextColumn(
                f"{{task.description:<{_DESCRIPTION}}}",
                markup=False,
                table_column=Column(no_wrap=True),
            ),
            BarColumn(bar_width=_BAR if ERR.width >= _WIDE else _SHORT_BAR),
            _Count(table_column=Column(no_wrap=True)),
            _Time(table_column=Column(no_wrap=True)),
            _Status(table_column=Column(no_wrap=True)),
            console=ERR,
        ) as bars:
            task = bars.add_task(description, total=total, status="")

            def advance(steps: int = 1, *, status: str = "") -> None:
                bars.update(task, advance=steps, status=status)

            yield advance

    def say(self, message: str) -> None:
        """Prints one line."""
        say(message)


class _Count(ProgressColumn):
    """How many of how many; of so many that they must be bytes, the share."""

    def render(self, task: Task) -> Text:
        total = int(task.total or 0)
        if total > _MOST_COUNTED:
            return Text(f"{task.percentage:>3.0f}%")
        return Text(f"{int(task.completed):>{len(str(total))}}/{total}")


class _Time(ProgressColumn):
    """How long it will still take; in the end, how long it took."""

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text(_minutes(task.finished_time or 0))
        left = task.time_remaining
        return Text("" if left is None else f"{_minutes(left)} left")


class _Status(ProgressColumn):
    """A few words, as many as there is room for."""

    def render(self, task: Task) -> Text:
        bar = _BAR if ERR.width >= _WIDE else _SHORT_BAR
        beside = max(_DESCRIPTION, len(task.description)) + bar + _NUMBERS
        status = Text(task.fields["status"])
        status.truncate(max(0, ERR.width - beside), overflow="ellipsis")
        return status


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def working(message: str) -> Iterator[None]:
    """Shows on a terminal, gone when it is over, that something without steps is under way.

    Args:
        message: What it is.
    """
    if not ERR.is_terminal or is_quiet():
        yield
        return
    with ERR.status(message):
        yield


def say(message: str) -> None:
    """Prints one line that is no error, unless the user wants none.

    Args:
        message: What the user should know.
    """
    if not is_quiet():
        ERR.print(message, markup=False, soft_wrap=True)


def beside_output(path: Path | None) -> AnyProgress:
    """Progress of what is printed, or written to a file.

    Args:
        path: The file; `None` for standard output, between whose lines a bar would only disturb.
    """
    watched_alone = ERR.is_terminal and not sys.stdout.isatty()
    return SILENT if path is None and not watched_alone else TerminalProgress()


def output_console() -> Console:
    """Standard output: without any escape code where it is no terminal, or NO_COLOR is set."""
    plain = bool(os.environ.get("NO_COLOR"))
    return Console(
        color_system=None if plain else "auto", highlight=False, markup=False, emoji=False
    )


def import_tensorflow() -> None:
    """Imports TensorFlow without what its C++ start-up prints past every log level.

    Takes seconds, in which a terminal shows that something happens.
    """
    if is_verbose() or "tensorflow_text" in sys.modules:
        _import()
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        with _shown_on(kept, "Starting TensorFlow"):
            os.dup2(nowhere, 2)
            _import()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _import() -> None:
    import tensorflow_text  # noqa: F401  brings TensorFlow with it


@contextmanager
def _shown_on(descriptor: int, message: str) -> Iterator[None]:
    """Shows on a terminal, gone when it is over, what is under way."""
    if not ERR.is_terminal or is_quiet():
        yield
        return
    with os.fdopen(os.dup(descriptor), "w") as terminal:
        console = Console(file=terminal, force_terminal=True)
        with console.status(message, spinner_style="none"):
            yield
