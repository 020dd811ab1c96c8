"""The lines of a file with the positions of their bytes."""

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError


class Utf8Lines:
    """The lines of a UTF-8 file, with or without a byte order mark.

    Attributes:
        start: First byte of the last line read.
        end: First byte after the last line read.
    """

    def __init__(self, path: Path) -> None:
        """Opens no file yet; each iteration reads `path` from its beginning."""
        self._path = path
        self.start = 0
        self.end = 0

    def __iter__(self) -> Iterator[str]:
        """Yields lines with their ends.

        Raises:
            InvalidInputError: If the file cannot be read or is not UTF-8.
        """
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if number == 1 and line.startswith(codecs.BOM_UTF8):
                        self.end = len(codecs.BOM_UTF8)
                        line = line[self.end :]
                        if not line:
                            continue
                    try:
                        decoded = line.decode()
                    except UnicodeDecodeError as error:
                        raise self._not_utf8(number, error) from error
                    self.start = self.end
                    self.end += len(line)
                    yield decoded
        except OSError as error:
            raise InvalidInputError(unreadable(self._path, error)) from error

    def universal(self) -> Iterator[str]:
        """Yields lines that end in a line feed, a carriage return or both, as in CSV."""
        for line in self:
            if "\r" not in line or (line.endswith("\r\n") and line.count("\r") == 1):
                yield line
                continue
            self.end = self.start
            for part in io.StringIO(line, newline=""):
                self.end += len(part.encode())
                yield part

    def _not_utf8(self, number: int, error: UnicodeDecodeError) -> InvalidInputError:
        return InvalidInputError(
            f"{self._path}:{number}: must be UTF-8. Received: byte "
            f"0x{error.object[error.start]:02x} at offset {self.end + error.start:,}. Chinese "
            "files are often GB18030: `iconv -f GB18030 -t UTF-8` converts them."
        )
