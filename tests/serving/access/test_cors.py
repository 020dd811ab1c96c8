"""Pages of other origins: what a browser is told, by ASGI alone."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.access.authentication import BearerTokenMiddleware, BearerTokens
from lstm_sentiment.serving.access.cors import AllowedOrigins, CorsMiddleware
from lstm_sentiment.serving.access.roles import ANY
from lstm_sentiment.serving.asgi import AsgiApp

PAGE, OTHER = "https://example.org", "https://example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST"}
ALLOW = "access-control-allow-origin"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    status = 404 if scope["path"] == "/absent" else 200
    response = PlainTextResponse(scope["method"], status, {"Vary": "Accept-Encoding"})
    await response(scope, receive, send)


def app_of(*origins: str, app: AsgiApp = echo, with_tokens: bool = False) -> AsgiApp:
    return CorsMiddleware(app, AllowedOrigins(origins), with_tokens=with_tokens)


def ask(
    app: AsgiApp, method: str = "GET", path: str = "/", origin: str | None = PAGE, **headers: str
) -> httpx.Response:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        given = {**headers, **({} if origin is None else {"Origin": origin})}
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.request(method, path, headers=given)

    return asyncio.run(request())


@pytest.mark.parametrize("origin", [PAGE, "HTTPS://Example.org"])
@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/absent", 404)])
def test_answers_and_errors_may_be_read_by_a_listed_origin(
    origin: str, path: str, status: int
) -> None:
    response = ask(app_of("http://localhost:3000", PAGE), path=path, origin=origin)
    assert (response.status_code, response.text) == (status, "GET")
    assert response.headers[ALLOW] == origin
    assert response.headers.get_list("vary", split_commas=True) == ["Accept-Encoding", "Origin"]


@pytest.mark.parametrize("origin", [OTHER, "null", f"{PAGE}:8443", "http://example.org", "", None])
def test_no_other_origin_may_read_an_answer(origin: str | None) -> None:
    response = ask(app_of(PAGE), origin=origin)
    assert (response.status_code, response.text) == (200, "GET")
    assert ALLOW not in response.headers
    # A cache must not give this answer to a page that is let in.
    assert "Origin" in response.headers.get_list("vary", split_commas=True)


@pytest.mark.parametrize("origin", [OTHER, "null", None])
def test_a_star_lets_every_origin_in_and_its_cookies_out(origin: str | None) -> None:
    response = ask(app_of("*"), origin=origin)
    assert response.headers[ALLOW] == "*"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    ("with_tokens", "allowed"), [(False, "Content-Type"), (True, "Content-Type, Authorization")]
)
@pytest.mark.parametrize("origins", [["*"], [PAGE]])
def test_a_preflight_is_answered(origins: list[str], with_tokens: bool, allowed: str) -> None:
    app = app_of(*origins, with_tokens=with_tokens)
    response = ask(app, "OPTIONS", "/v1/models/m:predict", **PREFLIGHT)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers[ALLOW] == ("*" if "*" in origins else PAGE)
    assert response.headers["access-control-allow-methods"] == "POST, GET"
    assert response.headers["access-control-allow-headers"] == allowed
    assert "access-control-allow-credentials" not in response.headers


def test_a_preflight_of_another_origin_is_refused() -> None:
    response = ask(app_of(PAGE), "OPTIONS", origin=OTHER, **PREFLIGHT)
    assert response.status_code == 403
    assert response.json() == {"error": f"the origin is not allowed. Received: {OTHER}."}
    assert not any(name.startswith("access-control") for name in response.headers)
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize(("origin", "headers"), [(PAGE, {}), (None, PREFLIGHT)])
def test_options_that_are_no_preflight_are_passed_on(
    origin: str | None, headers: dict[str, str]
) -> None:
    assert ask(app_of(PAGE), "OPTIONS", origin=origin, **headers).text == "OPTIONS"


def test_a_preflight_needs_no_token_and_a_refusal_can_be_read() -> None:
    app = app_of(
        PAGE,
        app=BearerTokenMiddleware(echo, BearerTokens(["t"]), lambda scope: ANY),
        with_tokens=True,
    )
    assert ask(app, "OPTIONS", **PREFLIGHT).status_code == 200
    refused = ask(app)
    assert (refused.status_code, refused.headers[ALLOW]) == (401, PAGE)
    assert ask(app, Authorization="Bearer t").text == "GET"


@pytest.mark.parametrize(
    "origin",
    [
        "example.org",
        "https://",
        "https://a/",
        "https://a/b",
        "https://u@a",
        "https://a b",
        "null",
        "https://*.a",
        "chrome-extension://*",
    ],
)
def test_an_origin_of_another_form_is_refused(origin: str) -> None:
    with pytest.raises(InvalidInputError, match=r"must be `\*`, or a scheme.* Received: "):
        AllowedOrigins([PAGE, origin])
    with pytest.raises(InvalidInputError, match="at least one"):
        AllowedOrigins([])
