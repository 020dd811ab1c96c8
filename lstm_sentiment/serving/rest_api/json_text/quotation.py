"""Quotes JSON values in messages, as RapidJSON's `PrettyWriter` writes them."""

import math
import re
from decimal import Decimal
from typing import Any

from lstm_sentiment.serving.rest_api.json_text.json_object import members_of

# TensorFlow Serving begins no token after so many bytes.
_MAX_BYTES = 256
# Here a text is cut off too: a message must not repeat a whole request.
_MAX_TEXT_LENGTH = 256
_INDENT = " " * 4

_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_SHORT_ESCAPES = {
    letter: f"\\{name}" for letter, name in zip('"\\\b\f\n\r\t', '"\\bfnrt', strict=True)
}


def quoted(value: Any) -> str:
    """Writes a JSON value for an error message.

    A list is on one line, an object has a line a member. After 256 bytes nothing more is begun; of
    a text that is longer than 256 characters the beginning is written. NaN and the infinities have
    no form: the quotation ends before them.
    """
    quotation = _Quotation()
    quotation.write(value, 0, "")
    return "".join(quotation.pieces)


class _Quotation:
    """Collects the pieces of a quotation; what returns false has ended it."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._bytes = 0

    def write(self, value: Any, depth: int, prefix: str) -> bool:
        if isinstance(value, list):
            return self._list(value, depth, prefix)
        if isinstance(value, dict):
            return self._object(value, depth, prefix)
        if isinstance(value, str):
            return self._text(value, prefix)
        token = _number(value) if isinstance(value, int | float) else "null"
        return self._put(prefix + (token or "")) and token is not None

    def _list(self, values: list[Any], depth: int, prefix: str) -> bool:
        return (
            self._put(prefix + "[")
            and all(self.write(item, depth + 1, ", " if i else "") for i, item in enumerate(values))
            and self._put("]")
        )

    def _object(self, value: dict[str, Any], depth: int, prefix: str) -> bool:
        line = "\n" + _INDENT * (depth + 1)
        return (
            self._put(prefix + "{")
            and all(
                self._text(name, f",{line}" if i else line) and self.write(item, depth + 1, ": ")
                for i, (name, item) in enumerate(members_of(value))
            )
            and self._put(f"\n{_INDENT * depth}}}" if value else "}")
        )

    def _text(self, text: str, prefix: str) -> bool:
        escaped = _ESCAPED.sub(_escape, text[:_MAX_TEXT_LENGTH])
        if len(text) > _MAX_TEXT_LENGTH:
            self._put(f'{prefix}"{escaped}...')
            return False
        return self._put(f'{prefix}"{escaped}"')

    def _put(self, piece: str) -> bool:
        if self._bytes >= _MAX_BYTES:
            return False
        self.pieces.append(piece)
        self._bytes += len(piece.encode("utf-8", "surrogateescape"))
        return True


def _escape(found: re.Match[str]) -> str:
    letter = found[0]
    return _SHORT_ESCAPES.get(letter) or f"\\u{ord(letter):04X}"


def _number(value: float) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 64:
        return str(value)
    double = float(value)
    return _double(double) if math.isfinite(double) else None


def _double(value: float) -> str:
    """Writes a double with as few digits as tell it, and a point or an exponent."""
    sign, digits, power = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    minus = "-" * sign
    if not text:
        return f"{minus}0.0"
    # The value is 0.DIGITS times ten to this.
    point = len(digits) + int(power)
    if len(text) <= point <= 21:
        return f"{minus}{text.ljust(point, '0')}.0"
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{point - 1}"
