"""Parses the JSON object that is the body of every REST request.

After `ParseJson` and `FillSignature` in `tensorflow_serving/util/json_tensor.cc`.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.rest_api.json_text.exact_reader import read_json
from lstm_sentiment.serving.rest_api.json_text.json_object import json_object
from lstm_sentiment.serving.rest_api.json_text.paced_reader import PacedReader
from lstm_sentiment.serving.rest_api.json_text.quotation import quoted

MAX_PARTS = 1 << 18
"""Lists, objects and names that a body may hold together."""

# The parser takes some milliseconds for so many.
_MANY_VALUES = 1 << 16
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)

_BYTE_ORDER_MARK = "\ufeff"
_SPACE = " \t\n\r"

# Finds a surrogate that is escaped without its other half, also where there might be none: behind
# an escaped backslash.
_LONE_SURROGATE = re.compile(
    rb"\\(?:"
    rb"u[dD][89abAB]..(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB]..\\)u[dD][c-fC-F]"
    rb"|\\u[dD])",
    re.DOTALL,
)

# An integer beyond the largest double has at least so many digits.
_DIGITS_TOO_MANY = 309
_HUGE_INTEGER = re.compile(rb"[0-9]{%d}" % _DIGITS_TOO_MANY)
# Of so many digits in a row, at least 8 are among the bytes that are this far apart.
_SAMPLE_STEP = 38
_SAMPLED_DIGITS = re.compile(rb"[0-9]{8}")


def parse_document(body: bytes) -> dict[str, Any]:
    """Parses the body of a request, as TensorFlow Serving's parser would.

    Args:
        body: JSON in UTF-8.

    Returns:
        The object; of a name that comes more than once it has the first value, and so have the
        objects in it.

    Raises:
        InvalidInputError: If the body does not begin with a JSON object.
        RequestTooLargeError: If it holds too many lists, objects and names.
    """
    _check_parts(body)
    if not body:
        raise InvalidInputError("JSON Parse error: The document is empty")
    document = _read(body)
    if not isinstance(document, dict):
        refuse_format(document, "Is not object")
    return document


def signature_key_of(document: Mapping[str, Any]) -> str:
    """Returns the `signature_name` of a request; empty for the default.

    Raises:
        InvalidInputError: If `signature_name` is not a string.
    """
    signature_key = document.get("signature_name", "")
    if not isinstance(signature_key, str):
        refuse_format(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    return signature_key


def refuse_format(document: Any, rule: str) -> NoReturn:
    """Raises `InvalidInputError` for a body that breaks a rule, and quotes the body."""
    raise InvalidInputError(f"JSON Value: {quoted(document)} {rule}")


def _check_parts(body: bytes) -> None:
    """Checks how many lists, objects and names a body holds: each takes far more than its bytes.

    Raises:
        RequestTooLargeError: If there are too many.
    """
    if len(body) <= MAX_PARTS or _parts(body) <= MAX_PARTS:
        return
    # Those within strings are none.
    count = _parts(_STRINGS.sub(b"", body))
    if count > MAX_PARTS:
        raise RequestTooLargeError(
            f"a body must hold at most {MAX_PARTS} lists, objects and names together. "
            f"Received: {count}."
        )


def _parts(body: bytes) -> int:
    return body.count(b"[") + body.count(b"{") + body.count(b":")


def _read(body: bytes) -> Any:
    """Reads a body by the fast parser where that reads it right, else by the exact one."""
    if _is_unusual(body):
        return read_json(body)
    try:
        text = body.decode().removeprefix(_BYTE_ORDER_MARK).lstrip(_SPACE)
        # The fast parser would take `1.` for 1.
        if text[:1] not in ("{", "["):
            return read_json(body)
        return _paced.read(text) if text.count(",") > _MANY_VALUES else _decode(text)[0]
    except (ValueError, RecursionError):
        return read_json(body)


def _is_unusual(body: bytes) -> bool:
    """Returns whether a body may hold what the fast parser reads otherwise, without an error."""
    if (b"\\ud" in body or b"\\uD" in body) and _LONE_SURROGATE.search(body):
        return True
    return (
        len(body) > _DIGITS_TOO_MANY
        and _SAMPLED_DIGITS.search(body[::_SAMPLE_STEP]) is not None
        and _HUGE_INTEGER.search(body) is not None
    )


def _double(text: str) -> float:
    value = float(text)
    if math.isinf(value) or (not value and "e" in text.lower()):
        raise ValueError("only the exact reader knows whether the exponent is too large.")
    return value


_decoder = json.JSONDecoder(object_pairs_hook=json_object, parse_float=_double)
_decode = _decoder.raw_decode
_paced = PacedReader(_decoder, json_object)
