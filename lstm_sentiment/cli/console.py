"""Progress and messages on standard error, so that standard output holds results alone."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.segment import Segment
from rich.table import Column
from rich.text import Text

from lstm_sentiment.checks import require_train
from lstm_sentiment.cli.verbosity import is_quiet, is_verbose
from lstm_sentiment.progress import SILENT, Advance, ignore
from lstm_sentiment.progress import Progress as AnyProgress
from lstm_sentiment.unicode import escaped_line, escaped_lines


class LineConsole(Console):
    """A console that escapes what is printed on it, but for its own colours and line ends.

    A name in the cell of a table goes through `escaped_line` first, or it would have several lines.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Yields the segments of something, escaped."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=escaped_lines(segment.text))


ERR = LineConsole(stderr=True, highlight=False)
"""Standard error, for progress and messages."""

# In 80 columns the numbers leave little room for the bar.
_WIDE, _BAR, _SHORT_BAR = 100, 28, 8
_MOST_COUNTED = 99_999
_DESCRIPTION = 26
_FIRST_LINE_SECONDS, _NEXT_LINE_SECONDS = 5.0, 30.0
_NUMBERS = 25  # columns of count and time, and what is between all columns


class TerminalProgress:
    """Progress bars in a terminal; lines where standard error is a file.

    A file gets a line at the end of each step, and one now and then of a step that takes long, with
    the time that is left. With `--quiet` nothing is shown.
    """

    def __init__(
        self, *, says_end: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Shows nothing yet.

        Args:
            says_end: Whether a file gets a line at the end of a step that was short.
            clock: Returns seconds, from any start.
        """
        self._says_end = says_end
        self._clock = clock

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
            lines = _Lines(description, total, self._clock, self.say)
            yield lines.advance
            if self._says_end or lines.are_said:
                self.say(f"{description}: done in {lines.seconds():.1f} s")
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


class _Lines:
    """The progress of one step in a file: nothing of a short one."""

    def __init__(
        self, description: str, total: int, clock: Callable[[], float], say: Callable[[str], None]
    ) -> None:
        self.are_said = False
        self._description = description
        self._total = total
        self._done = 0
        self._first: tuple[float, int] | None = None
        self._clock = clock
        self._say = say
        self._started = clock()
        self._next = self._started + _FIRST_LINE_SECONDS

    def seconds(self) -> float:
        return self._clock() - self._started

    def advance(self, steps: int = 1, *, status: str = "") -> None:
        self._done += steps
        if self._first is None:
            self._first = (self.seconds(), self._done)
        if self._clock() < self._next or not 0 < self._done < self._total:
            return
        self.are_said = True
        self._next = self._clock() + _NEXT_LINE_SECONDS
        left = _minutes(self._seconds_a_part() * (self._total - self._done))
        beside = f", {status}" if status else ""
        self._say(f"{self._description}: {self._count()}, {left} left{beside}")

    def _seconds_a_part(self) -> float:
        # The first parts of a resumed step were done before; those of another may be slow.
        seconds, done = self._first or (0.0, 0)
        if done == self._done:
            seconds, done = 0.0, 0
        return (self.seconds() - seconds) / (self._done - done)

    def _count(self) -> str:
        if self._total > _MOST_COUNTED:
            return f"{self._done / self._total:.0%}"
        return f"{self._done:,}/{self._total:,}"


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


def tell(message: str, *, style: str | None = None) -> None:
    """Prints one line on standard error, also with `--quiet`."""
    ERR.print(escaped_line(message), style=style, markup=False, soft_wrap=True)


def say(message: str) -> None:
    """Prints one line on standard error, except with `--quiet`."""
    if not is_quiet():
        tell(message)


def beside_output(path: Path | None) -> AnyProgress:
    """Returns the progress of a command that writes results to a file or standard output.

    Args:
        path: The file. `None` for standard output: where it is the same terminal or file as
            standard error, a bar between the lines would disturb.
    """
    if path is not None:
        return TerminalProgress()
    return SILENT if _is_one_place() else TerminalProgress(says_end=False)


def _is_one_place() -> bool:
    """Returns whether both outputs are the same terminal, file or pipe."""
    if ERR.is_terminal and sys.stdout.isatty():
        return True
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False


def output_console() -> Console:
    """Returns a console on standard output: no escape codes outside a terminal or with NO_COLOR."""
    plain = bool(os.environ.get("NO_COLOR"))
    return LineConsole(
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
        console = LineConsole(file=terminal, force_terminal=True)
        with console.status(message, spinner_style="none"):
            yield
