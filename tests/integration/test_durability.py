"""Commands that are killed, or whose disk is full, at any of their file operations.

`python -m benchmarks.durability` strikes all commands so; those that train take minutes.
"""

import subprocess
import sys

import pytest

from lstm_sentiment import FitResult
from tests.conftest import REPOSITORY
from tests.exported import exported

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork and RLIMIT_FSIZE")

STRIKE = "from benchmarks.durability.__main__ import main; main()"


def struck(*arguments: str) -> str:
    """Runs the script; what it says of a fault is the failure's message."""
    ended = subprocess.run(
        [sys.executable, "-c", STRIKE, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    return ended.stdout


def test_a_command_that_writes_leaves_all_or_nothing(fitted: FitResult) -> None:
    commands = ("convert", "label", "score")
    only = [part for name in commands for part in ("--only", name)]
    table = struck("--model", str(exported(fitted)), "--every", "3", *only)
    for name in commands:
        assert f"| `{name}` |" in table
