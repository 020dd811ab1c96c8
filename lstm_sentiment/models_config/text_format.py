"""Where the fields of protobuf text format stand, and edits that leave all else as it is.

`google.protobuf.text_format` reads a message and forgets comments and layout. `scan` finds the
places of fields and values in a text; `add_scalar`, `add_message`, `replace_value`,
`replace_field` and `remove_values` say what to change there, in the layout around it;
`apply_edits` changes it. All of it knows the syntax
(https://protobuf.dev/reference/protobuf/textformat-spec/) and no schema, so the caller parses a
text before it is scanned and again after it was changed.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class UnknownSyntaxError(ValueError):
    """Text format that `scan` does not know: extensions, `Any` by its type's address."""


@dataclass(frozen=True)
class Value:
    """One value: a scalar or a message.

    Attributes:
        start: Offset of its first character; a message begins at its opening bracket.
        end: Offset past its last character.
        fields: A message's fields, in the order of the text; `None` for a scalar.
    """

    start: int
    end: int
    fields: tuple["Field", ...] | None = None


@dataclass(frozen=True)
class Field:
    """A field's name with what stands behind it.

    Attributes:
        name: The field's name.
        start: Offset of the name.
        end: Offset past the value or list, and past the separator if there is one.
        values: The one value, or each in a list.
        is_list: Whether it is written as `[...]`.
        separator: What divides it from the next field: `,`, `;` or nothing.
    """

    name: str
    start: int
    end: int
    values: tuple[Value, ...]
    is_list: bool
    separator: str


@dataclass(frozen=True)
class Edit:
    """Puts `text` in the place of what stands from `start` up to `end`."""

    start: int
    end: int
    text: str


def scan(text: str) -> tuple[Field, ...]:
    """Finds the fields of a message.

    Args:
        text: A message in text format that a parser has accepted.

    Returns:
        Its fields, in the order of the text.

    Raises:
        UnknownSyntaxError: If something in it is not understood.
    """
    return _Scanner(text).fields("")


def values_at(fields: Iterable[Field], *path: str) -> list[Value]:
    """Lists the values that a path of field names leads to.

    Args:
        fields: Where the path begins.
        *path: Field names, the outermost first.

    Returns:
        All of them, in the order of the text.
    """
    name, *rest = path
    found = [value for field in fields if field.name == name for value in field.values]
    if not rest:
        return found
    return [deeper for value in found for deeper in values_at(value.fields or (), *rest)]


def replace_value(value: Value, new: str) -> Edit:
    """Says how a value is replaced by another, already in text format."""
    return Edit(value.start, value.end, new)


def replace_field(field: Field, new: str) -> Edit:
    """Says how a field is replaced by another, already in text format, up to its separator."""
    return Edit(field.start, field.end - len(field.separator), new)


def remove_values(text: str, message: Value, name: str, values: Collection[Value]) -> list[Edit]:
    """Says how values of a repeated field are removed: with their lines, if they have their own.

    A comment before or behind a value stays; one inside it goes with it.

    Args:
        text: The whole text.
        message: Where the field is.
        name: The field's name.
        values: Those to remove.

    Returns:
        The edits; a list in brackets shrinks by the values, and goes when none is left.
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
    """Says how a scalar is added to a message: after the last of its name, else as last field.

    Args:
        text: The whole text.
        message: Where the field is added.
        name: The field's name; of a repeated field, one more value is added.
        value: The value, in text format.

    Returns:
        The edit; a list in brackets grows by the value.
    """
    same = [field for field in message.fields or () if field.name == name]
    if same and same[-1].is_list and same[-1].values:
        end = same[-1].values[-1].end
        return Edit(end, end, f", {value}")
    return _add(text, message, name, [f"{name}: {value}"])


def add_message(text: str, message: Value, name: str, fields: Sequence[str]) -> Edit:
    """Says how a message is added to a message: after the last of its name, else as last field.

    Args:
        text: The whole text.
        message: Where the field is added.
        name: The field's name.
        fields: The fields of what is added, in text format.

    Returns:
        The edit. It stands on one line if the messages beside it do.
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
    """Makes edits that do not overlap.

    Args:
        text: The text the edits were made for.
        edits: In any order.

    Returns:
        The changed text.
    """
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=(?P<newline>\r?\n))")
_INDENT = re.compile(r"[ \t]*")


def _add(text: str, message: Value, name: str, lines: Sequence[str]) -> Edit:
    """Adds a field, on lines of its own if the one before it has its own."""
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
    """Removes each value with the comma behind it; behind the last one kept, with that before."""
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
    """What stands between two values of a list, less the comma; spaces go if they are all."""
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
    """Goes through the tokens once, from the first to the last."""

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
        if first.text.startswith(_QUOTES):
            while self._next.text.startswith(_QUOTES):  # neighbours are one string
                self._take()
        elif not re.fullmatch(r"[\w.+-]+", first.text):
            raise UnknownSyntaxError(f"Expected a value. Received: {first.text!r}.")
        return Value(first.start, self._tokens[self._at - 1].end)
