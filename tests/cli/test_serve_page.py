"""What `serve` says of the page for people, and how it is turned off."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lstm_sentiment.serving.server_options import ServerOptions
from tests.cli.running import Run


class FakeServer:
    """Says that it serves, and ends."""

    def __init__(
        self, config: object, options: ServerOptions, *, rest_api_port: int | None, **_: Any
    ) -> None:
        self.port, self.rest_api_port = 8500, rest_api_port
        self.grpc_socket_path = None
        self.has_ui = options.ui and rest_api_port is not None
        self.has_tls = options.credentials is not None

    def __enter__(self) -> "FakeServer":
        return self

    def __exit__(self, *exc_info: object) -> None: ...

    def states(self) -> list[Any]:
        return []

    def wait_for_termination(self) -> None: ...


@pytest.fixture
def _signals() -> Iterator[None]:
    """Gives back what `serve` takes for as long as its process lives."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize(
    ("flags", "url"),
    [
        ([], "http://127.0.0.1:8501/"),
        (["--host", "0.0.0.0", "--rest-api-port", "80"], "http://localhost:80/"),
        (["--host", "::1"], "http://[::1]:8501/"),
        (["--ssl-certificate", "c", "--ssl-private-key", "k"], "https://127.0.0.1:8501/"),
        (["--no-ui"], None),
        (["--rest-api-port", "0"], None),
    ],
)
def test_serve_says_where_the_page_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], url: str | None
) -> None:
    monkeypatch.setattr("lstm_sentiment.serving.server.ModelServer", FakeServer)
    credentials = "lstm_sentiment.serving.access.tls.ServerCredentials.from_files"
    monkeypatch.setattr(credentials, lambda *paths: SimpleNamespace())
    outcome = run("serve", "--model-base-path", tmp_path, *flags)
    assert outcome.code == 0
    said = [line for line in outcome.err.splitlines() if line.startswith("To try it")]
    assert said == ([] if url is None else [f"To try it, open {url} in a browser."])


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("host", ["::", "::1"])
def test_addresses_of_ipv6_are_told_as_clients_take_them(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr("lstm_sentiment.serving.server.ModelServer", FakeServer)
    outcome = run("serve", "--model-base-path", tmp_path, "--host", host)
    said = f"Serving gRPC on [{host}]:8500, REST on http://[{host}]:8501. Ctrl-C stops."
    assert said in outcome.err.splitlines() + outcome.out.splitlines()
