"""Counts the fields of a serialized message before it is parsed.

A parsed field takes far more memory than it may take as transferred: an empty message of two bytes
becomes a hundred.
"""

from typing import Any

_Types = dict[int, Any]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_VARINT_BYTES = 10
# The parser goes no deeper.
_MOST_DEPTH = 100


def has_more_fields(serialized: bytes, descriptor: Any, most: int) -> bool:
    """Returns whether a message has more fields than it may, those of its messages included.

    The elements of a packed field count as one. A broken message has no more fields than it has
    before it breaks: whatever is wrong with it is the parser's to tell.

    Args:
        serialized: The message.
        descriptor: The `Descriptor` of its type.
        most: The number that it may have.
    """
    # Each open message: where it ends, and the types of the messages in it.
    end, types = len(serialized), _types_of(descriptor)
    outer: list[tuple[int, _Types]] = []
    at = count = 0
    known: dict[str, _Types] = {descriptor.full_name: types}
    try:
        while True:
            while at >= end:
                if not outer:
                    return False
                end, types = outer.pop()
            count += 1
            if count > most:
                return True
            key = serialized[at]
            at += 1
            if key > 0x7F:
                key, at = _varint(serialized, at - 1)
            kind = key & 7
            if kind == _BYTES:
                size = serialized[at]
                at += 1
                if size > 0x7F:
                    size, at = _varint(serialized, at - 1)
                within = types.get(key >> 3)
                if within is None or len(outer) >= _MOST_DEPTH:
                    at += size
                else:
                    outer.append((end, types))
                    end = min(end, at + size)
                    if within.full_name not in known:
                        known[within.full_name] = _types_of(within)
                    types = known[within.full_name]
            elif kind == _VARINT:
                _, at = _varint(serialized, at)
            elif kind == _FIXED64:
                at += 8
            elif kind == _FIXED32:
                at += 4
    except IndexError:
        return False


def _types_of(descriptor: Any) -> _Types:
    """Returns the types of the fields that are messages, by their numbers."""
    return {
        field.number: field.message_type
        for field in descriptor.fields
        if field.message_type is not None
    }


def _varint(serialized: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_MOST_VARINT_BYTES):
        byte = serialized[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise IndexError
