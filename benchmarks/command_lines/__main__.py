"""Tries command lines with values good and bad, drawn by hypothesis from the declared flags.

    python -m benchmarks.command_lines --model models/sentiment --count 2000 --seed 1

Each must end with exit code 0, 1, 2 or 130 within the time limit, without a traceback, with one
line of error where the code is 2, with no half-written file and with its inputs as they were. All
run on tiny inputs, in one process after the other; servers are stopped when they would wait. Prints
each line that went wrong, then one JSON object: how many were tried, how many ended with which
code, and how many went wrong. Exits with 1 if any did. Ray is not started.
"""

import argparse
import itertools
import json
import shlex
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.command_lines.lines import Line, command_lines
from benchmarks.command_lines.runner import Runner, running
from lstm_sentiment.version_folder import find_version

# Later in a round hypothesis changes lines that it has drawn.
_LINES_A_ROUND = 25


def drawn_lines(count: int, drawn_by: int) -> Iterator[Line]:
    """Yields different command lines; the same for the same seed, in one version of hypothesis."""
    found: dict[str, Line] = {}
    for round_of_draws in itertools.count():

        @seed(f"{drawn_by}-{round_of_draws}")
        @settings(
            max_examples=_LINES_A_ROUND,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(command_lines())
        def draw(line: Line) -> None:
            found.setdefault(line.to_json(), line)

        before = len(found)
        draw()
        yield from list(found.values())[before:count]
        if len(found) >= count:
            return


def try_lines(runner: Runner, count: int, drawn_by: int) -> tuple[Counter[str], list[str]]:
    """Runs drawn command lines.

    Returns:
        How many ended how, and a text about each that went wrong.
    """
    ended: Counter[str] = Counter()
    wrong: list[str] = []
    for line in drawn_lines(count, drawn_by):
        outcome = runner.run(line)
        ended[str(outcome.code)] += 1
        if faults := outcome.faults():
            told = f"{'; '.join(faults)}\n  {_shortened(shlex.join(line.arguments))}"
            files = {name: text for name, text in line.files.items() if name in line.arguments}
            wrong.append(f"{told}\n  {files!r}\n  {_shortened(outcome.err[-1500:])}")
            print(wrong[-1], flush=True)
    return ended, wrong


def _shortened(text: str) -> str:
    return text if len(text) < 2_000 else f"{text[:900]} ... {text[-900:]}"


def main() -> None:
    """Reads the flags and tries the command lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a version, or a base path")
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit-seconds", type=float, default=60.0)
    parser.add_argument(
        "--without-tensorflow", action="store_true", help="stop where it would be imported"
    )
    arguments = parser.parse_args()
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(
            Path(folder) / "lines",
            find_version(arguments.model),
            limit_seconds=arguments.limit_seconds,
            stop_before_tensorflow=arguments.without_tensorflow,
        ) as runner,
    ):
        ended, wrong = try_lines(runner, arguments.count, arguments.seed)
    print(
        json.dumps(
            {
                "benchmark": "command_lines",
                "name": f"seed {arguments.seed}",
                "tried": ended.total(),
                "exit_codes": dict(sorted(ended.items())),
                "wrong": len(wrong),
                "seconds": round(time.monotonic() - started),
            }
        )
    )
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
