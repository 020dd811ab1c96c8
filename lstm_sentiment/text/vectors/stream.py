"""The bytes of a vectors file, plain or gzipped, read once in order."""

import gzip
from typing import BinaryIO, cast

from lstm_sentiment.progress import Advance

_GZIP_MAGIC = b"\x1f\x8b"
_PIECE_BYTES = 1 << 16


class VectorStream:
    """A file's bytes after decompression, with progress in bytes of the file on disk.

    Attributes:
        name: The file's path, for messages.
        size: Size of the file on disk, in bytes.
        gzipped: True if the file begins with gzip's magic bytes, whatever its name.
    """

    def __init__(self, name: str, raw: BinaryIO, size: int, advance: Advance) -> None:
        """Detects gzip. `raw` is the seekable file at its beginning; the caller closes it."""
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
        """Returns the next `count` bytes, or fewer at the end, without consuming them."""
        pieces, held = [self._ahead], len(self._ahead)
        while held < count and (piece := self._bytes.read(min(count - held, _PIECE_BYTES))):
            pieces.append(piece)
            held += len(piece)
        self._ahead = b"".join(pieces)
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Reads up to `count` bytes; returns none only at the end."""
        if self._ahead:
            piece, self._ahead = self._ahead[:count], self._ahead[count:]
        else:
            piece = self._bytes.read(count)
        self._report(min(self._raw.tell(), self.size))
        return piece

    def skip(self, count: int) -> None:
        """Consumes `count` bytes that were peeked at."""
        self._ahead = self._ahead[count:]

    def close(self) -> None:
        """Completes the progress, also if some bytes were not read."""
        self._report(self.size)

    def _report(self, position: int) -> None:
        self._advance(position - self._reported)
        self._reported = position
