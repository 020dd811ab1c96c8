import os
import subprocess
import sys
from pathlib import Path

import pytest

from lstm_sentiment.export.light.graph import serialized_network
from tests.serving.light.twins import trained_model

LOAD = """
import os, sys
from pathlib import Path
from lstm_sentiment.serving.light.onnx_session import open_session
open_session(Path(sys.argv[1]))
print(os.environ["ORT_DISABLE_TELEMETRY"])
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("twin") / "graph.onnx"
    path.write_bytes(serialized_network(trained_model()))
    return path


def test_onnx_runtime_reports_nothing_and_leaves_nothing(graph: Path, tmp_path: Path) -> None:
    kept = ("PATH", "PYTHONPATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(graph)],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n"
    assert list(tmp_path.rglob("*")) == []
