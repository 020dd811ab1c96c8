"""Pages of somebody else's, in a real browser: what they can have asked of a server, and read.

Skipped where there is no Chromium, see `tests.chromium`.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import expect

from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.access.cors import AllowedOrigins
from lstm_sentiment.serving.access.hosts import AllowedHosts
from lstm_sentiment.serving.monitoring.access_log import AccessLog
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.chromium import chromium
from tests.serving.page_models import save_page_version

PREDICT = "v1/models/hotel:predict"
BODY = '{"signature_name": "text", "instances": ["好"]}'

# What a page can send without asking first: https://fetch.spec.whatwg.org/#cors-safelisted-method.
SIMPLE_REQUESTS = {
    "text": "mode: 'no-cors', headers: {'content-type': 'text/plain'}",
    "form": "mode: 'no-cors', headers: {'content-type': 'application/x-www-form-urlencoded'}",
    "no type": "mode: 'no-cors'",
    "read": "mode: 'cors', headers: {'content-type': 'text/plain'}",
    "hidden referrer": "mode: 'no-cors', referrerPolicy: 'no-referrer'",
}
SEND = """async ([url, body]) => {
  try { return (await fetch(url, {method: 'POST', body, %s})).type; }
  catch (error) { return 'refused'; }
}"""
FORM = """([url, body]) => {
  const form = document.createElement('form');
  Object.assign(form, {action: url, method: 'POST', enctype: 'text/plain'});
  const field = document.createElement('input');
  const [name, value] = body.split(': ["');
  Object.assign(field, {name, value: ': ["' + value});
  form.append(field);
  document.body.append(form);
  form.submit();
}"""


class Page(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Somebody else's</title><body>")

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with chromium("--host-resolver-rules=MAP *.example 127.0.0.1") as browser:
        yield browser


@pytest.fixture(scope="module")
def foreign_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("foreign") / "hotel"
    save_page_version(path, 1, 0.5)
    return path


@contextmanager
def served(base_path: Path, **options: Any) -> Iterator[tuple[int, io.StringIO]]:
    """The REST port of a server, and the lines of its access log."""
    log = io.StringIO()
    options = {
        "file_system_poll_wait_seconds": 0,
        "access_log": AccessLog(log, as_json=False),
        **options,
    }
    config = single_model_config("hotel", base_path)
    with ModelServer(config, ServerOptions(**options), port=0) as server:
        assert server.rest_api_port is not None
        yield server.rest_api_port, log


@pytest.fixture
def page(browser: playwright.Browser) -> Iterator[playwright.Page]:
    context = browser.new_context(locale="zh-CN")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def asked_by(page: playwright.Page, name: str, foreign_port: int, port: int) -> dict[str, Any]:
    """Lets a page of somebody else's send each request; returns what the page sees of it."""
    page.goto(f"http://{name}:{foreign_port}/")
    url = f"http://localhost:{port}/{PREDICT}"
    return {
        kind: page.evaluate(SEND % options, [url, BODY])
        for kind, options in SIMPLE_REQUESTS.items()
    }


@pytest.mark.parametrize("name", ["evil.example", "localhost", "127.0.0.1"])
def test_a_foreign_page_cannot_have_a_model_asked(
    page: playwright.Page, base_path: Path, foreign_port: int, name: str
) -> None:
    with served(base_path) as (port, log):
        seen = asked_by(page, name, foreign_port, port)
        with page.expect_navigation():
            page.evaluate(FORM, [f"http://localhost:{port}/{PREDICT}", BODY])
        assert "--rest-api-enable-cors-support" in page.locator("body").inner_text()
        page.goto(f"http://{name}:{foreign_port}/")
        page.set_content(f"<img src='http://localhost:{port}/v1/models/hotel'>")
        page.wait_for_load_state()
    assert log.getvalue() == ""
    assert seen.pop("read") == "refused"
    assert set(seen.values()) == {"opaque"}  # sent, answered, and not to be read


def test_cors_lets_the_same_page_ask(
    page: playwright.Page, base_path: Path, foreign_port: int
) -> None:
    origins = AllowedOrigins([f"http://evil.example:{foreign_port}"])
    with served(base_path, cors_origins=origins) as (port, log):
        seen = asked_by(page, "evil.example", foreign_port, port)
    assert seen["read"] == "cors"
    assert len(log.getvalue().splitlines()) >= 1


def test_a_name_that_somebody_points_to_this_machine_is_refused(
    page: playwright.Page, base_path: Path
) -> None:
    with served(base_path) as (port, log):
        for path in ("", "v1/models", "monitoring/prometheus/metrics", "openapi.json", "v2"):
            answer = page.goto(f"http://rebound.example:{port}/{path}")
            assert answer is not None and answer.status == 403
            assert "--allowed-hosts" in answer.text()
    assert log.getvalue() == ""


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "own.example"])
def test_the_servers_own_page_may_ask_by_each_of_its_names(
    page: playwright.Page, base_path: Path, name: str
) -> None:
    """A browser tells of `own.example`, without TLS, no more than the `Origin`."""
    with served(base_path, allowed_hosts=AllowedHosts(["own.example"])) as (port, log):
        page.goto(f"http://{name}:{port}/")
        page.get_by_role("textbox", name="文本", exact=True).fill("好")
        expect(page.locator("#try-results > li .badge")).to_have_text("好评")
    assert "Predict" in log.getvalue()


def test_a_link_on_a_foreign_page_opens_the_server(
    page: playwright.Page, base_path: Path, foreign_port: int
) -> None:
    with served(base_path) as (port, _):
        page.goto(f"http://evil.example:{foreign_port}/")
        page.set_content(f"<a href='http://localhost:{port}/v1/models'>models</a>")
        with page.expect_navigation():
            page.get_by_text("models").click()
        assert "hotel" in page.locator("body").inner_text()
