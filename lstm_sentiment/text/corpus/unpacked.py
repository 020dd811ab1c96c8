"""A decompressed copy, in UTF-8, of a file on disk, in which any byte can be read at once."""

import io
import os
import shutil
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from lstm_sentiment.compressed import compression, open_file
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.system import read_at
from lstm_sentiment.text.corpus.text_encoding import TextEncoding, is_converted, opened_lines

_COPIED_BYTES = 1 << 20


def is_unpacked(path: Path, encoding: TextEncoding) -> bool:
    """Returns whether a file is compressed by gzip, bzip2 or xz, or text such as UTF-16.

    Raises:
        OSError: If the file cannot be read.
    """
    with open_file(path) as file:
        if compression(file.peek(10)[:10]) is not None:
            return True
    return is_converted(path, encoding)


class UnpackedFile:
    """The content of a compressed or converted file in the folder for temporary files.

    The copy has no name, so the operating system removes it when the process ends, however it ends.
    It is made at the first read; another process that gets a pickled `UnpackedFile` makes its own.
    Safe to share among threads, and with forked processes.
    """

    def __init__(self, path: Path, encoding: TextEncoding) -> None:
        """Opens no file yet.

        Args:
            path: The file.
            encoding: Its encoding.
        """
        self._path, self._encoding = path, encoding
        self._lock = threading.Lock()
        self._copy: IO[bytes] | None = None

    def __reduce__(self) -> Any:
        """Pickles path and encoding alone."""
        return UnpackedFile, (self._path, self._encoding)

    def open(self) -> io.BufferedIOBase | io.RawIOBase:
        """Opens the content for one reader, at its beginning.

        Raises:
            InvalidInputError: If the file is cut off or damaged, or the copy cannot be written.
            OSError: If the file cannot be opened.
        """
        with self._lock:
            if self._copy is None:
                self._copy = self._unpack()
        return _Reader(self._copy.fileno())

    def _unpack(self) -> IO[bytes]:
        content, _ = opened_lines(self._path, self._encoding)
        with content, ExitStack() as unless_whole:
            try:
                copy = unless_whole.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(content, copy, _COPIED_BYTES)
                copy.flush()
                unless_whole.pop_all()
            except OSError as error:
                raise InvalidInputError(
                    f"{self._path}: cannot be unpacked into {tempfile.gettempdir()}, where its "
                    f"texts are read from (`TMPDIR` names another folder): {error.strerror}."
                ) from error
        return copy


class _Reader(io.RawIOBase):
    """Reads a shared file by positions of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._position = descriptor, 0

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        pieces = []
        while size and (piece := read_at(self._descriptor, size, self._position)):
            pieces.append(piece)
            self._position += len(piece)
            size -= len(piece)
        return b"".join(pieces)
