"""Hypothesis strategies of protocol buffers' messages, from their descriptors."""

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

_F = FieldDescriptor
_BITS = {
    _F.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    _F.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    _F.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    _F.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    _F.CPPTYPE_BOOL: st.booleans(),
    _F.CPPTYPE_FLOAT: st.floats(width=32, allow_nan=False),
    _F.CPPTYPE_DOUBLE: st.floats(allow_nan=False),
}
_DEEPEST = 4


def fill(message: Message, data: st.DataObject, depth: int = 0) -> None:
    """Sets some of the fields of a message, and of the messages in it."""
    descriptor: Any = message.DESCRIPTOR
    if descriptor.full_name.startswith("google.protobuf.Any"):
        message.type_url = data.draw(st.sampled_from(["", "type.googleapis.com/a.B"]))  # type: ignore[attr-defined]
        return
    for field in descriptor.fields:
        entry = field.message_type
        is_message = entry is not None
        if (is_message and depth >= _DEEPEST) or not data.draw(st.booleans()):
            continue
        if entry is not None and entry.GetOptions().map_entry:
            _fill_map(getattr(message, field.name), entry, data, depth)
        elif field.is_repeated and is_message:
            for _ in range(data.draw(st.integers(0, 2))):
                fill(getattr(message, field.name).add(), data, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(data.draw(st.lists(_values(field), max_size=3)))
        elif is_message:
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), data, depth + 1)
        else:
            setattr(message, field.name, data.draw(_values(field)))


def _fill_map(target: Any, entry: Descriptor, data: st.DataObject, depth: int) -> None:
    key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
    for name in data.draw(st.lists(_values(key), max_size=2)):
        if value.cpp_type == _F.CPPTYPE_MESSAGE:
            fill(target[name], data, depth + 1)
        else:
            target[name] = data.draw(_values(value))


def _values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type == _F.TYPE_BYTES:
        return st.binary(max_size=8)
    if field.type == _F.TYPE_STRING:
        return st.text(max_size=8)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return _BITS[field.cpp_type]
