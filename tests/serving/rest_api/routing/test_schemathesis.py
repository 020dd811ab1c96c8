"""Schemathesis drives a real server by its own description: https://schemathesis.readthedocs.io."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lstm_sentiment.serving.server import ModelServer
from tests.serving.rest_api.routing.test_openapi import example_of, operations, url_of

# Methods that HTTP knows and the server does not, such as TRACE, are answered 501 as by stock.
SETTINGS = """
[phases.coverage]
unexpected-methods = ["PUT", "DELETE", "PATCH", "OPTIONS"]
"""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def url(server: ModelServer) -> Iterator[str]:
    yield f"http://127.0.0.1:{server.rest_api_port}"


def test_the_server_answers_as_it_describes(url: str, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("run", f"{url}/openapi.json", "--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing", "--mode", "all", "--max-examples", "8"),
        *("--seed", "1", "--generation-database", "none", "--no-color"),
    ]
    told = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert told.returncode == 0, told.stdout[-10_000:] + told.stderr[-2_000:]


def test_the_examples_that_it_describes_are_answered(url: str) -> None:
    answered = {
        operation["operationId"]: httpx.request(
            method, url + url_of(path, operation), json=example_of(operation), timeout=30
        ).status_code
        for method, path, operation in operations()
        if path != "/metrics"
    }
    assert {*answered.values()} == {200}, answered
