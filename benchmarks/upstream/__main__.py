"""Runs TensorFlow Serving's own end-to-end tests against this package's server.

    git clone https://github.com/tensorflow/serving
    python -m benchmarks.upstream --checkout serving

The tests are those of `tensorflow_serving/model_servers/tensorflow_model_server_test.py` in the
checkout. They start a server by its command line, find the models beside them, and know nothing of
this package. Needs the extras `dev` and `bench`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

_REPOSITORY = Path(__file__).parents[2]
_TESTS = Path("model_servers", "tensorflow_model_server_test.py")


def main(
    checkout: Annotated[
        Path, typer.Option(help="A clone of github.com/tensorflow/serving.", show_default=False)
    ],
    test: Annotated[
        list[str] | None,
        typer.Option(help="Run this test only; may be given several times.", show_default="all"),
    ] = None,
) -> None:
    """Prints what became of each test, and how many passed."""
    sources = checkout.resolve() / "tensorflow_serving"
    if not (sources / _TESTS).is_file():
        raise typer.BadParameter(f"must be a clone of tensorflow/serving. Received: {checkout}.")
    with tempfile.TemporaryDirectory() as folder:
        outcomes = _outcomes(sources, Path(folder), test or [])
    width = max(map(len, outcomes), default=0)
    for name, told in outcomes.items():
        print(f"{name:<{width}}  {told}")
    passed = sum(told == "pass" for told in outcomes.values())
    print(f"{passed} of {len(outcomes)} pass")


def _outcomes(sources: Path, folder: Path, names: list[str]) -> dict[str, str]:
    """Runs tests in a process of their own.

    Args:
        sources: The folder `tensorflow_serving` of a checkout.
        folder: An empty folder for files of the tests.
        names: The tests to run; none for all.

    Returns:
        For each test `pass`, or how it failed.
    """
    _lay_out(sources, folder)
    temporary, found = folder / "tmp", folder / "outcomes.json"
    temporary.mkdir()
    command = [sys.executable, "-m", "benchmarks.upstream.run_tests", str(sources), str(found)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(_REPOSITORY),
        "TEST_SRCDIR": str(folder),
        "TEST_TMPDIR": str(temporary),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    with open(folder / "log", "w+") as log:
        subprocess.run([*command, *names], env=environment, stdout=log, stderr=log, check=False)
        if not found.exists():
            log.seek(0)
            raise SystemExit(log.read())
    outcomes: dict[str, str] = json.loads(found.read_text())
    return outcomes


def _lay_out(sources: Path, folder: Path) -> None:
    """Lays out files as the tests expect them: the models, and the server as a program."""
    root = folder / "tf_serving" / "tensorflow_serving"
    (root / "model_servers").mkdir(parents=True)
    (root / "servables").symlink_to(sources / "servables")
    server = root / "model_servers" / "tensorflow_model_server"
    server.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{_REPOSITORY / "cli.py"}" serve "$@"\n')
    server.chmod(0o755)


if __name__ == "__main__":
    typer.run(main)
