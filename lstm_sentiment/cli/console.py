"""Progress and messages on standard error, so that standard output holds results alone."""

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

from lstm_sentiment.checks import require_train
from lstm_sentiment.cli.verbosity import is_quiet, is_verbose
from lstm_sentiment.progress import SILENT, Advance, ignore
from lstm_sentiment.progress import Progress as AnyProgress

ERR = Console(stderr=True, highlight=False)
"""Standard error, for progress and messages."""

# In 80 columns the numbers leave little room for the bar.
_WIDE, _BAR, _SHORT_BAR = 100, 28, 12
_MOST_COUNTED = 99_999
_DESCRIPTION = 21
_NUMBERS = 25  # columns of count and time, and what is between all columns


class TerminalProgress:
    """Progress bars in a terminal; one line a step where standard error is a file.

    With `--quiet` nothing is shown.
    """

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        """Shows the progress of one long step.

        Args:
            description: Name of the step.
            total: Number of parts; each call of the function that is yielded adds one or more.
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
    """Parts done of all parts; a percentage above 99,999 parts, which are bytes."""

    def render(self, task: Task) -> Text:
        total = int(task.total or 0)
        if total > _MOST_COUNTED:
            return Text(f"{task.percentage:>3.0f}%")
        return Text(f"{int(task.completed):>{len(str(total))}}/{total}")


class _Time(ProgressColumn):
    """Remaining time; at the end, the time that the step took."""

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text(_minutes(task.finished_time or 0))
        left = task.time_remaining
        return Text("" if left is None else f"{_minutes(left)} left")


class _Status(ProgressColumn):
    """The status, cut to the width that is left."""

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
    """Shows a message on a terminal while a step without parts runs, then removes it."""
    if not ERR.is_terminal or is_quiet():
        yield
        return
    with ERR.status(message):
        yield


def say(message: str) -> None:
    """Prints one line on standard error, except with `--quiet`."""
    if not is_quiet():
        ERR.print(message, markup=False, soft_wrap=True)


def beside_output(path: Path | None) -> AnyProgress:
    """Returns the progress of a command that writes results to a file or standard output.

    Args:
        path: The file. `None` for standard output, where a bar between the lines would disturb.
    """
    watched_alone = ERR.is_terminal and not sys.stdout.isatty()
    return SILENT if path is None and not watched_alone else TerminalProgress()


def output_console() -> Console:
    """Returns a console on standard output: no escape codes outside a terminal or with NO_COLOR."""
    plain = bool(os.environ.get("NO_COLOR"))
    return Console(
        color_system=None if plain else "auto", highlight=False, markup=False, emoji=False
    )


def import_tensorflow(work: str = "training") -> None:
    """Imports TensorFlow, which takes seconds, and shows a message on a terminal meanwhile.

    Standard error is closed for that time: TensorFlow's C++ code prints there at any log level.

    Args:
        work: Names in the message what needs TensorFlow.

    Raises:
        MissingExtraError: If TensorFlow, or another package of the extra `train`, is missing.
    """
    require_train(work)
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
    if not ERR.is_terminal or is_quiet():
        yield
        return
    with os.fdopen(
        os.dup(descriptor), "w", encoding=sys.stderr.encoding, errors="backslashreplace"
    ) as terminal:
        console = Console(file=terminal, force_terminal=True)
        with console.status(message, spinner_style="none"):
            yield
