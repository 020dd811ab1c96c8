import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.running import Run


@pytest.mark.parametrize("workers", ["0", "-1", "257", "1000000000000", "two", "1.5", ""])
def test_a_number_of_workers_out_of_range_is_refused(
    is_refused_at_once: Callable[..., None], workers: str
) -> None:
    is_refused_at_once("--workers", "serve", f"--workers={workers}")


def test_several_need_ports_that_can_be_shared(
    is_refused_at_once: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    is_refused_at_once(
        "`workers` must be 1 on a system whose processes cannot share a port. Received: 2, on ",
        *("serve", "--model-base-path", tmp_path, "--workers", "2"),
    )


def test_the_parent_of_the_workers_imports_no_engine_and_no_transport() -> None:
    code = (
        "import sys, lstm_sentiment.cli.app, lstm_sentiment.cli.serve_workers; "
        "print(sorted({'numpy', 'grpc', 'onnxruntime', 'google.protobuf'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_help_names_the_flag(run: Run) -> None:
    assert "--workers" in run("serve", "--help").out
