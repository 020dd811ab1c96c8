"""The bytes of a vectors file, plain or compressed, read once in order."""

import io

from lstm_sentiment.compressed import compression, decompressed
from lstm_sentiment.progress import Advance

_PIECE_BYTES = 1 << 16
_MAGIC_BYTES = 10


class VectorStream:
    """A file's bytes after decompression, with progress in bytes of the file on disk.

    Attributes:
        name: The file's path, for messages.
        size: Size of the file on disk, in bytes.
        compression: `gzip`, `bzip2` or `xz`, by the file's first bytes; `None` if it is plain.
    """

    def __init__(self, name: str, raw: io.BufferedReader, size: int, advance: Advance) -> None:
        """Detects the compression. `raw` is the file at its beginning; the caller closes it."""
        self.name = name
        self.size = size
        self.compression = compression(raw.peek(_MAGIC_BYTES)[:_MAGIC_BYTES])
        self._raw = raw
        self._bytes = decompressed(raw, name)
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
        if self.size:  # a pipe has none, and no position
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
