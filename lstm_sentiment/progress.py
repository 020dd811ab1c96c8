"""Progress of long steps, reported through a protocol; the library itself prints nothing."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

Value = TypeVar("Value")


class Advance(Protocol):
    """Advances the progress bar of one step."""

    def __call__(self, steps: int = 1, *, status: str = "") -> None:
        """Counts `steps` as done.

        Args:
            steps: How many of the step's `total` were done since the last call.
            status: A few words to show beside the bar, such as the loss so far.
        """


class Progress(Protocol):
    """A display of progress: in a terminal, a log or a notebook, or none."""

    def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
        """Opens a long step of `total` parts; yields the function that counts the parts done."""
        ...

    def say(self, message: str) -> None:
        """Shows the user one message, such as the number of dropped texts."""
        ...


def ignore(steps: int = 1, *, status: str = "") -> None:
    """An `Advance` that does nothing."""


class SilentProgress:
    """Shows nothing."""

    def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
        """Yields `ignore`."""
        return nullcontext(ignore)

    def say(self, message: str) -> None:
        """Drops the message."""


class ChosenProgress:
    """Shows nothing, until `display` is another progress.

    Attributes:
        display: Where steps and messages go.
    """

    def __init__(self) -> None:
        """Chooses no display."""
        self.display: Progress = SilentProgress()

    def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
        """Opens a step of the display."""
        return self.display.step(description, total)

    def say(self, message: str) -> None:
        """Shows a message on the display."""
        self.display.say(message)


CHOSEN = ChosenProgress()
"""The display that `show_progress` chooses for this process."""

SILENT: Progress = CHOSEN
"""The default of every library function: silent, unless `show_progress` has chosen a display."""

MUTED: Progress = SilentProgress()
"""Shows nothing in any case, for steps inside of a step."""


def muted_below(least: int, parts: int, progress: Progress) -> Progress:
    """Returns a progress, or `MUTED` if a step has fewer than `least` parts and so ends at once."""
    return progress if parts >= least else MUTED


def in_parts(
    values: Sequence[Value], size: int, description: str, progress: Progress
) -> Iterator[Sequence[Value]]:
    """Yields consecutive parts of a sequence, as one step whose bar moves on after each part.

    Args:
        values: Any number of values.
        size: Values a part; the last part may be smaller.
        description: Name of the step.
        progress: Opens the step.
    """
    with progress.step(description, len(values)) as advance:
        for start in range(0, len(values), size):
            part = values[start : start + size]
            yield part
            advance(len(part))
