"""Files of records, such as warmup requests; `tensorflow/core/lib/io/record_reader.cc`."""

import struct
from collections.abc import Iterator
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError

_CHECKSUM = struct.Struct("<I")
_HEADER = struct.Struct("<QI")
_CASTAGNOLI = 0x82F63B78


def read_records(path: Path) -> Iterator[bytes]:
    """Reads the records of a TFRecord file without compression.

    Raises:
        InvalidInputError: If the file cannot be read, a checksum is wrong, or the last record is
            not whole.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error
    at = 0
    while at < len(content):
        start = at + _HEADER.size
        if start > len(content):
            raise _unusable("truncated", path, at)
        length, checksum = _HEADER.unpack_from(content, at)
        if checksum != _masked_checksum(content[at : at + 8]):
            raise _unusable("corrupted", path, at)
        end = start + length
        if end + _CHECKSUM.size > len(content):
            raise _unusable("truncated", path, at)
        record = content[start:end]
        if _CHECKSUM.unpack_from(content, end)[0] != _masked_checksum(record):
            raise _unusable("corrupted", path, at)
        yield record
        at = end + _CHECKSUM.size


def _unusable(what: str, path: Path, at: int) -> InvalidInputError:
    return InvalidInputError(f"{path.name}: {what} record at {at}.")


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def _masked_checksum(data: bytes) -> int:
    """Computes the CRC-32C of bytes, rotated and shifted as the format stores it."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
