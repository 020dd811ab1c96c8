"""docs/security.md tells what works, and the defaults that there are."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from lstm_sentiment.cli.app import app
from lstm_sentiment.serving.access.authentication import load_bearer_tokens
from lstm_sentiment.serving.access.tls import ServerCredentials
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "security.md").read_text("utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def options() -> dict[str, Any]:
    """The options of `serve`, by flag."""
    commands: dict[str, Any] = vars(get_command(app))["commands"]
    return {
        flag: option
        for option in commands["serve"].params
        for flag in (*option.opts, *option.secondary_opts)
    }


def test_defaults_are_those_of_the_flags() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert len(rows) >= 5
    assert {flag: int(value) for flag, value in rows} == {
        flag: options()[flag].default for flag, _ in rows
    }


def test_flags_are_those_of_serve() -> None:
    others = {"--cacert", "--cert", "--key"}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) - others <= set(options())


def test_certificates_and_tokens_are_made_as_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    made = [block for block in SHELL if re.search(r"^openssl|printf", block, re.MULTILINE)]
    tokens = [line for block in SHELL for line in block.splitlines() if "openssl rand" in line]
    script = "\n".join(["set -e", *made, *tokens])
    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    folder = tmp_path / "certificates"
    ServerCredentials.from_files(folder / "server.pem", folder / "server.key", folder / "ca.pem")
    assert ServerCredentials.from_config_file(folder / "ssl.config").client_verify
    load_bearer_tokens(tmp_path / "tokens")
    # Nobody else can read the secrets.
    assert caplog.messages == []
