"""Fixtures of the tests that run where the core of the package is installed alone."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core_only.running import EXPORTED, PROGRAM, Command, Server, serving


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return list(json.loads((EXPORTED / "texts.json").read_text("utf-8")))


@pytest.fixture(scope="session")
def expected() -> dict[str, Any]:
    """Returns the answers of TensorFlow to the texts, by model and version."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in EXPORTED.glob("*-[0-9].json")
    }


@pytest.fixture(scope="session")
def run() -> Command:
    """Runs a command of the installed program."""

    def command(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return command


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the exported versions."""
    folder = tmp_path_factory.mktemp("served")
    for name in ("sentiment", "letters"):
        shutil.copytree(EXPORTED / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def server(versions: Path) -> Iterator[Server]:
    """A server with the flags of production."""
    batching = versions / "batching.config"
    batching.write_text("max_batch_size { value: 1024 } batch_timeout_micros { value: 0 }")
    monitoring = versions / "monitoring.config"
    monitoring.write_text('prometheus_config { enable: true path: "/metrics" }')
    flags = ["--enable-batching", "--batching-parameters-file", str(batching)]
    flags += ["--monitoring-config-file", str(monitoring), "--text-sample-share", "1"]
    flags += ["--enable-grpc-healthcheck-service", "--enable-grpc-reflection"]
    flags += ["--shadow-of", "stable", "--shadow-to", "2", "--shadow-share", "1"]
    flags += ["--shadow-model-name", "sentiment", "--file-system-poll-wait-seconds", "0"]
    with serving(versions, flags) as server:
        yield server
