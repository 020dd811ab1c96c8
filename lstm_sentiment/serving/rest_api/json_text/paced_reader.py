"""Reads JSON of very many values in parts, between which other threads have their turn.

Python's parser, in C, lets no other thread run until it has read all: the event loop would wait
with it.
"""

import json
import re
from collections.abc import Callable
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
# Numbers, and strings without escapes, each with the comma behind it.
_SCALARS = re.compile(
    r"""(?:(?:[-0-9][-+0-9.eE]*+|"[^"\\]*+")[ \t\r\n]*+,[ \t\r\n]*+)++""",
)
_PART = 1 << 15


class PacedReader:
    """Reads one text by a decoder, long lists in parts of some milliseconds."""

    def __init__(
        self, decoder: json.JSONDecoder, make_object: Callable[[list[tuple[str, Any]]], Any]
    ) -> None:
        """Makes a reader.

        Args:
            decoder: Reads the parts.
            make_object: Makes an object of its members, as the decoder does.
        """
        self._decoder, self._make_object = decoder, make_object

    def read(self, text: str) -> Any:
        """Returns the value that a text begins with, as the decoder would.

        Raises:
            ValueError: If there is none.
            RecursionError: If lists and objects are nested too deep.
        """
        return self._value(text, 0)[0]

    def _value(self, text: str, at: int) -> tuple[Any, int]:
        first = text[at : at + 1]
        if first == "{":
            return self._members(text, _after_space(text, at + 1))
        if first == "[":
            return self._elements(text, _after_space(text, at + 1))
        return self._decoder.raw_decode(text, at)

    def _elements(self, text: str, at: int) -> tuple[list[Any], int]:
        elements: list[Any] = []
        if text[at : at + 1] == "]":
            return elements, at + 1
        while True:
            scalars = _SCALARS.match(text, at, at + _PART)
            if scalars is not None:
                part = scalars[0].rstrip()
                elements += self._decoder.decode(f"[{part[:-1]}]")
                at = _after_space(text, scalars.end())
                continue
            value, at = self._value(text, at)
            elements.append(value)
            at, is_last = _after_separator(text, at, "]")
            if is_last:
                return elements, at

    def _members(self, text: str, at: int) -> tuple[Any, int]:
        members: list[tuple[str, Any]] = []
        if text[at : at + 1] == "}":
            return self._make_object(members), at + 1
        while True:
            if text[at : at + 1] != '"':
                raise ValueError("a name was expected.")
            name, at = self._decoder.raw_decode(text, at)
            at = _after_space(text, at)
            if text[at : at + 1] != ":":
                raise ValueError("a colon was expected.")
            value, at = self._value(text, _after_space(text, at + 1))
            members.append((name, value))
            at, is_last = _after_separator(text, at, "}")
            if is_last:
                return self._make_object(members), at


def _after_separator(text: str, at: int, end: str) -> tuple[int, bool]:
    """Returns where the next element begins, or where the list or object has ended."""
    at = _after_space(text, at)
    found = text[at : at + 1]
    if found == ",":
        return _after_space(text, at + 1), False
    if found == end:
        return at + 1, True
    raise ValueError("a comma or an end was expected.")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()
