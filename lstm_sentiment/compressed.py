"""Opening files to read, plain or compressed by gzip, bzip2 or xz, whatever their names."""

import bz2
import gzip
import io
import lzma
import os
import select
import stat
import sys
import zlib
from pathlib import Path
from typing import IO, Any, Final

from lstm_sentiment.errors import InvalidInputError

SUFFIXES: Final = (".gz", ".bz2", ".xz")
"""Endings of the names of compressed files, in lower case."""

_BUFFER_BYTES = 1 << 14
_LONGEST_WHOLE = 1 << 26
_SECONDS_FOR_A_WRITER = 5


def compression(start: bytes) -> str | None:
    """Returns `gzip`, `bzip2` or `xz` for the first bytes of a file, or `None` for others.

    Args:
        start: At least 10 bytes, if the file has as many.
    """
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith(b"BZh") and start[3:4].isdigit() and start[4:10] in _BZIP2_BLOCKS:
        return "bzip2"
    return "xz" if start.startswith(b"\xfd7zXZ\0") else None


_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")


def open_file(path: Path) -> io.BufferedReader:
    """Opens a file to read its bytes; a named pipe must get a writer within 5 seconds.

    Raises:
        InvalidInputError: If nobody writes into the named pipe.
        OSError: If the file cannot be opened.
    """
    if sys.platform == "win32":  # whose named pipes are no files
        return io.BufferedReader(io.FileIO(path, "rb"), _BUFFER_BYTES)
    # Opening a named pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            _wait_for_writer(path, descriptor)
        os.set_blocking(descriptor, True)
        return io.BufferedReader(io.FileIO(descriptor, "rb"), _BUFFER_BYTES)
    except BaseException:
        os.close(descriptor)
        raise


def read_whole(path: Path) -> bytes:
    """Reads all bytes of a file that people write, such as a config, of at most 64 MiB.

    Raises:
        InvalidInputError: If it is longer, as a device is without end, or nobody writes into the
            named pipe.
        OSError: If it cannot be read.
    """
    with open_file(path) as file:
        content = file.read(_LONGEST_WHOLE + 1)
    if len(content) > _LONGEST_WHOLE:
        raise InvalidInputError(
            f"{path}: must be at most {_LONGEST_WHOLE:,} bytes long. Received: a longer file."
        )
    return content


def open_plain(path: Path) -> io.BufferedReader:
    """Opens a file to read its bytes, decompressed if they are gzip's, bzip2's or xz's.

    Raises:
        InvalidInputError: Here or by reading, if the compressed file is cut off or damaged.
        OSError: If the file cannot be opened.
    """
    file = open_file(path)
    try:
        return decompressed(file, path)
    except BaseException:
        file.close()
        raise


def decompressed(file: io.BufferedReader, path: Path | str) -> io.BufferedReader:
    """Returns the decompressed bytes of a file, or the file itself if it is not compressed.

    Files of several members or streams, one after another, are read to their end.

    Args:
        file: At its beginning. It is closed with the stream that is returned.
        path: The file's path, for messages.

    Raises:
        InvalidInputError: By reading, if the compressed file is cut off or damaged.
    """
    kind = compression(file.peek(10)[:10])
    if kind is None:
        return file
    return io.BufferedReader(_Decompressed(file, path, kind), _BUFFER_BYTES)


def content_name(path: Path) -> Path:
    """Returns a file's name without the ending of a compressed file: `A.csv` for `A.csv.gz`."""
    compressed = path.suffix.lower() in SUFFIXES
    return Path(path.stem if compressed else path.name)


def content_suffix(path: Path) -> str:
    """Returns the ending that names the format, in lower case: `.csv` for `A.csv.gz`."""
    return content_name(path).suffix.lower()


class _Decompressed(io.RawIOBase):
    """Reads a compressed file, with one message for whatever is wrong with it."""

    def __init__(self, file: io.BufferedReader, path: Path | str, kind: str) -> None:
        self._file, self._path, self._kind = file, path, kind
        self._content: IO[bytes] = _OPENERS[kind](file)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as view, view.cast("B") as target:
            piece = self._read(min(len(target), _BUFFER_BYTES))
            target[: len(piece)] = piece
            return len(piece)

    def _read(self, count: int) -> bytes:
        try:
            return self._content.read(count)
        except EOFError as error:
            raise InvalidInputError(
                f"{self._path}: cannot be read: the {self._kind} file ends early, as half a "
                "download does; download or compress it again."
            ) from error
        except (zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError, ValueError) as error:
            raise InvalidInputError(
                f"{self._path}: cannot be read: the {self._kind} file is damaged ({error}); "
                "download or compress it again."
            ) from error

    def close(self) -> None:
        if not self.closed:
            self._content.close()
            self._file.close()
        super().close()


def _gzip(file: io.BufferedReader) -> Any:
    return gzip.GzipFile(fileobj=file)


_OPENERS: dict[str, Any] = {"gzip": _gzip, "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile}


def _wait_for_writer(path: Path, descriptor: int) -> None:
    if sys.platform != "win32":
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        if not poll.poll(1_000 * _SECONDS_FOR_A_WRITER):
            raise InvalidInputError(
                f"{path}: a named pipe must have a program that writes into it. Received: none "
                f"within {_SECONDS_FOR_A_WRITER} seconds."
            )
