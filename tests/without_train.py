"""Runs Python where the packages of the extra `train` are not installed."""

import subprocess
import sys

_HIDDEN = """
import sys
from importlib.machinery import PathFinder

class Hidden(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            return None
        return PathFinder.find_spec(name, path, target)

sys.meta_path[:] = [Hidden if finder is PathFinder else finder for finder in sys.meta_path]
"""

TRAIN = ("tensorflow", "tensorflow_text", "tensorflow_serving", "keras", "sklearn", "scipy", "onnx")


def run_without_train(
    code: str, *arguments: str, hidden: tuple[str, ...] = TRAIN
) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own that finds none of the `hidden` packages."""
    program = _HIDDEN.format(hidden=set(hidden)) + code
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120
    )


def command_without_train(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the command line there."""
    return run_without_train("from lstm_sentiment.cli.app import main; main()", *arguments)
