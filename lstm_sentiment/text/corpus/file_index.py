"""Where each text lies in its file."""

import os
import stat
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.duplicates import exact_digest
from lstm_sentiment.text.corpus.record_files import (
    RecordFormat,
    clean_text,
    read_records,
    record_format,
)

_LONGEST_RECORD = 2**30
# Bytes between two records that are read along: cheaper than another call of the system.
_GAP = 4_096


@dataclass(frozen=True)
class IndexedFile:
    """A file as it was when its records were found.

    Attributes:
        path: Where it is, from the root.
        format: How a text is found in a record.
        size: Bytes.
        modified: Nanoseconds since 1970.
    """

    path: Path
    format: RecordFormat
    size: int
    modified: int

    def read(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[str]:
        """The texts of records, as a corpus holds them.

        Args:
            starts: First byte of each, `(records,)`, ascending.
            lengths: Bytes of each, `(records,)`.

        Raises:
            InvalidInputError: If the file is gone, or is not what it was.
        """
        return self.format.texts(self._records(starts, starts + lengths))

    def _records(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[bytes]:
        breaks = np.flatnonzero(starts[1:] - ends[:-1] > _GAP) + 1
        bounds = [0, *breaks.tolist(), len(starts)]
        begins, behind = starts.tolist(), ends.tolist()
        try:
            with self.path.open("rb", buffering=0) as file:
                self.check_unchanged(os.fstat(file.fileno()))
                for low, high in pairwise(bounds):
                    offset = begins[low]
                    file.seek(offset)
                    data = file.read(behind[high - 1] - offset)
                    for start, end in zip(begins[low:high], behind[low:high], strict=True):
                        yield data[start - offset : end - offset]
        except OSError as error:
            raise InvalidInputError(
                f"{self.path}: cannot be read: {error.strerror or error}."
            ) from error

    def check_unchanged(self, facts: os.stat_result) -> None:
        """Compares the file with what it was.

        Raises:
            InvalidInputError: If it has another size, or was written again.
        """
        if (facts.st_size, facts.st_mtime_ns) == (self.size, self.modified):
            return
        again = facts.st_size == self.size
        received = "one that was written again" if again else f"{facts.st_size:,} bytes"
        raise InvalidInputError(
            f"{self.path}: must stay the file of {self.size:,} bytes that it was, as its texts are "
            f"read from it when they are needed. Received: {received}."
        )


@dataclass(frozen=True, eq=False)
class FileIndex:
    """Where texts lie, in the order of the files: 20 bytes a text.

    Attributes:
        files: The files.
        first: Number of each file's first record, and of all records: `(files + 1,)`.
        starts: First byte of each record in its file, `(records,)`.
        lengths: Bytes of each record, `(records,)`.
        digests: `exact_digest` of each text as a little-endian number, `(records,)`.
    """

    files: tuple[IndexedFile, ...]
    first: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]
    digests: NDArray[np.uint64]

    def read(self, records: NDArray[np.int64]) -> Iterator[str]:
        """The texts of records.

        Args:
            records: Their numbers, `(texts,)`, ascending. Must not be empty.

        Raises:
            InvalidInputError: If a file is gone, or is not what it was.
        """
        numbers = np.searchsorted(self.first, records, "right") - 1
        bounds = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(records)]
        for low, high in pairwise(bounds):
            part = records[low:high]
            file = self.files[numbers[low]]
            yield from file.read(self.starts[part], self.lengths[part].astype(np.int64))


class FileIndexer:
    """Makes an index, file by file."""

    def __init__(self, text_column: str, label_column: str | None) -> None:
        """Begins without a file.

        Args:
            text_column: Name of the column, or JSON key, of the texts.
            label_column: As `text_column`, of the labels; `None` reads texts alone.
        """
        self._columns = (text_column, label_column)
        self._files: list[IndexedFile] = []
        self._first = [0]
        self._starts, self._lengths, self._digests = array("q"), array("i"), bytearray()

    def add(self, path: Path) -> Iterator[str]:
        """Reads a file once, from front to back, in bounded memory.

        Args:
            path: A file, as `read_records` takes it.

        Yields:
            The label of each text.

        Raises:
            InvalidInputError: As `read_records`, or if the file is no regular one, changes
                meanwhile, or has a record of 1 GiB.
        """
        facts = _facts(path)
        for text, label, start, length in read_records(path, *self._columns):
            if length >= _LONGEST_RECORD:
                raise InvalidInputError(
                    f"{path}: records must be shorter than {_LONGEST_RECORD:,} bytes where texts "
                    f"stay in their files. Received: {length:,} bytes at offset {start:,}."
                )
            self._starts.append(start)
            self._lengths.append(length)
            self._digests += exact_digest(clean_text(text))
            yield label
        file = IndexedFile(
            path.absolute(),
            record_format(path, self._columns[0]),
            facts.st_size,
            facts.st_mtime_ns,
        )
        file.check_unchanged(_facts(path))
        self._files.append(file)
        self._first.append(len(self._starts))

    def index(self) -> FileIndex:
        """The index of all files that were added."""
        return FileIndex(
            tuple(self._files),
            np.array(self._first, np.int64),
            np.frombuffer(self._starts, np.int64),
            np.frombuffer(self._lengths, np.int32),
            np.frombuffer(self._digests, "<u8").astype(np.uint64, copy=False),
        )


def _facts(path: Path) -> os.stat_result:
    """Size and time of a regular file."""
    try:
        facts = path.stat()
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error
    if not stat.S_ISREG(facts.st_mode):
        raise InvalidInputError(f"{path}: must be a regular file, which can be read again.")
    return facts
