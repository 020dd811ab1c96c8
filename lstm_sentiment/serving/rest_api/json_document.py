"""Parses the JSON object that is the body of every REST request.

After `ParseJson` and `FillSignature` in `tensorflow_serving/util/json_tensor.cc`.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.rest_api.json_value import quoted


def parse_document(body: bytes) -> dict[str, Any]:
    """Parses the body of a request.

    Args:
        body: JSON in UTF-8. NaN, Infinity and -Infinity are numbers.

    Raises:
        InvalidInputError: If the body is not a JSON object.
    """
    if not body:
        raise InvalidInputError("JSON Parse error: The document is empty")
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"JSON Parse error: Invalid encoding in string. at offset: {error.start}"
        ) from None
    except (ValueError, RecursionError):
        # Raised for an integer of thousands of digits, or thousands of nested lists.
        raise InvalidInputError("JSON Parse error: Number or nesting too big") from None
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
