"""The lines of a file with the positions of their bytes."""

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.compressed import open_plain
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, how_to_convert, recognize


class Utf8Lines:
    """The lines of a UTF-8 file, with or without a byte order mark.

    A file compressed by gzip, bzip2 or xz is decompressed, whatever its name.

    Attributes:
        start: First byte of the last line read, in what is decompressed.
        end: First byte after the last line read.
        fault: What is wrong with the last line read that is not UTF-8, if there was one and such
            lines are tolerated. Whoever reads it may set it back to `None`.
    """

    def __init__(self, path: Path, *, tolerant: bool = False) -> None:
        """Opens no file yet; each iteration reads `path` from its beginning.

        Args:
            path: The file.
            tolerant: Whether a line that is not UTF-8 is yielded with U+FFFD in it, with `fault`
                set, instead of raising an error.
        """
        self._path = path
        self._tolerant = tolerant
        self.start = 0
        self.end = 0
        self.fault: str | None = None

    def __iter__(self) -> Iterator[str]:
        """Yields lines with their ends.

        Raises:
            InvalidInputError: If the file cannot be read, is not UTF-8, or begins as a file of
                another kind, which is named with what to do.
        """
        try:
            with open_plain(self._path) as file:
                kind = recognize(file.peek(START_BYTES)[:START_BYTES])
                if kind is not None:
                    raise InvalidInputError(
                        f"{self._path}: must be text in UTF-8. Received: {kind.told(self._path)}."
                    )
                for number, line in enumerate(file, start=1):
                    if number == 1 and line.startswith(codecs.BOM_UTF8):
                        self.end = len(codecs.BOM_UTF8)
                        line = line[self.end :]
                        if not line:
                            continue
                    try:
                        decoded = line.decode()
                    except UnicodeDecodeError as error:
                        self.fault = self._not_utf8(error)
                        if not self._tolerant:
                            raise InvalidInputError(
                                f"{self._path}:{number}: {self.fault}"
                            ) from error
                        decoded = line.decode(errors="replace")
                    self.start = self.end
                    self.end += len(line)
                    yield decoded
        except OSError as error:
            raise InvalidInputError(unreadable(self._path, error)) from error

    def universal(self) -> Iterator[str]:
        """Yields lines that end in a line feed, a carriage return or both, as in CSV."""
        for line in self:
            # A tolerated line has other bytes than its file, and stays whole.
            if self.fault or "\r" not in line or _ends_in_its_only_return(line):
                yield line
                continue
            self.end = self.start
            for part in io.StringIO(line, newline=""):
                self.end += len(part.encode())
                yield part

    def _not_utf8(self, error: UnicodeDecodeError) -> str:
        return (
            f"must be UTF-8. Received: byte 0x{error.object[error.start]:02x} at offset "
            f"{self.end + error.start:,}. {how_to_convert(error.object, self._path)}"
        )


def _ends_in_its_only_return(line: str) -> bool:
    return line.endswith("\r\n") and line.count("\r") == 1
