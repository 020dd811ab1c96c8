"""CRC-32C, the checksum of TFRecord files (RFC 3720, appendix B.4), in NumPy.

The checksum is linear: that of a text is the exclusive or of what each of its bytes contributes,
which depends on the byte and on the number of bytes behind it. So a table of contributions turns a
loop over bytes into one look-up of all of them.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_START = 0xFFFFFFFF
# Bytes that are looked up at once; the table has 1 KiB for each.
_BLOCK = 1024
# Bytes of whose look-up the intermediate results are in memory at once.
_PART = 64 * _BLOCK


class _Tables(NamedTuple):
    """What the bytes of a block contribute to the checksum of the block.

    Attributes:
        contributions: By place in the block and byte, flat, uint32 `(block * 256,)`.
        offsets: Where the contributions of each place begin, `(block,)`.
        of_zeros: The checksum, before it is inverted, of that many zero bytes.
        carry: By byte: what each byte of the checksum so far contributes after a block, from the
            lowest byte on.
    """

    contributions: NDArray[np.uint32]
    offsets: NDArray[np.intp]
    of_zeros: list[int]
    carry: tuple[list[int], list[int], list[int], list[int]]


def crc32c(data: bytes) -> int:
    """Computes the CRC-32C of bytes."""
    tables = _tables()
    values = np.frombuffer(data, np.uint8)
    head = len(data) % _BLOCK
    checksum = tables.of_zeros[head]
    if head:
        places = tables.offsets[-head:] + values[:head]
        checksum ^= int(np.bitwise_xor.reduce(tables.contributions.take(places)))
    low, second, third, high = tables.carry
    for begin in range(head, len(data), _PART):
        places = tables.offsets + values[begin : begin + _PART].reshape(-1, _BLOCK)
        for block in np.bitwise_xor.reduce(tables.contributions.take(places), axis=1).tolist():
            checksum = (
                block
                ^ low[checksum & 0xFF]
                ^ second[checksum >> 8 & 0xFF]
                ^ third[checksum >> 16 & 0xFF]
                ^ high[checksum >> 24]
            )
    return checksum ^ _START


@cache
def _tables() -> _Tables:
    one = np.uint32(1)
    of_byte: NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        of_byte = of_byte >> one ^ (of_byte & one) * np.uint32(_POLYNOMIAL)
    by_place = np.empty((_BLOCK, 256), np.uint32)
    by_place[-1] = of_byte
    for place in range(_BLOCK - 2, -1, -1):
        behind = by_place[place + 1]
        by_place[place] = of_byte[behind & 0xFF] ^ behind >> 8
    of_zeros, one_byte = [_START], of_byte.tolist()
    for _ in range(_BLOCK - 1):
        of_zeros.append(one_byte[of_zeros[-1] & 0xFF] ^ of_zeros[-1] >> 8)
    low, second, third, high = by_place[:4].tolist()
    offsets = np.arange(_BLOCK, dtype=np.intp) * 256
    return _Tables(by_place.ravel(), offsets, of_zeros, (low, second, third, high))
