"""TensorFlow Serving's REST API over a `DataPlane`.

After `tensorflow_serving/model_servers/http_rest_api_util.cc` and `http_server.cc`: the same
paths, bodies, messages and status codes. `:regress` and `/metadata` answer 501.
"""

import json
import re
from urllib.parse import unquote

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.serving.classification import serialized_examples
from lstm_sentiment.serving.dataplane import DataPlane, ModelSpec
from lstm_sentiment.serving.json_example import classifications_to_json, parse_classify_request
from lstm_sentiment.serving.json_tensor import outputs_to_json, parse_predict_request
from lstm_sentiment.serving.model_status import model_status_to_proto
from lstm_sentiment.serving.servable import (
    NotImplementedInServingError,
    ServableRunError,
    SignatureNotFoundError,
)

HTTP_STATUSES: dict[type[BaseException], int] = {
    InvalidInputError: 400,
    ServableNotFoundError: 404,
    ServableUnavailableError: 503,
    NotImplementedInServingError: 501,
    ServableRunError: 500,
    LstmSentimentError: 500,
}
"""From an error to its HTTP status; the nearest base class counts."""

_VERSION_OR_LABEL = r"(?:(?:/versions/([0-9]+))|(?:/labels/([^/:]+)))?"
_PREDICTION_PATH = re.compile(
    rf"(?i)/v1/models/([^/:]+){_VERSION_OR_LABEL}:(classify|regress|predict)"
)
_STATUS_PATH = re.compile(rf"(?i)/v1/models(?:/([^/:]+))?{_VERSION_OR_LABEL}(?:/(metadata))?")
_ANY_PATH = re.compile(r"(?i)/v1/.*")
_MAX_VERSION = 2**63 - 1


def http_status(error: LstmSentimentError) -> int:
    """Looks an error up in `HTTP_STATUSES`.

    Args:
        error: What was raised.

    Returns:
        The status of its nearest class in the table.
    """
    return next(HTTP_STATUSES[cls] for cls in type(error).__mro__ if cls in HTTP_STATUSES)


def rest_app(data_plane: DataPlane) -> Starlette:
    """Makes the REST API as an ASGI application.

    Args:
        data_plane: Who answers.

    Returns:
        The application; it answers every path and method.
    """
    return Starlette(routes=[Route("/{path:path}", _RestApi(data_plane))])


class _RestApi:
    """Matches paths and methods as TensorFlow Serving does: by its two regular expressions."""

    def __init__(self, data_plane: DataPlane) -> None:
        self._data_plane = data_plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The path as it was sent: a name may hold an escaped slash or colon.
        path = scope["raw_path"].decode("latin-1")
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        # A model computes for long; the event loop must go on answering meanwhile.
        response = await run_in_threadpool(self._answer, scope["method"], path, body)
        await response(scope, receive, send)

    def _answer(self, method: str, path: str, body: bytes) -> Response:
        if not _ANY_PATH.fullmatch(path):
            return _error_response(404, "Not found")
        try:
            if method == "POST" and (match := _PREDICTION_PATH.fullmatch(path)):
                return _json_response(self._infer(match, body))
            if method == "GET" and (match := _STATUS_PATH.fullmatch(path)):
                return _json_response(self._model_status(match))
            raise InvalidInputError(f"Malformed request: {method} {path}")
        except LstmSentimentError as error:
            return _error_response(http_status(error), str(error))

    def _infer(self, match: re.Match[str], body: bytes) -> str:
        verb = match[4].lower()
        if verb == "predict":
            return self._predict(_model_spec(match), body)
        if verb == "classify":
            return self._classify(_model_spec(match), body)
        raise NotImplementedInServingError(f"Method is not implemented: {verb}")

    def _classify(self, model_spec: ModelSpec, body: bytes) -> str:
        request = parse_classify_request(body)
        result = self._data_plane.classify(
            model_spec, request.signature_key, serialized_examples(request.input)
        )
        return classifications_to_json(result.classifications)

    def _predict(self, model_spec: ModelSpec, body: bytes) -> str:
        request = parse_predict_request(body)
        try:
            result = self._data_plane.predict(model_spec, request.signature_key, request.inputs)
        except SignatureNotFoundError as error:
            # REST words it otherwise than gRPC (`http_rest_api_handler.cc`).
            raise InvalidInputError(
                f'Serving signature name: "{error.signature_key}" not found in signature def'
            ) from error
        return outputs_to_json(result.outputs, request.format)

    def _model_status(self, match: re.Match[str]) -> str:
        if match[1] is None:
            raise InvalidInputError("Missing model name in request.")
        if match[4] is not None:
            raise NotImplementedInServingError("Method is not implemented: metadata")
        states = self._data_plane.model_status(_model_spec(match))
        return json_format.MessageToJson(
            model_status_to_proto(states),
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )


def _model_spec(match: re.Match[str]) -> ModelSpec:
    label = match[3]
    return ModelSpec(
        unquote(match[1]),
        version=None if match[2] is None else _version_number(match[2]),
        label=None if label is None else unquote(label),
    )


def _version_number(text: str) -> int:
    digits = text.lstrip("0") or "0"
    # int() refuses thousands of digits.
    if len(digits) > len(str(_MAX_VERSION)) or int(digits) > _MAX_VERSION:
        raise InvalidInputError(f"Failed to convert version: {text} to numeric.")
    return int(digits)


def _json_response(content: str, status_code: int = 200) -> Response:
    # Undecodable bytes in a path come back as they came; no answer may fail for them.
    body = content.encode("utf-8", errors="replace")
    return Response(body, status_code=status_code, media_type="application/json")


def _error_response(status_code: int, message: str) -> Response:
    return _json_response(json.dumps({"error": message}, ensure_ascii=False), status_code)
