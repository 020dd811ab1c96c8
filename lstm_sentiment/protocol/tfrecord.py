"""TFRecord files without compression, such as warmup requests and request logs.

After `tensorflow/core/lib/io/record_reader.cc` and `record_writer.cc`. A record is the length of
its content in bytes (uint64), the masked CRC-32C of the length (uint32), the content, and the
masked CRC-32C of the content (uint32), all little-endian.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import it_is
from lstm_sentiment.protocol.crc32c import crc32c
from lstm_sentiment.system import write_whole

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_HEADER = struct.Struct("<QI")

WhenTorn = Callable[[int], None]
"""Called with the offset, in bytes, of a last record that is not whole."""


def read_records(path: Path, *, when_torn: WhenTorn | None = None) -> Iterator[bytes]:
    """Reads the records of a TFRecord file, one after the other.

    Args:
        path: The file. It may grow meanwhile; the records that were in it at first are read.
        when_torn: Called if the last record is not whole, as after a crash of the writer; the
            whole records before it are read. `None` refuses such a file.

    Raises:
        InvalidInputError: If the file cannot be read, a checksum is wrong, or the last record is
            not whole and there is no `when_torn`.
    """
    try:
        with path.open("rb") as file:
            yield from _records(file, path, when_torn)
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error


def framed(content: bytes) -> bytes:
    """Returns a record as it stands in a file."""
    return b"".join((_header(len(content)), content, _CHECKSUM.pack(_masked_checksum(content))))


def write_records(path: Path, contents: Iterable[bytes]) -> None:
    """Writes a TFRecord file, which takes the place of one of the same name when it is complete.

    Args:
        path: A file in an existing folder.
        contents: The content of each record.

    Raises:
        OSError: If it cannot be written.
    """
    with write_whole(path) as file:
        for content in contents:
            file.write(framed(content))


def _records(file: BinaryIO, path: Path, when_torn: WhenTorn | None) -> Iterator[bytes]:
    size, at = os.fstat(file.fileno()).st_size, 0
    while at < size:
        header = file.read(_HEADER.size)
        if len(header) == _HEADER.size and header != _header(_LENGTH.unpack_from(header)[0]):
            raise _unusable("corrupted", path, at)
        # What the header says is read only if the file is as long as that.
        length = _LENGTH.unpack_from(header)[0] if len(header) == _HEADER.size else size
        end = at + _HEADER.size + length + _CHECKSUM.size
        if end > size:
            if when_torn is None:
                raise _unusable("truncated", path, at)
            when_torn(at)
            return
        content = file.read(length)
        if file.read(_CHECKSUM.size) != _CHECKSUM.pack(_masked_checksum(content)):
            raise _unusable("corrupted", path, at)
        yield content
        at = end


def _unusable(what: str, path: Path, at: int) -> InvalidInputError:
    return InvalidInputError(f"{path.name}: {what} record at {at}.{'' if at else it_is(path)}")


# Records have few lengths.
@lru_cache(maxsize=4096)
def _header(length: int) -> bytes:
    return _HEADER.pack(length, _masked_checksum(_LENGTH.pack(length)))


def _masked_checksum(data: bytes) -> int:
    """Computes the CRC-32C of bytes, rotated and shifted as the format stores it."""
    value = crc32c(data)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
