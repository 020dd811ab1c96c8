"""Versions that are loaded at low priority are asked at normal priority."""

import subprocess
import sys
from pathlib import Path

import pytest

from lstm_sentiment import FitResult
from tests.exported import add_version

LOAD_AND_ASK = """
import os
import sys
from pathlib import Path

import numpy as np

from lstm_sentiment.serving.loading.engines import VersionLoader
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.thread_priority import run_at_low_priority


def priorities():
    found = set()
    for thread in Path("/proc/self/task").iterdir():
        # Used by TensorFlow to load graphs alone.
        if (thread / "comm").read_text() != "tf_graph_runner\\n":
            found.add(os.getpriority(os.PRIO_PROCESS, int(thread.name)))
    return found


before = priorities()
loader = VersionLoader(
    ServableId("m", 1), Path(sys.argv[1]), loading=LoadingOptions(engine=sys.argv[2])
)
loader.estimate_bytes()  # as the manager does, at normal priority
servable = run_at_low_priority(loader.load)
servable.run("text", {"text": np.array([b"a long text " * n for n in range(1, 100)], object)})
print(len(before), priorities() == before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no other system has such priorities")
@pytest.mark.parametrize("engine", ["light", "tensorflow"])
def test_the_threads_that_compute_answers_have_normal_priority(
    engine: str, fitted: FitResult, tmp_path: Path
) -> None:
    version_dir = add_version(tmp_path, 1, fitted)
    command = [sys.executable, "-c", LOAD_AND_ASK, str(version_dir), engine]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.stdout == "1 True\n", ended.stderr
