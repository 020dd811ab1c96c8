"""Reads JSON by the rules of RapidJSON 1.1.0, as TensorFlow Serving has them switched on.

What comes after the value is not read. Lists may be nested 100,000 deep. NaN, Inf, Infinity and
their negatives are numbers, and an integer beyond 64 bits is a double. Texts need not be UTF-8, and
a low surrogate that is escaped alone becomes three bytes; a high one must have its low one. This
reader is slow: it is for what the standard library's refuses or reads otherwise.
"""

import json
import re
from typing import Any, NoReturn

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.rest_api.json_text.json_object import json_object

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"[ \t\n\r]*")
_PLAIN_TEXT = re.compile(rb'[^"\\\x00-\x1f]*')
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]*)")
_NOT_FINITE = re.compile(rb"-?(?:NaN|Inf(?:inity|(?!i)))")
_FRACTION = re.compile(rb"\.([0-9]+)")
_EXPONENT = re.compile(rb"[eE]([+-]?)([0-9]+)")
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_ESCAPES = dict(
    zip(b'"\\/bfnrt', [b'"', b"\\", b"/", b"\b", b"\f", b"\n", b"\r", b"\t"], strict=True)
)
_CONSTANTS = {ord("n"): (b"null", None), ord("t"): (b"true", True), ord("f"): (b"false", False)}
_WORDS = {ord("N"): b"NaN", ord("I"): b"Infinity"}
_LARGEST_EXPONENT = 308
# Each level takes memory, many times what it takes in a body.
_MAX_DEPTH = 100_000


def _simple_items() -> re.Pattern[bytes]:
    """Makes the pattern of items of a list that every parser reads alike, each with its comma."""
    space = r"[ \t\n\r]*+"
    text = r'"[ !#-\[\]-~]*+"'
    number = r"-?(?:0|[1-9][0-9]{0,15}+)(?:\.[0-9]{1,15}+)?+(?![0-9.eE])"
    value = f"(?:{text}|{number}|true|false|null){space}"
    member = f"{text}{space}:{space}{value}"
    flat_object = rf"\{{{space}(?:{member}(?:,{space}{member})*+)?+\}}{space}"
    flat_list = rf"\[{space}(?:{value}(?:,{space}{value})*+)?+\]{space}"
    return re.compile(f"(?:(?:{value}|{flat_object}|{flat_list}),{space})++".encode())


_SIMPLE_ITEMS = _simple_items()
_decode_simple = json.JSONDecoder(object_pairs_hook=json_object).decode

# Also what stands for the end: nothing after a NUL is read.
_END = 0
_QUOTE, _COMMA, _MINUS, _POINT, _COLON, _BACKSLASH = b'",-.:\\'
_OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT = b"[]{}"


def read_json(body: bytes) -> Any:
    """Reads the JSON value at the beginning of a body.

    Args:
        body: JSON, with or without a byte order mark.

    Returns:
        Objects by `json_object`, lists, texts, `True`, `False`, `None`, integers of 64 bits, and
        floats. Bytes of a text that are not UTF-8 are low surrogates, as the error handler
        `surrogateescape` makes them.

    Raises:
        InvalidInputError: If it is not JSON; with RapidJSON's words and the offset in bytes.
    """
    return _Reader(body).document()


class _Open:
    """A list or an object that is not closed yet; `names` is `None` for a list."""

    __slots__ = ("closing", "names", "values")

    def __init__(self, names: list[str] | None) -> None:
        self.names = names
        self.values: list[Any] = []
        self.closing = _CLOSE_LIST if names is None else _CLOSE_OBJECT

    def value(self) -> Any:
        if self.names is None:
            return self.values
        return json_object(list(zip(self.names, self.values, strict=True)))


class _Reader:
    """Reads a body from a place that moves on."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        self._open: list[_Open] = []

    def document(self) -> Any:
        for mark in _BYTE_ORDER_MARK:
            self._at += self._next() == mark
        self._skip_space()
        if self._next() in (_END, _CLOSE_LIST, _CLOSE_OBJECT, _COMMA, _COLON):
            self._fail("The document is empty.")
        while True:
            first = self._next()
            if first in (_OPEN_LIST, _OPEN_OBJECT):
                opened = self._opened(first)
                if opened is None:
                    continue
                value = opened.value()
            else:
                value = self._single_value(first)
            while self._open:
                self._open[-1].values.append(value)
                if self._goes_on(self._open[-1]):
                    break
                value = self._open.pop().value()
            else:
                return value

    def _opened(self, first: int) -> _Open | None:
        """Opens a list or object; returns it where it is empty."""
        if len(self._open) == _MAX_DEPTH:
            self._fail(f"Lists and objects must be nested at most {_MAX_DEPTH} deep.")
        opened = _Open(None if first == _OPEN_LIST else [])
        self._at += 1
        self._skip_space()
        if self._next() == opened.closing:
            self._at += 1
            return opened
        self._open.append(opened)
        if opened.names is None:
            self._take_simple_items(opened.values)
        else:
            opened.names.append(self._name())
        return None

    def _take_simple_items(self, values: list[Any]) -> None:
        """Takes items of a list up to one that is the last, or is not simple: quickly."""
        if found := _SIMPLE_ITEMS.match(self._body, self._at):
            items = found[0].rstrip(b", \t\n\r").decode("ascii")
            values.extend(_decode_simple(f"[{items}]"))
            self._at = found.end()

    def _goes_on(self, opened: _Open) -> bool:
        """Reads what follows a value: whether it is one more, or the end of its list or object."""
        self._skip_space()
        following = self._next()
        if following == opened.closing:
            self._at += 1
            return False
        if following != _COMMA:
            self._fail(
                "Missing a comma or ']' after an array element."
                if opened.names is None
                else "Missing a comma or '}' after an object member."
            )
        self._at += 1
        self._skip_space()
        if opened.names is None:
            self._take_simple_items(opened.values)
        else:
            opened.names.append(self._name())
        return True

    def _name(self) -> str:
        if self._next() != _QUOTE:
            self._fail("Missing a name for object member.")
        name = self._text()
        self._skip_space()
        if self._next() != _COLON:
            self._fail("Missing a colon after a name of object member.")
        self._at += 1
        self._skip_space()
        return name

    def _single_value(self, first: int) -> Any:
        if first == _QUOTE:
            return self._text()
        if first not in _CONSTANTS:
            return self._number()
        word, value = _CONSTANTS[first]
        self._word(word)
        return value

    def _word(self, word: bytes) -> None:
        for letter in word:
            if self._next() != letter:
                self._fail("Invalid value.")
            self._at += 1

    def _number(self) -> int | float:
        start = self._at
        if found := _NOT_FINITE.match(self._body, start):
            self._at = found.end()
            return float(found[0])
        integer = _INTEGER.match(self._body, start)
        if integer is None:
            self._at += self._next() == _MINUS
            # A word that is spelt wrong is told where it goes wrong.
            self._word(_WORDS.get(self._next(), b"0"))
        assert integer is not None
        self._at = integer.end()
        whole = float(integer[0])
        if abs(whole) == float("inf"):
            self._fail_too_big(start)
        fraction = self._fraction()
        self._check_exponent(len(fraction), start)
        if self._at > integer.end():
            return float(self._body[start : self._at])
        return whole if abs(whole) >= 2.0**65 else _in_64_bits(int(integer[0]))

    def _fraction(self) -> bytes:
        if self._next() != _POINT:
            return b""
        found = _FRACTION.match(self._body, self._at)
        if found is None:
            self._at += 1
            self._fail("Miss fraction part in number.")
        self._at = found.end()
        return found[1]

    def _check_exponent(self, fraction_digits: int, start: int) -> None:
        if self._next() not in b"eE":
            return
        found = _EXPONENT.match(self._body, self._at)
        if found is None:
            self._at += 1
            self._at += self._next() in b"+-"
            self._fail("Miss exponent in number.")
        digits = found[2].lstrip(b"0")
        largest = _LARGEST_EXPONENT + fraction_digits
        if found[1] != b"-" and (len(digits) > len(str(largest)) or int(digits or b"0") > largest):
            self._fail_too_big(start)
        self._at = found.end()

    def _text(self) -> str:
        self._at += 1
        pieces = []
        while True:
            plain = _PLAIN_TEXT.match(self._body, self._at)
            assert plain is not None
            pieces.append(plain[0])
            self._at = plain.end()
            following = self._next()
            if following == _BACKSLASH:
                pieces.append(self._escaped())
            elif following == _QUOTE:
                self._at += 1
                return b"".join(pieces).decode("utf-8", "surrogateescape")
            elif following == _END:
                self._fail("Missing a closing quotation mark in string.")
            else:
                self._fail("Invalid escape character in string.")

    def _escaped(self) -> bytes:
        start = self._at
        self._at += 1
        letter = self._next()
        self._at += 1
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter != ord("u"):
            self._fail("Invalid escape character in string.", start)
        code_point = self._hex(start)
        if 0xD800 <= code_point <= 0xDBFF:
            low = -1
            if self._body[self._at : self._at + 2] == b"\\u":
                self._at += 2
                low = self._hex(start)
            if not 0xDC00 <= low <= 0xDFFF:
                self._fail("The surrogate pair in string is invalid.", start)
            code_point = 0x10000 + ((code_point - 0xD800) << 10 | low - 0xDC00)
        return chr(code_point).encode("utf-8", "surrogatepass")

    def _hex(self, start: int) -> int:
        found = _HEX.match(self._body, self._at)
        if found is None:
            self._fail("Incorrect hex digit after \\u escape in string.", start)
        self._at = found.end()
        return int(found[0], 16)

    def _next(self) -> int:
        return self._body[self._at] if self._at < len(self._body) else _END

    def _skip_space(self) -> None:
        found = _SPACE.match(self._body, self._at)
        assert found is not None
        self._at = found.end()

    def _fail_too_big(self, start: int) -> NoReturn:
        self._fail("Number too big to be stored in double.", start)

    def _fail(self, message: str, offset: int | None = None) -> NoReturn:
        at = self._at if offset is None else offset
        raise InvalidInputError(f"JSON Parse error: {message} at offset: {at}")


def _in_64_bits(value: int) -> int | float:
    return value if -(1 << 63) <= value < 1 << 64 else float(value)
