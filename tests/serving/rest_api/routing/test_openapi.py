"""The description of the API: it is OpenAPI 3.1, and tells what the server answers."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from lstm_sentiment.errors import (
    InvalidInputError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.serving.access.authentication import BearerTokenMiddleware, BearerTokens
from lstm_sentiment.serving.asgi import AsgiApp
from lstm_sentiment.serving.errors import DeadlineExceededError, NotImplementedInServingError
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.monitoring.observability import MetricsPage
from lstm_sentiment.serving.rest_api.app import RestApi, rest_app
from lstm_sentiment.serving.rest_api.routing.openapi import openapi_document
from lstm_sentiment.serving.rest_api.routing.schemas import SCHEMAS
from lstm_sentiment.serving.rest_api.routing.table import routes_of

METRICS = MetricsPage("/metrics", lambda: b"one 1\n")
DOCUMENTS = {
    with_tokens: openapi_document(
        routes_of(metrics_path=METRICS.path, state=True, ui=True), with_tokens=with_tokens
    )
    for with_tokens in (False, True)
}
ERRORS: dict[int, Exception] = {
    400: InvalidInputError("x"),
    404: ServableNotFoundError("x"),
    500: RuntimeError("x"),
    501: NotImplementedInServingError("x"),
    503: ServableUnavailableError("x"),
    504: DeadlineExceededError("x"),
}


def operations(with_tokens: bool = False) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENTS[with_tokens]["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def answers() -> Iterator[Any]:
    """Every operation with every status that it tells of.

    But for the 200 of those that ask a model: models answer it in test_schemathesis.py.
    """
    for method, path, operation in operations():
        for status in operation["responses"]:
            if status == "200" and asks_a_model(operation):
                continue
            yield pytest.param(
                method, path, operation, int(status), id=f"{operation['operationId']}-{status}"
            )


def asks_a_model(operation: dict[str, Any]) -> bool:
    return "413" in operation["responses"]


class Failing:
    """A data plane that raises the same error, whatever it is asked."""

    limits = RequestLimits()

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*args: Any, **options: Any) -> Any:
            raise self._error

        return fail


def app_of(error: Exception | None = None, **options: Any) -> RestApi:
    plane: Any = Failing(error or RuntimeError())
    state: dict[str, Any] = {"models": []}
    return rest_app(
        plane, state=lambda: state, metrics_page=METRICS, ui=True, about=about, **options
    )


def about(name: str, version: int) -> dict[str, Any]:
    if version == 404:
        raise ServableNotFoundError("x")
    return {"model": name, "version": version}


def ask(
    app: AsgiApp, method: str, path: str, content: Any = None, **headers: str
) -> httpx.Response:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.request(method, path, json=content, headers=headers)

    return asyncio.run(request())


def url_of(path: str, operation: dict[str, Any]) -> str:
    values = {
        parameter["name"]: parameter["example"]
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "path"
    }
    return path.format(**values)


def example_of(operation: dict[str, Any]) -> Any:
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return SCHEMAS[schema["$ref"].rpartition("/")[2]]["examples"][0]


@pytest.mark.parametrize("with_tokens", [False, True])
def test_it_is_openapi_3_1(with_tokens: bool) -> None:
    document = DOCUMENTS[with_tokens]
    assert document["openapi"].startswith("3.1.")
    assert not [*OpenAPIV31SpecValidator(document).iter_errors()]
    names = [operation["operationId"] for _, _, operation in operations(with_tokens)]
    assert len(names) == len(set(names))
    assert all(server["url"].startswith("/") for server in document["servers"])


def test_every_parameter_of_a_path_is_told() -> None:
    for _, path, operation in operations():
        told = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
        assert told == re.findall(r"{(\w+)}", path)


@pytest.mark.parametrize(("method", "path", "operation", "status"), [*answers()])
def test_every_status_that_is_told_is_answered(
    method: str, path: str, operation: dict[str, Any], status: int
) -> None:
    options: dict[str, Any] = {}
    url, body, headers = url_of(path, operation), example_of(operation), {}
    if status == 413:
        options, body = {"max_request_bytes": 1}, [1, 2, 3]
    elif status == 415:
        headers = {"Content-Encoding": "br"}
    elif status == 304:
        headers = {"If-None-Match": "*"}
    elif (
        path.endswith("/ready") and status == 503 and not asks_a_model(operation)
    ) or path == "/readyz":
        options = {"is_ready": lambda: status == 200}
    elif path == "/ui/{file}" and status == 404:
        url = "/ui/absent"
    elif path.startswith("/about/") and status == 404:
        url = "/about/sentiment/404"
    response = ask(app_of(ERRORS.get(status), **options), method, url, body, **headers)
    assert response.status_code == status, response.text
    told = operation["responses"][str(status)].get("content", {})
    assert response.headers.get("content-type") in (told or {None: None})


def test_a_server_with_tokens_tells_which_operations_need_one() -> None:
    api = app_of(with_tokens=True)
    app = BearerTokenMiddleware(api, BearerTokens({"t": ["change"]}), api.router.roles_of)
    for method, path, operation in operations(with_tokens=True):
        response = ask(app, method, url_of(path, operation), example_of(operation))
        needs_one = operation.get("security") != []
        assert (response.status_code == 401) is needs_one, path
        assert ("401" in operation["responses"]) is needs_one, path
        with_token = ask(
            app, method, url_of(path, operation), example_of(operation), Authorization="Bearer t"
        )
        assert (with_token.status_code == 403) is ("403" in operation["responses"]), path
    assert DOCUMENTS[True]["security"]
    assert "security" not in DOCUMENTS[False]
    assert not any("401" in operation["responses"] for _, _, operation in operations())


@pytest.mark.parametrize("with_tokens", [False, True])
def test_the_server_tells_its_own_description(with_tokens: bool) -> None:
    response = ask(app_of(with_tokens=with_tokens), "GET", "/openapi.json")
    assert response.json() == DOCUMENTS[with_tokens]


def test_pages_that_a_server_does_not_have_are_not_told() -> None:
    plane: Any = Failing(RuntimeError())
    told = ask(rest_app(plane), "GET", "/openapi.json").json()["paths"]
    assert not {"/", "/ui/{file}", "/state", METRICS.path} & told.keys()
    assert "/v1/models/{model}:predict" in told
