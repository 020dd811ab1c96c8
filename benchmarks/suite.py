"""What the README's table shows, measured in one go: `make bench`, or `make bench-quick`.

    python -m benchmarks.suite --output benchmarks/results.jsonl --cores 1
    python -m benchmarks.suite --quick

Runs these one after the other, each in a process of its own, on the demo corpus: no data from
outside is needed, but the extras `demo` and `bench` are. The lines that they print go to standard
output and, when all are done, to `--output`, below a first line that tells what kind of machine it
was. `--quick` measures for less long and trains on few texts: its figures are for a glance, so it
writes no file.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from lstm_sentiment.system import usable_cpus

_MODEL = "MODEL"
"""Stands for the folder in which the first benchmark leaves a version and the last finds it."""

NEEDED = ("tensorflow", "torch", "starlette", "snownlp")
"""What the benchmarks import, looked for before the first of them takes its minutes."""

_WHOLE = (
    ("end_to_end", "--keep", _MODEL),
    ("training",),
    ("inference",),
    ("serving", "--model", _MODEL, "--concurrency", "1", "64", "--seconds", "10"),
)
_QUICK = (
    ("end_to_end", "--keep", _MODEL, "--texts", "2000", "--epochs", "2"),
    ("training", "--texts", "512", "--rounds", "1"),
    ("inference", "--seconds", "0.5", "--rounds", "2"),
    ("serving", "--model", _MODEL, "--concurrency", "1", "64", "--seconds", "1"),
)


def main(
    output: Annotated[
        Path | None, typer.Option(help="Where the lines are kept when all is measured.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="A glance, in few minutes.")] = False,
    cores: Annotated[
        int | None,
        typer.Option(help="How many cores the CPUs are threads of; a virtual machine hides it."),
    ] = None,
) -> None:
    """Runs the benchmarks and prints what they print."""
    if quick and output is not None:
        raise SystemExit("error: --quick goes without --output: its figures are for a glance.")
    if missing := [module for module in NEEDED if find_spec(module) is None]:
        packages = "pip install 'lstm-sentiment[bench,demo]'"
        raise SystemExit(f"error: {', '.join(missing)} must be installed: {packages}.")
    lines = [json.dumps(machine(cores))]
    print(lines[0], flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for arguments in commands(quick, Path(folder) / "sentiment"):
            print("+", *arguments[1:], file=sys.stderr, flush=True)
            for line in _printed(arguments):
                print(line, flush=True)
                lines.append(line)
    if output is not None:
        output.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def commands(quick: bool, model: Path) -> Iterator[list[str]]:
    """The command lines, in their order."""
    for module, *flags in _QUICK if quick else _WHOLE:
        given = [str(model) if flag == _MODEL else flag for flag in flags]
        yield [sys.executable, "-m", f"benchmarks.{module}", *given]


def machine(cores: int | None) -> dict[str, Any]:
    """What kind of machine this is, without its name."""
    return {
        "benchmark": "machine",
        "name": "machine",
        "cpus": usable_cpus(),
        "cores": cores,
        "python": ".".join(map(str, sys.version_info[:2])),
        **{package: version(package) for package in ("tensorflow", "keras")},
    }


def _printed(arguments: Sequence[str]) -> Iterator[str]:
    """The lines that a benchmark prints, as they come."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                yield line.rstrip("\n")
    if process.returncode:
        raise SystemExit(f"error: {arguments[2]} ended with exit code {process.returncode}.")


if __name__ == "__main__":
    typer.run(main)
