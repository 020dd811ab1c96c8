"""Edits text in protobuf text format without changing comments and layout.

`google.protobuf.text_format` drops comments and layout. Here `scan` finds the places of fields and
values in a text; `add_scalar`, `add_message`, `replace_value`, `replace_field` and `remove_values`
return edits in the style of the text around them; `apply_edits` makes the edits.

This module knows the syntax (https://protobuf.dev/reference/protobuf/textformat-spec/) and no
schema: the caller parses a text before it is scanned and after it is edited.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class UnknownSyntaxError(ValueError):
    """Syntax that `scan` does not know: extensions, and `Any` by the URL of its type."""


@dataclass(frozen=True)
class Value:
    """One value: a scalar or a message.

    Attributes:
        start: Offset of the first character; a message begins at its opening bracket.
        end: Offset past the last character.
        fields: A message's fields, in the order of the text; `None` for a scalar.
    """

    start: int
    end: int
    fields: tuple["Field", ...] | None = None


@dataclass(frozen=True)
class Field:
    """A field: its name and its values.

    Attributes:
        name: The name.
        start: Offset of the name.
        end: Offset past the value or list, and past the separator if there is one.
        values: The value, or all values of a list.
        is_list: True for values written as `[...]`.
        separator: `,` or `;` before the next field, or nothing.
    """

    name: str
    start: int
    end: int
    values: tuple[Value, ...]
    is_list: bool
    separator: str


@dataclass(frozen=True)
class Edit:
    """Replaces the text from `start` up to `end`."""

    start: int
    end: int
    text: str


def scan(text: str) -> tuple[Field, ...]:
    """Finds the fields of a message.

    Args:
        text: A message in text format that a parser has accepted.

    Returns:
        The fields, in the order of the text.

    Raises:
        UnknownSyntaxError: If the text has syntax that `scan` does not know.
    """
    return _Scanner(text).fields("")


def values_at(fields: Iterable[Field], *path: str) -> list[Value]:
    """Returns the values at a path of field names, in the order of the text.

    Args:
        fields: The fields of the outermost message.
        *path: Field names, the outermost first.
    """
    name, *rest = path
    found = [value for field in fields if field.name == name for value in field.values]
    if not rest:
        return found
    return [deeper for value in found for deeper in values_at(value.fields or (), *rest)]


def replace_value(value: Value, new: str) -> Edit:
    """Returns the edit that replaces a value by another, in text format."""
    return Edit(value.start, value.end, new)


def replace_field(field: Field, new: str) -> Edit:
    """Returns the edit that replaces a field, up to its separator, by another in text format."""
    return Edit(field.start, field.end - len(field.separator), new)


def remove_values(text: str, message: Value, name: str, values: Collection[Value]) -> list[Edit]:
    """Returns the edits that remove values of a repeated field, with lines of their own.

    A comment before or behind a value stays; a comment inside is removed. A list in brackets is
    removed with its last value.

    Args:
        text: The whole text.
        message: The message with the field.
        name: The field's name.
        values: The values to remove.
    """
    edits = []
    for field in message.fields or ():
        if field.name != name:
            continue
        kept = [value for value in field.values if value not in values]
        if kept:
            edits += _shrunk(text, field, kept)
        elif field.values:
            edits.append(_removed(text, field))
    return edits


def add_scalar(text: str, message: Value, name: str, value: str) -> Edit:
    """Returns the edit that adds a scalar field, behind the last of its name or at the end.

    Args:
        text: The whole text.
        message: The message to add to.
        name: The field's name; a list in brackets gets one more value.
        value: The value, in text format.
    """
    same = [field for field in message.fields or () if field.name == name]
    if same and same[-1].is_list and same[-1].values:
        end = same[-1].values[-1].end
        return Edit(end, end, f", {value}")
    return _add(text, message, name, [f"{name}: {value}"])


def add_message(text: str, message: Value, name: str, fields: Sequence[str]) -> Edit:
    """Returns the edit that adds a message field, behind the last of its name or at the end.

    The field is written on one line if the messages beside it are.

    Args:
        text: The whole text.
        message: The message to add to.
        name: The field's name.
        fields: The fields of the new message, in text format.
    """
    fields_here = message.fields or ()
    beside = [value for f in fields_here for value in f.values if value.fields is not None]
    same = values_at(fields_here, name)
    pattern = (same or beside or [message])[-1]
    lines = [f"{name} {{", *fields, "}"]
    if "\n" not in text[pattern.start : pattern.end]:
        lines = [" ".join(lines)]
    return _add(text, message, name, lines)


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Returns the text after edits, which are in any order and do not overlap."""
    # From the last to the first: the offsets before an edit stay valid.
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=(?P<newline>\r?\n))")
_INDENT = re.compile(r"[ \t]*")


def _add(text: str, message: Value, name: str, lines: Sequence[str]) -> Edit:
    """Returns the edit that adds a field, on lines of its own if the field before has such."""
    fields = message.fields or ()
    before = ([field for field in fields if field.name == name] or fields)[-1:]
    end = before[0].end if before else message.start + 1
    separator = before[0].separator if before else ""
    rest = _REST_OF_LINE.match(text, end)
    if rest is None or (before and not _begins_line(text, before[0].start)):
        space = " " if not before and not text[end].isspace() else ""
        return Edit(end, end, f" {' '.join(lines)}{separator}{space}")
    outer = _indent(text, message.start)
    indent = _indent(text, before[0].start) if before else outer + "  "
    step = indent.removeprefix(outer) or "  "
    newline = rest["newline"]
    new = "".join(
        newline + indent + (step if 0 < number < len(lines) - 1 else "") + line
        for number, line in enumerate(lines)
    )
    return Edit(rest.end(), rest.end(), new + separator)


def _removed(text: str, field: Field) -> Edit:
    start, end = field.start, field.end
    rest = _REST_OF_LINE.match(text, end)
    if rest is None or not _begins_line(text, start):
        return Edit(start, end, "")
    if rest.group().strip():  # a comment keeps its line
        return Edit(start, rest.end() - len(rest.group().lstrip(" \t")), "")
    return Edit(_line_start(text, start), rest.end("newline"), "")


def _shrunk(text: str, field: Field, kept: Sequence[Value]) -> list[Edit]:
    """Removes each value with its comma: behind the value, or before it after the last kept."""
    edits = []
    for number, value in enumerate(field.values):
        if value in kept:
            continue
        if value.start < kept[-1].start:
            start, end = value.end, field.values[number + 1].start
            edits.append(Edit(value.start, end, _without_comma(text[start:end])))
        else:
            start, end = field.values[number - 1].end, value.start
            edits.append(Edit(start, value.end, _without_comma(text[start:end])))
    return edits


def _without_comma(between: str) -> str:
    """Returns the text between two values of a list without the comma, and mere spaces."""
    left = re.sub(r"(#[^\n]*)|,", lambda match: match[1] or "", between)
    return left if "#" in left else ""


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _indent(text: str, offset: int) -> str:
    match = _INDENT.match(text, _line_start(text, offset), offset)
    return match.group() if match else ""


def _begins_line(text: str, offset: int) -> bool:
    return not text[_line_start(text, offset) : offset].strip(" \t")


class _Token(NamedTuple):
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""(?:\s++|\#[^\n]*+)*+
    (?P<token> "(?:[^"\\\n]|\\[^\n])*" | '(?:[^'\\\n]|\\[^\n])*' | [\w.+-]+ | [^\s\#] | \Z)""",
    re.VERBOSE,
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_CLOSING = {"{": "}", "<": ">"}
_QUOTES = ("'", '"')


class _Scanner:
    """Reads fields from the tokens of a text, once from the first to the last."""

    def __init__(self, text: str) -> None:
        self._tokens = [
            _Token(match["token"], match.start("token"), match.end("token"))
            for match in _TOKEN.finditer(text)
        ]
        self._at = 0

    def fields(self, closing: str) -> tuple[Field, ...]:
        found = []
        while self._next.text != closing:
            found.append(self._field())
        return tuple(found)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _take_if(self, *texts: str) -> str:
        return self._take().text if self._next.text in texts else ""

    def _field(self) -> Field:
        name = self._take()
        if not _NAME.fullmatch(name.text):
            raise UnknownSyntaxError(f"Expected a field's name. Received: {name.text!r}.")
        self._take_if(":")
        is_list = bool(self._take_if("["))
        values = self._list() if is_list else (self._value(),)
        separator = self._take_if(",", ";")
        end = self._tokens[self._at - 1].end
        return Field(name.text, name.start, end, values, is_list, separator)

    def _list(self) -> tuple[Value, ...]:
        values = []
        while not self._take_if("]"):
            values.append(self._value())
            self._take_if(",")
        return tuple(values)

    def _value(self) -> Value:
        first = self._take()
        closing = _CLOSING.get(first.text)
        if closing is not None:
            fields = self.fields(closing)
            return Value(first.start, self._take().end, fields)
        if first.text == "-":
            first = _Token(first.text + self._take().text, first.start, self._at)
        if first.text.startswith(_QUOTES):
            while self._next.text.startswith(_QUOTES):  # neighbours are one string
                self._take()
        elif not re.fullmatch(r"[\w.+-]+", first.text):
            raise UnknownSyntaxError(f"Expected a value. Received: {first.text!r}.")
        return Value(first.start, self._tokens[self._at - 1].end)
