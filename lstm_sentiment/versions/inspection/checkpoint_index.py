"""Reads the index of a checkpoint: a sorted table of names and entries, without the values.

After `tensorflow/core/util/tensor_bundle/tensor_bundle.cc`, and `format.h`, `block.cc` and
`table_builder.cc` of `tensorflow/core/lib/io`, which TensorFlow took from LevelDB.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.protocol.graph_pb2 import BundleEntryProto

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_UNCOMPRESSED = 0
_HEADER_KEY = b""


def read_checkpoint_index(path: Path) -> dict[str, BundleEntryProto]:
    """Reads a checkpoint's index.

    Args:
        path: The file `variables.index`.

    Returns:
        The entry of each variable by its key, in the order of the keys.

    Raises:
        ServableUnavailableError: If the file is damaged or cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ServableUnavailableError(f"{path}: cannot be read: {error.strerror}.") from error
    try:
        return {
            key.decode(): BundleEntryProto.FromString(value)
            for key, value in _pairs(data)
            if key != _HEADER_KEY
        }
    except (ValueError, IndexError, struct.error, DecodeError) as error:
        raise ServableUnavailableError(
            f"{path}: must be a checkpoint. Received: {error}."
        ) from error


def _pairs(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the table's keys and values."""
    footer = data[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("a file without the table's last bytes")
    _, place = _handle(footer, 0)  # of the block of metadata, which is empty
    index, _ = _handle(footer, place)
    for _, value in _entries(data, index):
        block, _ = _handle(value, 0)
        yield from _entries(data, block)


def _entries(data: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Yields the keys and values of a block; a key leaves out what it shares with the last one."""
    offset, size = handle
    block = data[offset : offset + size]
    if len(block) < size or data[offset + size] != _UNCOMPRESSED:
        raise ValueError("a block that is cut off or compressed")
    [restarts] = struct.unpack("<I", block[-4:])
    end = size - 4 * (restarts + 1)
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + own]
        place += own
        yield key, block[place : place + length]
        place += length


def _handle(data: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Reads offset and size of a block, and returns them with the place behind them."""
    offset, place = _varint(data, place)
    size, place = _varint(data, place)
    return (offset, size), place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
