"""The positions of texts in their files, so that a text can be read again."""

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
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Advance, Progress, ignore
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.duplicates import exact_digest
from lstm_sentiment.text.corpus.record_files import (
    RecordFormat,
    read_records,
    record_format,
)
from lstm_sentiment.text.corpus.tables.cells import clean_text
from lstm_sentiment.text.corpus.text_encoding import find_encoding
from lstm_sentiment.text.corpus.unpacked import UnpackedFile, is_unpacked

LONGEST_RECORD_BYTES = 2**30
# Gaps of up to so many bytes between two records are read too: a second system call costs more.
_GAP = 4_096
_RECORDS_AT_ONCE = 1_000


@dataclass(frozen=True)
class IndexedFile:
    """A file as it was when its records were indexed.

    Reading raises `InvalidInputError` if the file is gone or has changed since.

    Attributes:
        path: Absolute path.
        format: Extracts the texts from the bytes of records.
        size: Bytes.
        modified: Nanoseconds since 1970.
        unpacked: The content of a compressed or converted file, in which records have their
            positions.
    """

    path: Path
    format: RecordFormat
    size: int
    modified: int
    unpacked: UnpackedFile | None = None

    def read(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[str]:
        """Reads the texts of records.

        Args:
            starts: First byte of each record, `(records,)`, ascending.
            lengths: Bytes of each record, `(records,)`.
        """
        return self.format.texts(self._records(starts, starts + lengths))

    def _records(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[bytes]:
        # One read for each run of records that lie close together.
        breaks = np.flatnonzero(starts[1:] - ends[:-1] > _GAP) + 1
        bounds = [0, *breaks.tolist(), len(starts)]
        begins, behind = starts.tolist(), ends.tolist()
        try:
            with self.path.open("rb", buffering=0) as found:
                self.check_unchanged(os.fstat(found.fileno()))
                file = found if self.unpacked is None else self.unpacked.open()
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
        """Raises `InvalidInputError` if the file's size or time of modification has changed."""
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
    """The positions of all texts in the order of the files: 20 bytes a text.

    Attributes:
        files: The indexed files.
        first: Number of each file's first record, then the number of all records: `(files + 1,)`.
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
        """Reads the texts of records, file by file.

        Args:
            records: Numbers of records, `(texts,)`, ascending. Must not be empty.
        """
        numbers = np.searchsorted(self.first, records, "right") - 1
        bounds = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(records)]
        for low, high in pairwise(bounds):
            part = records[low:high]
            file = self.files[numbers[low]]
            yield from file.read(self.starts[part], self.lengths[part].astype(np.int64))


class FileIndexer:
    """Builds a `FileIndex`, file by file."""

    def __init__(
        self,
        text_column: str,
        label_column: str | None,
        *,
        bad_rows: BadRows = "refuse",
        encoding: str = AUTO,
        progress: Progress = SILENT,
    ) -> None:
        """Initializes an index without files; the arguments are those of `read_records`."""
        self._columns = (text_column, label_column)
        self._bad_rows, self._encoding, self._progress = bad_rows, encoding, progress
        self._files: list[IndexedFile] = []
        self._first = [0]
        self._starts, self._lengths, self._digests = array("q"), array("i"), bytearray()

    def add(self, path: Path, advance: Advance = ignore) -> Iterator[str]:
        """Reads a file once, in bounded memory, and yields the label of each text.

        Args:
            path: The file.
            advance: Called with the number of bytes read since the last call; of a compressed file,
                once, with its size.

        Raises:
            InvalidInputError: As `read_records`, or if the file is not a regular file, changes
                meanwhile, or has a record of 1 GiB or more.
        """
        facts = _facts(path)
        encoding = find_encoding(path, self._encoding, self._progress)
        records = read_records(
            path,
            *self._columns,
            bad_rows=self._bad_rows,
            encoding=encoding,
            progress=self._progress,
        )
        unpacked = is_unpacked(path, encoding)
        told = 0
        for number, (text, label, start, length) in enumerate(records, 1):
            if length >= LONGEST_RECORD_BYTES:
                raise InvalidInputError(
                    f"{path}: records must be shorter than {LONGEST_RECORD_BYTES:,} bytes where "
                    f"texts stay in their files. Received: {length:,} bytes at offset {start:,}."
                )
            self._starts.append(start)
            self._lengths.append(length)
            self._digests += exact_digest(clean_text(text))
            yield label
            if number % _RECORDS_AT_ONCE == 0 and not unpacked:
                advance(start + length - told)
                told = start + length
        advance(facts.st_size - told)
        file = IndexedFile(
            path.absolute(),
            record_format(path, self._columns[0], encoding),
            facts.st_size,
            facts.st_mtime_ns,
            UnpackedFile(path.absolute(), encoding) if unpacked else None,
        )
        file.check_unchanged(_facts(path))
        self._files.append(file)
        self._first.append(len(self._starts))

    def index(self) -> FileIndex:
        """Returns the index of all files added so far."""
        return FileIndex(
            tuple(self._files),
            np.array(self._first, np.int64),
            np.frombuffer(self._starts, np.int64),
            np.frombuffer(self._lengths, np.int32),
            np.frombuffer(self._digests, "<u8").astype(np.uint64, copy=False),
        )


def _facts(path: Path) -> os.stat_result:
    try:
        facts = path.stat()
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error
    if not stat.S_ISREG(facts.st_mode):
        raise InvalidInputError(f"{path}: must be a regular file, which can be read again.")
    return facts
