"""Parses messages in protobuf text format as TensorFlow Serving does, which is written in C++.

After `src/google/protobuf/text_format.cc`, with the options of TensorFlow Serving's files: no
unknown fields, no second value of a field that is not repeated. `Any` by the URL of its
type is not read: the types are the ones that stock is linked with. Python's `text_format` reads
other texts; see `text_tokens`.
"""

from typing import Any, NoReturn, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from lstm_sentiment.models_config.text_tokens import (
    Kind,
    TextFormatError,
    Token,
    next_token,
    string_value,
)

_Message = TypeVar("_Message", bound=Message)

_CLOSING = {"{": "}", "<": ">"}
_TRUE, _FALSE = ("true", "True", "t"), ("false", "False", "f")
_INFINITE, _NO_NUMBER = ("inf", "infinity"), ("nan",)
_BITS = {
    FieldDescriptor.CPPTYPE_INT32: 31,
    FieldDescriptor.CPPTYPE_INT64: 63,
    FieldDescriptor.CPPTYPE_UINT32: 32,
    FieldDescriptor.CPPTYPE_UINT64: 64,
}
_UNSIGNED = (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64)
_REAL = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)
_MOST_DIGITS = 64
_BYTE_ORDER_MARK = "\xef\xbb\xbf"


def parse_message(text: str, message: _Message) -> _Message:
    """Parses a text into an empty message.

    Args:
        text: A message in text format.
        message: Is filled, and returned.

    Raises:
        TextFormatError: If the text is not in text format, breaks the schema, or holds a string
            that is not UTF-8 (which stock takes, and no request can name).
    """
    _Parser(text).fields(message, "")
    return message


class _Parser:
    def __init__(self, text: str) -> None:
        # As C++ does, which knows bytes alone.
        self._text = text.encode("utf-8", "surrogatepass").decode("latin-1")
        if self._text.startswith(_BYTE_ORDER_MARK):
            reason = (
                "Interpreting non ascii codepoint 239: the text must not begin with a byte order "
                "mark; save it as UTF-8 without one."
            )
            raise TextFormatError(self._text, 0, reason)
        self._token = next_token(self._text, None)

    def fields(self, message: Message, closing: str) -> None:
        """Reads fields up to the end of the message, or of the text."""
        while self._token.text not in ("}", ">") if closing else self._token.kind is not Kind.END:
            self._field(message)
        if closing:
            self._expect(closing)

    def _next(self) -> Token:
        token = self._token
        self._token = next_token(self._text, token)
        return token

    def _refuse(self, reason: str) -> NoReturn:
        # A string may hold bytes of UTF-8.
        told = reason.encode("latin-1", "replace").decode("utf-8", "replace")
        raise TextFormatError(self._text, self._token.start, told)

    def _is_at(self, text: str) -> bool:
        if self._token.text != text:
            return False
        self._next()
        return True

    def _expect(self, text: str) -> None:
        if not self._is_at(text):
            self._refuse(f'Expected "{text}", found "{self._token.text}".')

    def _identifier(self) -> str:
        if self._token.kind is not Kind.IDENTIFIER:
            self._refuse(f"Expected identifier, got: {self._token.text}")
        return self._next().text

    def _field(self, message: Message) -> None:
        kind = message.DESCRIPTOR
        if self._token.text == "[":
            self._refuse(f"Extensions and types in brackets are not read in {kind.full_name}.")
        name = self._identifier()
        field: Any = kind.fields_by_name.get(name)
        if field is None:
            self._refuse(f'Message type "{kind.full_name}" has no field named "{name}".')
        self._check_is_first(message, field)
        is_message = field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE
        if is_message:
            self._is_at(":")
        else:
            self._expect(":")
        read = self._message if is_message else self._scalar
        if field.is_repeated and self._is_at("["):
            is_over = self._is_at("]")
            while not is_over:
                read(message, field)
                is_over = self._is_at("]")
                if not is_over:
                    self._expect(",")
        else:
            read(message, field)
        if not self._is_at(";"):
            self._is_at(",")

    def _check_is_first(self, message: Message, field: Any) -> None:
        if field.is_repeated:
            return
        has_presence = field.has_presence
        if (
            message.HasField(field.name)
            if has_presence
            else getattr(message, field.name) != field.default_value
        ):
            self._refuse(f'Non-repeated field "{field.name}" is specified multiple times.')
        if field.containing_oneof is None:
            return
        other = message.WhichOneof(field.containing_oneof.name)
        if other is not None:
            self._refuse(
                f'Field "{field.name}" is specified along with field "{other}", another member '
                f'of oneof "{field.containing_oneof.name}".'
            )

    def _message(self, message: Message, field: Any) -> None:
        if self._token.text != "<" and self._token.text != "{":
            self._refuse(f'Expected "{{", found "{self._token.text}".')
        closing = _CLOSING[self._next().text]
        values: Any = getattr(message, field.name)
        if field.message_type.GetOptions().map_entry:
            entry: Any = values.GetEntryClass()()
            self.fields(entry, closing)
            values[entry.key] = entry.value
            return
        inner = values.add() if field.is_repeated else values
        inner.SetInParent()
        self.fields(inner, closing)

    def _scalar(self, message: Message, field: Any) -> None:
        value = self._value(field)
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)

    def _value(self, field: Any) -> Any:
        kind = field.cpp_type
        if kind in _BITS:
            return self._integer(_BITS[kind], is_signed=kind not in _UNSIGNED)
        if kind in _REAL:
            return self._real()
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return self._bool(field)
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return self._enum(field)
        return self._string(field)

    def _integer(self, bits: int, *, is_signed: bool) -> int:
        is_negative = is_signed and self._is_at("-")
        if self._token.kind is not Kind.INTEGER:
            self._refuse(f"Expected integer, got: {self._token.text}")
        text = self._token.text
        is_hex = text[1:2] in ("x", "X")
        digits = text[2 * is_hex :].lstrip("0") or "0"
        base = 16 if is_hex else 8 if text.startswith("0") else 10
        if len(digits) > _MOST_DIGITS or int(digits, base) > (1 << bits) - (not is_negative):
            self._refuse(f"Integer out of range ({text})")
        self._next()
        return -int(digits, base) if is_negative else int(digits, base)

    def _real(self) -> float:
        sign = -1.0 if self._is_at("-") else 1.0
        token = self._token
        text = token.text
        if token.kind is Kind.FLOAT:
            value = float(text.rstrip("fF"))
        elif token.kind is Kind.INTEGER:
            if len(text) > 1 and text.startswith("0"):
                self._refuse(f"Expect a decimal number, got: {text}")
            value = float(text)
        elif token.kind is Kind.IDENTIFIER and text.lower() in (*_INFINITE, *_NO_NUMBER):
            value = float(text)
        else:
            self._refuse(f"Expected double, got: {text}")
        self._next()
        return sign * value

    def _bool(self, field: Any) -> bool:
        if self._token.kind is Kind.INTEGER:
            return bool(self._integer(1, is_signed=False))
        text = self._identifier()
        if text not in (*_TRUE, *_FALSE):
            self._refuse(f'Invalid value for boolean field "{field.name}". Value: "{text}".')
        return text in _TRUE

    def _enum(self, field: Any) -> int:
        if self._token.kind is Kind.IDENTIFIER:
            name = self._next().text
            found = field.enum_type.values_by_name.get(name)
            if found is None:
                self._refuse(f'Unknown enumeration value of "{name}" for field "{field.name}".')
            return int(found.number)
        if self._token.kind is not Kind.INTEGER and self._token.text != "-":
            self._refuse(f"Expected integer or identifier, got: {self._token.text}")
        return self._integer(31, is_signed=True)

    def _string(self, field: Any) -> str | bytes:
        if self._token.kind is not Kind.STRING:
            self._refuse(f"Expected string, got: {self._token.text}")
        start, value = self._token.start, b""
        while self._token.kind is Kind.STRING:
            value += string_value(self._next())
        if field.type == FieldDescriptor.TYPE_BYTES:
            return value
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            reason = f"A string must be UTF-8, got: {error.reason}"
            raise TextFormatError(self._text, start, reason) from None
