"""Makes the OpenAPI description of the REST API from its routes.

https://spec.openapis.org/oas/v3.1.0
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import lstm_sentiment
from lstm_sentiment.serving.access.roles import ANY
from lstm_sentiment.serving.rest_api.routing.json_schema import ref
from lstm_sentiment.serving.rest_api.routing.route import Reply, Route
from lstm_sentiment.serving.rest_api.routing.schemas import SCHEMAS
from lstm_sentiment.version_folder import MAX_VERSION

_DESCRIPTION = """\
TensorFlow Serving's REST API, with health checks and pages for people. Paths under `/v1/` ignore
letter case, except in the verb, such as `:predict`. The server reads a body as JSON, whatever its
`Content-Type`; you may send it with `Content-Encoding: gzip`. HEAD is answered as GET, without the
body. Other paths return 404, and other methods 405 with `Allow`; under `/v1/` both return 400
`Malformed request: METHOD PATH`.

Any request may get an error before its operation is known: 400 if it is not valid HTTP/1.1, 403 if
its `Host` or `Origin` is not allowed, 408 if it does not arrive whole in time, 417 if its `Expect`
is not `100-continue`, 501 if its method is not known, and 503 if the server stops or all
connections are in use.
"""
_UNAUTHENTICATED = Reply("No token was sent, or one that the server does not know.", "Error")
_PERMISSION_DENIED = Reply("The token lacks the role that this operation requires.", "Error")
_SCHEME = "token"
_JSON = "application/json"
_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "model": {
        "in": "path",
        "description": "Name of the model.",
        "schema": {"type": "string", "minLength": 1},
        "example": "sentiment",
    },
    "version": {
        "in": "path",
        "description": "Number of the version.",
        "schema": {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_VERSION},
        "example": 1,
    },
    "label": {
        "in": "path",
        "description": "Label of the version.",
        "schema": {"type": "string", "minLength": 1},
        "example": "stable",
    },
    "version_or_label": {
        "in": "path",
        "description": "Number or label of the version.",
        "schema": {"type": "string", "minLength": 1},
        "example": "1",
    },
    "signature_name": {
        "in": "query",
        "description": "The signature to describe; without it, `text` or else `serving_default`.",
        "schema": {"type": "string"},
        "example": "explain",
    },
    "file": {
        "in": "path",
        "description": "Name of the file.",
        "schema": {"type": "string", "minLength": 1},
        "example": "app.js",
    },
    "If-None-Match": {
        "in": "header",
        "description": "The `ETag`s that the client has.",
        "schema": {"type": "string"},
    },
}


def openapi_document(routes: Iterable[Route], *, with_tokens: bool) -> dict[str, Any]:
    """Makes the description of a server, for JSON.

    Args:
        routes: The routes of the server.
        with_tokens: Whether the server requires bearer tokens.
    """
    routes = tuple(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for path in filter(_is_told, route.paths()):
            paths.setdefault(path, {})[route.methods[0].lower()] = _operation(
                route, path, with_tokens
            )
    scheme = {_SCHEME: {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lstm_sentiment model server",
            "version": lstm_sentiment.__version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        **({"security": [{_SCHEME: []}]} if with_tokens else {}),
        "paths": paths,
        "components": {
            "schemas": {name: SCHEMAS[name] for name in sorted(_used(routes))},
            **({"securitySchemes": scheme} if with_tokens else {}),
        },
    }


def _operation(route: Route, path: str, with_tokens: bool) -> dict[str, Any]:
    replies = dict(route.replies)
    is_open = route.roles is None
    if with_tokens and not is_open:
        replies[401] = _UNAUTHENTICATED
    if with_tokens and route.roles not in (None, ANY):
        replies[403] = _PERMISSION_DENIED
    names = re.findall(r"{(\w+)}", path)
    parameters = [_parameter(name) for name in (*names, *route.query, *route.headers)]
    body = route.body and {"required": True, "content": _content((_JSON,), route.body)}
    return {
        "operationId": _operation_id(route, names),
        "summary": route.summary,
        "tags": [route.tag],
        **({"security": []} if with_tokens and is_open else {}),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": {str(status): _response(replies[status]) for status in sorted(replies)},
    }


def _is_told(path: str) -> bool:
    """Returns whether a path is no other path's second form, with a slash behind it."""
    return path == "/" or not path.endswith("/")


def _operation_id(route: Route, names: list[str]) -> str:
    """Returns a name of its own for each path of a route."""
    always = re.findall(r"{(\w+)}", route.paths()[0])
    chosen = (name.title().replace("_", "") for name in names if name not in always)
    return "By".join([route.operation_id, *chosen])


def _parameter(name: str) -> dict[str, Any]:
    parameter = _PARAMETERS[name]
    return {"name": name, **parameter, **({"required": True} if parameter["in"] == "path" else {})}


def _response(reply: Reply) -> dict[str, Any]:
    content = (
        {} if reply.schema is None else {"content": _content(reply.content_types, reply.schema)}
    )
    return {"description": reply.description, **content}


def _content(types: Iterable[str], schema: str) -> dict[str, Any]:
    return {content_type: {"schema": ref(schema)} for content_type in types}


def _used(routes: Iterable[Route]) -> set[str]:
    """Returns the names of all schemas that the routes use, one by way of another too."""
    used: set[str] = {"Error"}
    found = {reply.schema for route in routes for reply in route.replies.values() if reply.schema}
    found |= {route.body for route in routes if route.body}
    while found - used:
        used |= found
        found = {name for each in used for name in _refs(SCHEMAS[each])}
    return used


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            else:
                yield from _refs(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _refs(value)
