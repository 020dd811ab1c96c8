"""Tokens of protobuf text format, as the C++ parser reads them.

After `src/google/protobuf/io/tokenizer.cc`, in the mode of `text_format.cc`: `#` begins a comment,
and a float may end in `f`. Python's own parser takes other texts: `1_000`, spaces of Unicode and a
few escapes, and it refuses some that C++ takes.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

_TAB = 8


class TextFormatError(ValueError):
    """A text that is not in text format, or breaks its schema.

    Attributes:
        line: Number of the line, from 1.
        column: Number of the column, from 1; a tab ends at a multiple of 8.
        reason: The C++ parser's words.
    """

    def __init__(self, text: str, at: int, reason: str) -> None:
        """Counts lines and columns up to an offset of the text, whose characters are bytes."""
        start = text.rfind("\n", 0, at) + 1
        self.line = text.count("\n", 0, at) + 1
        self.column = len(text[start:at].expandtabs(_TAB)) + 1
        self.reason = reason
        super().__init__(f"{self.line}:{self.column}: {reason}")


class Kind(Enum):
    """The kind of a token."""

    IDENTIFIER = auto()
    INTEGER = auto()
    FLOAT = auto()
    STRING = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True)
class Token:
    """A token; `start` and `end` are its offsets."""

    kind: Kind
    text: str
    start: int
    end: int


_SPACE = re.compile(r"(?:[ \t\n\v\f\r]++|#[^\0\n]*+)*+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(
    r"""(?P<integer> 0[xX][0-9a-fA-F]+ | 0[0-7]+ | (?:0|[1-9][0-9]*) (?![0-9.eEfF]) )
    | (?:0|[1-9][0-9]*) (?:\.[0-9]*)? (?:[eE][+-]?[0-9]+)? [fF]?
    | \.[0-9]+ (?:[eE][+-]?[0-9]+)? [fF]?""",
    re.VERBOSE,
)
_ESCAPE = r"\\(?:[abfnrtv\\?'\"]|[0-7]|[xX][0-9a-fA-F]|u[0-9a-fA-F]{4}|U00[01][0-9a-fA-F]{5})"
_INSIDE = {quote: re.compile(rf"{quote}(?:[^{quote}\\\n\0]|{_ESCAPE})*+") for quote in ("'", '"')}
_LETTER_OR_POINT = re.compile(r"[A-Za-z_.]")
_FIRST_PRINTABLE, _FIRST_OF_MANY_BYTES = 0x20, 0x80


def next_token(text: str, previous: Token | None) -> Token:
    """Reads the token after another one.

    Args:
        text: Bytes, each as the character of that number.
        previous: The token before; `None` for the first.

    Raises:
        TextFormatError: If there is none.
    """
    match = _SPACE.match(text, previous.end if previous else 0)
    at = match.end() if match else 0
    if at == len(text):
        return Token(Kind.END, "", at, at)
    first = text[at]
    if match := _IDENTIFIER.match(text, at):
        return Token(Kind.IDENTIFIER, match[0], at, match.end())
    if first in _INSIDE:
        return _string(text, at)
    if match := _NUMBER.match(text, at):
        return _number(text, match, previous)
    if ord(first) < _FIRST_PRINTABLE:
        raise TextFormatError(text, at, "Invalid control characters encountered in text.")
    if ord(first) >= _FIRST_OF_MANY_BYTES:
        raise TextFormatError(text, at, f"Interpreting non ascii codepoint {ord(first)}.")
    return Token(Kind.SYMBOL, first, at, at + 1)


def _number(text: str, match: re.Match[str], previous: Token | None) -> Token:
    start, end = match.span()
    after_name = previous is not None and previous.kind is Kind.IDENTIFIER
    if text[start] == "." and after_name and previous is not None and previous.end == start:
        reason = "Need space between identifier and decimal point."
        raise TextFormatError(text, start, reason)
    if text[end : end + 1].isdigit():
        reason = "Numbers starting with leading zero must be in octal."
        raise TextFormatError(text, end, reason)
    if follows := _LETTER_OR_POINT.match(text, end):
        is_integer = match["integer"] is not None
        reason = "Need space between number and identifier."
        if follows[0] == ".":
            reason = "Already saw decimal point or exponent; can't have another one."
            reason = "Hex and octal numbers must be integers." if is_integer else reason
        raise TextFormatError(text, end, reason)
    kind = Kind.FLOAT if match["integer"] is None else Kind.INTEGER
    return Token(kind, match[0], start, end)


def _string(text: str, at: int) -> Token:
    match = _INSIDE[text[at]].match(text, at)
    end = match.end() if match else at + 1
    if text[end : end + 1] == text[at]:
        return Token(Kind.STRING, text[at : end + 1], at, end + 1)
    reasons = {
        "\n": 'Multiline strings are not allowed. Did you miss a "?.',
        "\\": "Invalid escape sequence in string literal.",
    }
    raise TextFormatError(text, end, reasons.get(text[end : end + 1], "Unexpected end of string."))


_ESCAPED = re.compile(
    r"""\\(?: (?P<octal>[0-7]{1,3}) | [xX](?P<hex>[0-9a-fA-F]{1,2})
    | u(?P<head>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<trail>[dD][c-fC-F][0-9a-fA-F]{2})
    | u(?P<u>[0-9a-fA-F]{4}) | U(?P<U>[0-9a-fA-F]{8}) | (?P<other>.) )""",
    re.VERBOSE | re.DOTALL,
)
_OTHERS = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_LAST_CODE_POINT = 0x10FFFF


def string_value(token: Token) -> bytes:
    """Returns the bytes that the token of a string stands for."""
    return _ESCAPED.sub(_unescaped, token.text[1:-1]).encode("latin-1")


def _unescaped(match: re.Match[str]) -> str:
    if octal := match["octal"]:
        return chr(int(octal, 8) & 0xFF)
    if digits := match["hex"]:
        return chr(int(digits, 16))
    if match["head"]:
        pair = (int(match["head"], 16) - 0xD800 << 10) + int(match["trail"], 16) - 0xDC00
        return _utf8(0x10000 + pair)
    if digits := match["u"] or match["U"]:
        return _utf8(int(digits, 16))
    return chr(_OTHERS.get(match["other"], ord(match["other"])))


def _utf8(code_point: int) -> str:
    if code_point > _LAST_CODE_POINT:
        return f"\\U{code_point:08x}"
    return chr(code_point).encode("utf-8", "surrogatepass").decode("latin-1")
