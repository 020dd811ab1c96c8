"""Lines for a CSV reader that can go back in a malformed record."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lstm_sentiment.text.corpus.text_encoding import TextEncoding
from lstm_sentiment.text.corpus.text_lines import TextLines


class _Line(NamedTuple):
    content: str
    end: int
    fault: str | None


class RecordLines(Iterator[str]):
    """The lines of a file, with the place of the record that is being read.

    Attributes:
        start: First byte of the record.
        end: First byte after the last line taken.
        number: Number of the last line taken, from 1.
    """

    def __init__(self, path: Path, encoding: TextEncoding) -> None:
        """Opens no file yet."""
        self._lines = TextLines(path, encoding, tolerant=True)
        self._source = self._lines.universal()
        self._again: deque[_Line] = deque()
        self._record: list[_Line] = []
        self._any_fault = False
        self.start = self.end = self.number = 0

    def __next__(self) -> str:
        """Takes the next line.

        Raises:
            InvalidInputError: As `TextLines`, but a line that cannot be decoded is tolerated.
        """
        line = self._again.popleft() if self._again else self._read()
        self._record.append(line)
        self.number += 1
        self.end = line.end
        return line.content

    def _read(self) -> _Line:
        content = next(self._source)
        if not self.number:
            self.start = self._lines.start
        fault = self._lines.fault
        if fault is not None:
            self._lines.fault = None
            self._any_fault = True
        return _Line(content, self._lines.end, fault)

    @property
    def first(self) -> int:
        """Number of the record's first line, from 1."""
        return self.number - len(self._record) + 1

    @property
    def contents(self) -> list[str]:
        """The record's lines."""
        return [line.content for line in self._record]

    @property
    def fault(self) -> tuple[int, str] | None:
        """Number of the record's first line that cannot be decoded, and what is wrong, if any."""
        if not self._any_fault:
            return None
        faults = (
            (number, line.fault)
            for number, line in enumerate(self._record, self.first)
            if line.fault is not None
        )
        return next(faults, None)

    def begin_record(self) -> None:
        """Begins a record with the next line."""
        self.start = self.end if self.number else self.start
        self._record.clear()

    def go_back_to(self, number: int) -> None:
        """Makes a line of the record the next one to be taken."""
        kept = number - self.first
        self._again.extendleft(reversed(self._record[kept:]))
        del self._record[kept:]
        self.number = number - 1
        if self._record:
            self.end = self._record[-1].end
        else:
            self.end = self.start
