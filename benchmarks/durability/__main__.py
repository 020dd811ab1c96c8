"""Kills commands at each of their file operations, refuses each operation, and tells what is left.

    python -m benchmarks.durability
    python -m benchmarks.durability --only convert --only score
    python -m benchmarks.durability --only fit --every 5 --first 2

A command runs in a process of its own, in a folder of its own. Killed there by SIGKILL, or in the
middle of a write, it must have left its inputs as they were and no broken file under a final name;
started again, with `--resume` for `fit`, it must end with the same bits as a run that nothing
happened to, and with nothing left over. Refused there, by a full disk, a quota, missing permission,
a disk that may only be read or an error of the disk, it must end in one line and exit 1 or 2.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.durability.commands import MODELS, Command, all_commands
from benchmarks.durability.running import import_all, run
from benchmarks.durability.striking import Outcome, Striker, kills, refusals
from lstm_sentiment.version_folder import find_version


def main() -> None:
    """Reads the flags, strikes the commands that they ask for, and exits 1 if one has a fault."""
    commands = all_commands()
    arguments = _arguments(list(commands))
    asked = [commands[name] for name in arguments.only or commands]
    import_all(trains=arguments.model is None or any(command.trains for command in asked))
    outcomes = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        version_dir = (
            _made(commands["fit"], folder / "made")
            if arguments.model is None
            else find_version(arguments.model).absolute()
        )
        for command in asked:
            outcomes.append(_struck(command, version_dir, folder / command.name, arguments))
    print("| command | operations | killed | refused | files compared | faults |")
    print("|---|---|---|---|---|---|")
    for of in outcomes:
        numbers = (of.operations, of.killed, of.refused, of.compared, len(of.faults))
        print(f"| `{of.command}` | {' | '.join(f'{number:,}' for number in numbers)} |")
    sys.exit(1 if any(of.faults for of in outcomes) else 0)


def _struck(
    command: Command, version_dir: Path, folder: Path, arguments: argparse.Namespace
) -> Outcome:
    started = time.monotonic()
    striker = Striker(command, version_dir, folder)
    print(f"{command.name}: {len(striker.operations)} operations", file=sys.stderr, flush=True)
    sizes = command.sizes[:: arguments.every]
    given = len(striker.operations), sizes, arguments.every, arguments.first
    if arguments.blows != "refuse":
        for blow in kills(*given):
            striker.kill(blow)
    if arguments.blows != "kill":
        for blow in refusals(*given):
            striker.refuse(blow)
    took = time.monotonic() - started
    print(f"{command.name}: {len(striker.operations)} operations, {took:.0f} s", file=sys.stderr)
    return striker.outcome


def _made(fit: Command, case: Path) -> Path:
    """Trains a version for the other commands, which takes seconds."""
    case.mkdir()
    (case / "none").mkdir()
    fit.prepare(case, case / "none")
    ended = run((*fit.arguments, "--set", "keep=9"), case)
    if ended.code != 0:
        raise RuntimeError(f"fit failed: {ended.said}")
    return find_version(case / MODELS)


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"of {', '.join(names)}"
    )
    parser.add_argument(
        "--model", type=Path, help="a version to give the commands; one is trained by default"
    )
    parser.add_argument("--blows", choices=("kill", "refuse"), help="one kind alone")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="strike at every Nth operation only"
    )
    parser.add_argument("--first", type=int, default=1, metavar="N", help="the first to strike at")
    return parser.parse_args()


if __name__ == "__main__":
    main()
