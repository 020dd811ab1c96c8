"""The lines of a file with the positions of their bytes."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.encodings import decode_bytes, encoding_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.text_encoding import UTF_8, TextEncoding, opened_lines


class TextLines:
    """The lines of a text file, with or without a byte order mark.

    A file compressed by gzip, bzip2 or xz is decompressed, whatever its name.

    Attributes:
        start: First byte of the last line read, in what is decompressed; of encodings such as
            UTF-16, in what it is as UTF-8.
        end: First byte after the last line read.
        fault: What is wrong with the last line read that cannot be decoded, if there was one and
            such lines are tolerated. Whoever reads it may set it back to `None`.
    """

    def __init__(self, path: Path, encoding: TextEncoding, *, tolerant: bool = False) -> None:
        """Opens no file yet; each iteration reads `path` from its beginning.

        Args:
            path: The file.
            encoding: Its encoding.
            tolerant: Whether a line that cannot be decoded is yielded with U+FFFD in it, with
                `fault` set, instead of raising an error.
        """
        self._path = path
        self._encoding = encoding
        self._tolerant = tolerant
        self.start = 0
        self.end = 0
        self.fault: str | None = None

    def __iter__(self) -> Iterator[str]:
        """Yields lines with their ends.

        Raises:
            InvalidInputError: If the file cannot be read, is not in its encoding, or begins as a
                file of another kind, which is named with what to do.
        """
        return (text for text, _, _ in self._lines())

    def _lines(self) -> Iterator[tuple[str, bytes, str]]:
        """Yields lines as text and as bytes, and their codec."""
        try:
            file, codec = opened_lines(self._path, self._encoding)
            with file:
                for number, line in enumerate(file, start=1):
                    if number == 1 and line.startswith(codecs.BOM_UTF8):
                        self.end = len(codecs.BOM_UTF8)
                        line = line[self.end :]
                        if not line:
                            continue
                    try:
                        text = decode_bytes(line, codec)
                    except UnicodeDecodeError as error:
                        self.fault = self._fault(error, codec)
                        if not self._tolerant:
                            raise InvalidInputError(
                                f"{self._path}:{number}: {self.fault}"
                            ) from error
                        text = line.decode(codec, errors="replace")
                    self.start = self.end
                    self.end += len(line)
                    yield text, line, codec
        except OSError as error:
            raise InvalidInputError(unreadable(self._path, error)) from error

    def universal(self) -> Iterator[str]:
        """Yields lines that end in a line feed, a carriage return or both, as in CSV."""
        for text, line, codec in self._lines():
            # A tolerated line has other bytes than its file, and stays whole.
            if self.fault or "\r" not in text or _ends_in_its_only_return(text):
                yield text
                continue
            self.end = self.start
            for part in line.splitlines(keepends=True):
                self.end += len(part)
                yield decode_bytes(part, codec)

    def _fault(self, error: UnicodeDecodeError, codec: str) -> str:
        received = f"byte 0x{error.object[error.start]:02x} at offset {self.end + error.start:,}"
        if codec != UTF_8 or self._encoding.is_stated:
            return (
                f"must be {codec.upper()}. Received: {received}. `--encoding` (`encoding`) names "
                "another encoding."
            )
        likely = self._encoding.likely or encoding_of(error.object)
        return (
            f"must be UTF-8. Received: {received}. It may be {likely}: read it with "
            f"`--encoding {likely.lower()}` (in Python `encoding`)."
        )


def _ends_in_its_only_return(line: str) -> bool:
    return line.endswith("\r\n") and line.count("\r") == 1
