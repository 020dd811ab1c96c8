"""Files of whole records, one after the other, that their owner alone may read."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

_OWNER_ALONE = 0o600
# Windows would write a carriage return before each byte 10 of a file that is not opened as binary.
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)


class LogFiles:
    """Appends records to files of one prefix. Not safe to share among threads.

    A file is called `PREFIX-YYYYmmddTHHMMSS-PID-N`, with the time in UTC at which it began and a
    number that keeps the names of a process apart. It begins with its first record, and holds whole
    records only, unless the process is killed while it writes.
    """

    def __init__(
        self,
        prefix: str,
        *,
        max_bytes: int,
        max_age_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepares to write; opens no file yet.

        Args:
            prefix: What the path of each file begins with.
            max_bytes: Size at which the next file begins.
            max_age_seconds: Age at which the next file begins.
            clock: Returns seconds since any fixed moment.
            now: Returns the time, with its zone.
        """
        # The working directory may change later.
        self._prefix = os.path.abspath(prefix)
        self._max_bytes, self._max_age_seconds = max_bytes, max_age_seconds
        self._clock, self._now = clock, now
        self._number = 0
        self._file: int | None = None
        self._path = Path(self._prefix)
        self._began = 0.0
        self._size = 0

    def append(self, records: Sequence[bytes]) -> None:
        """Appends records, to as many files as they take.

        Args:
            records: Each as it stands in a file.

        Raises:
            NotWrittenError: If not all of them can be written.
        """
        done = 0
        try:
            while done < len(records):
                file = self._file_for(len(records[done]))
                room = max(self._max_bytes - self._size, len(records[done]))
                count = sum(end <= room for end in accumulate(map(len, records[done:])))
                whole, error = self._write(file, records[done : done + count])
                done += whole
                if error is not None:
                    raise error
        except OSError as error:
            raise NotWrittenError(done, error) from error

    def close(self) -> None:
        """Closes the file that is open, if there is one; the next record begins another."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def _file_for(self, size: int) -> int:
        """Returns the open file, or the next one where that is full, old or gone."""
        if self._file is not None:
            is_full = self._size + size > self._max_bytes and self._size > 0
            is_old = self._clock() - self._began >= self._max_age_seconds
            if is_full or is_old or self._is_gone(self._file):
                self.close()
        return self._open() if self._file is None else self._file

    def _open(self) -> int:
        while True:
            self._number += 1
            time_of_day = self._now().astimezone(UTC).strftime("%Y%m%dT%H%M%S")
            path = f"{self._prefix}-{time_of_day}-{os.getpid()}-{self._number:04d}"
            try:
                self._file = os.open(path, _FLAGS, _OWNER_ALONE)
            except FileExistsError:
                continue
            self._path, self._began, self._size = Path(path), self._clock(), 0
            return self._file

    def _is_gone(self, file: int) -> bool:
        # Whoever deletes or moves a file must not lose what is written later.
        try:
            return not os.path.samestat(os.fstat(file), os.stat(self._path))
        except FileNotFoundError:
            return True

    def _write(self, file: int, records: Sequence[bytes]) -> tuple[int, OSError | None]:
        """Writes records into one file; returns how many, and why no more.

        After an error the file is cut behind its last whole record.
        """
        content, written = memoryview(b"".join(records)), 0
        try:
            while written < len(content):
                written += os.write(file, content[written:])
        except OSError as error:
            ends = [end for end in accumulate(map(len, records)) if end <= written]
            self._size += ends[-1] if ends else 0
            with suppress(OSError):
                os.ftruncate(file, self._size)
            return len(ends), error
        self._size += written
        return len(records), None


class NotWrittenError(OSError):
    """Records that cannot be written.

    Attributes:
        written: How many of them were.
        reason: Why the next one was not.
    """

    def __init__(self, written: int, error: OSError) -> None:
        """Takes over the reason of an error."""
        super().__init__(error.errno, error.strerror)
        self.written = written
        self.reason = error.strerror or type(error).__name__
