"""`examples/docker` and the Compose file that uses it, as far as can be seen without Docker."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from typer.main import get_command

from lstm_sentiment.cli.app import app
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "examples" / "docker"
CONFIGS = REPOSITORY / "serving_configs"
DOCKERFILE = (FOLDER / "Dockerfile").read_text("utf-8").replace("\\\n", " ")


def instructions(word: str) -> list[str]:
    return re.findall(rf"^{word} +(.*)$", DOCKERFILE, re.MULTILINE)


def compose(name: str) -> dict[str, Any]:
    [service] = yaml.safe_load((CONFIGS / name).read_text("utf-8"))["services"].values()
    return dict(service)


@pytest.mark.parametrize("path", ["examples/docker", "serving_configs/kubernetes"])
def test_hadolint_finds_nothing(path: str) -> None:
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent) or "hadolint"
    found = subprocess.run(
        [hadolint, "--no-color", str(REPOSITORY / path / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_is_built_of_files_that_are_sent_to_the_builder() -> None:
    copied = [line.split()[:-1] for line in instructions("COPY") if "--from" not in line]
    sources = {source for line in copied for source in line}
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text("utf-8").split()
    assert sources == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert all((REPOSITORY / source).exists() for source in sources)
    assert ignored[0] == "*"


def test_nothing_runs_as_root() -> None:
    user, group = instructions("USER")[-1].split(":")
    assert f"--uid {user} " in DOCKERFILE and user == group == "10001"


def test_it_serves_on_the_ports_that_it_exposes_with_flags_that_there_are() -> None:
    entrypoint, command = (json.loads(instructions(word)[-1]) for word in ("ENTRYPOINT", "CMD"))
    assert entrypoint == ["lstm-sentiment"]
    assert unknown_flags(command) == set()
    options = {option.name: option for option in parameters("serve")}
    ports = [str(options[name].default) for name in ("port", "rest_api_port")]
    assert instructions("EXPOSE") == [" ".join(ports)]
    assert f"'127.0.0.1', {ports[1]}" in health_check()[-1]


def parameters(command: str) -> list[Any]:
    return list(vars(get_command(app))["commands"][command].params)


def unknown_flags(command: list[str]) -> set[str]:
    name, *flags = command
    known = {opt for option in parameters(name) for opt in option.opts}
    return {flag.partition("=")[0] for flag in flags} - known


def health_check() -> list[str]:
    [instruction] = instructions("HEALTHCHECK")
    return list(json.loads(instruction.partition("CMD ")[2]))


class Probed(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def probed() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Probed) as server:
        Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


def test_the_container_is_healthy_when_the_server_is_ready(
    probed: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    [python, flag, code] = health_check()
    assert (python, flag) == ("python", "-c")
    here = [sys.executable, flag, code.replace("8501", str(probed.server_port))]
    for status, healthy in ((200, True), (503, False)):
        monkeypatch.setattr(Probed, "status", status)
        assert (subprocess.run(here, check=False).returncode == 0) is healthy
    probed.shutdown()
    probed.server_close()
    assert subprocess.run(here, check=False, stderr=subprocess.DEVNULL).returncode != 0


def test_compose_runs_it_as_it_runs_stock_tensorflow_serving() -> None:
    light, stock = compose("docker-compose.light.yml"), compose("docker-compose.yml")
    for name in ("ports", "volumes", "read_only", "tmpfs", "cap_drop", "security_opt", "restart"):
        assert light[name] == stock[name]
    assert unknown_flags(light["command"]) == set()
    given = {
        flag.removeprefix("--").replace("-", "_").partition("=")[::2]
        for flag in light["command"][1:]
    }
    assert {value for name, value in given if name.endswith("_file")} == {
        flag.partition("=")[2] for flag in stock["command"] if "_file=" in flag
    }
    build = light["build"]
    assert (CONFIGS / build["context"]).resolve() == REPOSITORY
    assert REPOSITORY / build["dockerfile"] == FOLDER / "Dockerfile"
    drain = int(dict(given)["drain_seconds"])
    assert int(light["stop_grace_period"].removesuffix("s")) > drain
