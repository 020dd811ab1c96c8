"""Which requests of browsers are refused, by ASGI alone."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import httpx
import pytest
from starlette.responses import PlainTextResponse

from lstm_sentiment.serving.access.browsers import BrowserCheckMiddleware
from lstm_sentiment.serving.access.cors import AllowedOrigins
from lstm_sentiment.serving.access.hosts import AllowedHosts, ServedHosts

OWN, OTHER = "http://localhost:8501", "https://evil.example"
PREDICT = "/v1/models/sentiment:predict"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse(scope["method"])(scope, receive, send)


def ask(
    method: str = "POST",
    headers: Mapping[str, str | bytes] | None = None,
    *,
    origins: list[str] | None = None,
    allowed: list[str] | None = None,
    path: str = PREDICT,
) -> httpx.Response:
    hosts = ServedHosts("127.0.0.1", "127.0.0.1", AllowedHosts(allowed or []))
    app = BrowserCheckMiddleware(echo, hosts, None if origins is None else AllowedOrigins(origins))

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
            return await client.request(method, path, headers=cast(Any, headers))

    return asyncio.run(request())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "127.0.0.1:8501"},
        {"Origin": OWN},
        {"Origin": "HTTP://LOCALHOST:8501"},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        # A proxy that gives another Host: the browser says whose page it is, or the proxy does.
        {"Origin": "https://demo.example.org", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://demo.example.org", "X-Forwarded-Host": "demo.example.org"},
        {"Origin": "http://a.example:81", "X-Forwarded-Host": "a.example:81, b.example"},
        # A proxy that ends TLS.
        {"Origin": "https://localhost", "Host": "localhost:443"},
        {"Origin": "https://localhost:443", "Host": "localhost"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_the_page_itself_and_all_who_are_no_browser_may_ask(headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        assert (ask(method, headers).status_code, ask(method, headers).text) == (200, method)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": OTHER, "Content-Type": "text/plain"},
        {"Origin": OTHER, "Content-Type": "application/x-www-form-urlencoded"},
        {"Origin": OTHER, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Origin": OTHER, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8501"},
        {"Origin": "http://localhost:8501.evil.example"},
        {"Origin": "http://evil.example/localhost:8501"},
        {"Origin": "http://localhost:8501@evil.example"},
        {"Origin": "chrome-extension://abc"},
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": OTHER, "X-Forwarded-Host": "demo.example.org"},
    ],
)
def test_a_page_of_another_origin_may_not_ask(headers: dict[str, str]) -> None:
    refused = ask("POST", headers)
    assert refused.status_code == 403
    message = refused.json()["error"]
    assert "--rest-api-enable-cors-support" in message
    assert message.endswith(
        f"Received: Origin {headers.get('Origin', 'none')}, for Host localhost:8501."
    )
    assert "\n" not in message
    if headers.get("Sec-Fetch-Mode") != "navigate":
        assert ask("GET", headers).status_code == 403


def test_a_link_on_a_page_of_another_origin_may_be_followed() -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ask("GET", link).status_code == 200
    assert ask("POST", link).status_code == 403


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_cors_decides_which_pages_may_ask(site: dict[str, str]) -> None:
    for origins in (["*"], ["https://a.example", OTHER]):
        assert ask("POST", {"Origin": OTHER, **site}, origins=origins).status_code == 200
    for origin in ("https://b.example", "null"):
        refused = ask("POST", {"Origin": origin, **site}, origins=[OTHER])
        assert (refused.status_code, refused.headers["vary"]) == (403, "Origin")
    hidden = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert ask("GET", hidden, origins=["*"]).status_code == 200
    assert ask("GET", hidden, origins=[OTHER]).status_code == 403


def test_a_preflight_is_passed_on() -> None:
    preflight = {"Origin": OTHER, "Access-Control-Request-Method": "POST"}
    assert ask("OPTIONS", preflight).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_name_that_somebody_gave_this_machine_is_refused(method: str) -> None:
    refused = ask(method, {"Host": "evil.example:8501", "Origin": "http://evil.example:8501"})
    assert refused.status_code == 403
    assert refused.json() == {
        "error": "the Host of a request must be localhost, an address that the server listens on, "
        "or one of its --allowed-hosts. Received: evil.example:8501."
    }
    assert ask(method, {"Host": "evil.example:8501"}, allowed=["evil.example"]).status_code == 200
    # CORS lets pages in, no names.
    assert ask(method, {"Host": "evil.example:8501"}, origins=["*"]).status_code == 403


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"])
def test_probes_ask_by_any_name_and_pages_of_others_do_not(path: str) -> None:
    for host in ("10.244.0.5:8501", "status.example.org", ""):
        assert ask("GET", {"Host": host}, path=path).status_code == 200
    assert ask("GET", {"Host": "status.example.org"}, path=f"{path}/").status_code == 403
    assert ask("GET", {"Origin": OTHER}, path=path).status_code == 403


def test_what_is_quoted_is_short_and_one_line() -> None:
    message = ask("GET", {"Host": "é\x1b".encode() + b"a" * 9000}).json()["error"]
    assert len(message) < 500
    assert message.isascii()
