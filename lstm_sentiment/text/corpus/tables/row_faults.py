"""Malformed rows of one file: refused together in one message, or left out and counted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from lstm_sentiment.checks import one_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import Progress
from lstm_sentiment.text.bad_rows import BadRows

_PLACES_TOLD = 5
# A file of another kind has no good row: reading it to its end would tell nothing more.
_MOST_COUNTED = 1_000


@dataclass
class _Found:
    """The faults of one kind: their number, the first places and the first message."""

    count: int = 0
    places: list[int] = field(default_factory=list)
    first: str = ""

    def add(self, place: int, fault: str) -> None:
        if not self.count:
            self.first = fault
        self.count += 1
        if len(self.places) < _PLACES_TOLD:
            self.places.append(place)


class RowFaults:
    """Counts the rows of a file, and keeps what is wrong with the first malformed ones.

    Attributes:
        rows: Number of rows so far, malformed ones included.
    """

    def __init__(
        self, path: Path, bad_rows: BadRows = "refuse", *, word: Literal["line", "row"] = "line"
    ) -> None:
        """Initializes without rows.

        Args:
            path: The file, for messages.
            bad_rows: Whether `finish` raises for malformed rows or only counts them.
            word: What places are numbers of.
        """
        one_of(get_args(BadRows), bad_rows=bad_rows)
        self.rows = 0
        self._path, self._bad_rows, self._word = path, bad_rows, word
        self._malformed, self._unlabelled = _Found(), _Found()
        self._empty = self._headers = 0
        self._notes: list[str] = []
        self._first: _Found | None = None

    @property
    def refused(self) -> bool:
        """Whether `finish` will raise, so that no row is needed any more."""
        return self._bad_rows == "refuse" and self._first is not None

    @property
    def hopeless(self) -> bool:
        """Whether so many rows are malformed that reading on would tell nothing more."""
        return self.refused and self._malformed.count >= _MOST_COUNTED

    def malformed(self, place: int, fault: str) -> None:
        """Counts a malformed row.

        Args:
            place: Its line or row, from 1.
            fault: The broken rule, then what was received; ends with a full stop.
        """
        self._add(self._malformed, place, fault)

    def unlabelled(self, place: int, fault: str) -> None:
        """Counts a row with a text and without a label; the arguments are those of `malformed`."""
        self._add(self._unlabelled, place, fault)

    def header(self) -> None:
        """Counts a row that repeats the names of the columns."""
        self._headers += 1

    def note(self, message: str) -> None:
        """Keeps a sentence on the file, which `finish` prints."""
        self._notes.append(message)

    def empty(self) -> None:
        """Counts a row that holds neither a text nor a label."""
        self._empty += 1

    def _add(self, kind: _Found, place: int, fault: str) -> None:
        kind.add(place, f"{self._path}{self._before}{place}: {fault}")
        self._first = self._first or kind

    @property
    def _before(self) -> str:
        return ":" if self._word == "line" else ": row "

    def finish(self, progress: Progress) -> None:
        """Tells how many rows are left out, once the file is read.

        Raises:
            InvalidInputError: If a row is malformed and `bad_rows` is `refuse`, or if most rows
                are malformed.
        """
        if self.refused:
            raise InvalidInputError(self._refusal())
        if self._malformed.count * 2 > self.rows:
            raise InvalidInputError(
                f"{self._malformed.first} {self._counted(self._malformed, are='are malformed')}, "
                "too many to leave them out."
            )
        for note in self._notes:
            progress.say(note)
        if self._first is not None or self._empty or self._headers:
            progress.say(self._left_out())

    def _refusal(self) -> str:
        first = self._first
        assert first is not None
        if first is self._unlabelled:
            return (
                f"{first.first.removesuffix('.')} in {self._counted(first)}: fill in the labels, "
                "or delete the rows."
            )
        counted = self._counted(first, are="are malformed")
        told = f"{first.first} {counted[:1].upper()}{counted[1:]}"
        if first.count * 2 > self.rows and self.rows > 1:
            return f"{told}."
        return f"{told}: mend them, or leave such rows out with `--bad-rows skip` (`bad_rows`)."

    def _counted(self, kind: _Found, are: str = "") -> str:
        least = "at least " if self.hopeless else ""
        verb = f" {are if kind.count > 1 else are.replace('are', 'is', 1)}" if are else ""
        return f"{least}{kind.count:,} of {self.rows:,} rows{verb} ({self._places(kind)})"

    def _places(self, kind: _Found) -> str:
        shown = ", ".join(map(str, kind.places))
        more = " and others" if kind.count > len(kind.places) else ""
        return f"{self._word}{'' if kind.count == 1 else 's'} {shown}{more}"

    def _left_out(self) -> str:
        parts = []
        if self._malformed.count:
            place, _, fault = self._malformed.first.removeprefix(
                f"{self._path}{self._before}"
            ).partition(": ")
            parts.append(
                f"{self._counted(self._malformed)} that are malformed, the first, {self._word} "
                f"{place}: {fault.removesuffix('.')}"
            )
        if self._unlabelled.count:
            parts.append(f"{self._counted(self._unlabelled)} without a label")
        if self._empty:
            rows = "row that holds" if self._empty == 1 else "rows that hold"
            parts.append(f"{self._empty:,} {rows} neither a text nor a label")
        if self._headers:
            rows = "row that repeats" if self._headers == 1 else "rows that repeat"
            parts.append(f"{self._headers:,} {rows} the names of the columns")
        return f"{self._path}: left out {'; '.join(parts)}"
