"""The bytes of a vectors file, plain or gzipped, read once from the front."""

import gzip
from typing import BinaryIO, cast

from lstm_sentiment.progress import Advance

_GZIP_MAGIC = b"\x1f\x8b"
_PIECE_BYTES = 1 << 16


class VectorStream:
    """A file's bytes after decompression; tells `advance` how much of the file itself was read.

    Attributes:
        name: The file's path, for messages.
        size: Of the file on disk, in bytes.
        gzipped: Whether the file begins with gzip's magic bytes; its name is not looked at.
    """

    def __init__(self, name: str, raw: BinaryIO, size: int, advance: Advance) -> None:
        """Looks whether the file is gzipped.

        Args:
            name: The file's path.
            raw: The file, at its beginning and seekable. The caller closes it.
            size: Of the file, in bytes.
            advance: Told the bytes of the file that were read.
        """
        self.name = name
        self.size = size
        self.gzipped = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        raw.seek(0)
        self._raw = raw
        self._bytes = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if self.gzipped else raw
        self._ahead = b""
        self._advance = advance
        self._reported = 0

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, or all there are; the next `read` returns them again."""
        pieces, held = [self._ahead], len(self._ahead)
        while held < count and (piece := self._bytes.read(min(count - held, _PIECE_BYTES))):
            pieces.append(piece)
            held += len(piece)
        self._ahead = b"".join(pieces)
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """From one to `count` bytes; none at the end."""
        if self._ahead:
            piece, self._ahead = self._ahead[:count], self._ahead[count:]
        else:
            piece = self._bytes.read(count)
        self._report(min(self._raw.tell(), self.size))
        return piece

    def skip(self, count: int) -> None:
        """Drops bytes that were peeked at."""
        self._ahead = self._ahead[count:]

    def close(self) -> None:
        """Counts what was not read as done."""
        self._report(self.size)

    def _report(self, position: int) -> None:
        self._advance(position - self._reported)
        self._reported = position
