"""Responses in JSON, and the HTTP status of each error."""

import json

from starlette.responses import Response

from lstm_sentiment.serving.canonical_code import Code

HTTP_STATUSES: dict[Code, int] = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.UNAUTHENTICATED: 401,
    Code.NOT_FOUND: 404,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INTERNAL: 500,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
"""The HTTP status of each canonical code."""


def json_response(content: str, status_code: int = 200) -> Response:
    """Makes a response of a JSON document."""
    # Undecodable bytes in a path come back as they came; no answer may fail for them.
    body = content.encode("utf-8", errors="replace")
    return Response(body, status_code=status_code, media_type="application/json")


def error_response(status_code: int, message: str) -> Response:
    """Makes the response `{"error": message}`."""
    return json_response(json.dumps({"error": message}, ensure_ascii=False), status_code)
