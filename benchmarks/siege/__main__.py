"""Attacks a model server on loopback, and prints what each attack cost it.

    python -m benchmarks.siege --model models/sentiment
    python -m benchmarks.siege --model models/sentiment --only implied-elements --against ../before

Each attack runs for some seconds, against a server of its own in a process with limits on memory,
CPU time, log and descriptors, so that it cannot hurt the machine. Its table tells what the server
cost before the attack, during it and after it, and how long two honest callers of one text each,
one over gRPC and one over REST, waited meanwhile. `--against` attacks the server of another
checkout too: a worktree of an older commit, made by `git worktree add ../before 80386b1`.
"""

import argparse
from pathlib import Path

from benchmarks.processes import REPOSITORY, Checkout, commit_of
from benchmarks.siege.attack import all_attacks
from benchmarks.siege.measuring import measure
from benchmarks.siege.table import table
from lstm_sentiment.version_folder import find_version


def main() -> None:
    """Reads the flags and runs the attacks that they ask for."""
    attacks = all_attacks()
    arguments = _arguments(list(attacks))
    base_path = find_version(arguments.model).absolute().parent
    checkouts = [] if arguments.against is None else [Checkout(arguments.against)]
    checkouts.append(Checkout(REPOSITORY))
    for name in arguments.only or attacks:
        attack = attacks[name]
        print(f"## {attack.stands_for}, {attack.name}\n\n{attack.what}\n", flush=True)
        outcomes = []
        for checkout in checkouts:
            of = "this checkout" if checkout.path == REPOSITORY else commit_of(checkout.path)
            outcomes.append((of, measure(attack, checkout, base_path, arguments.flag)))
            print(f"{of}: {outcomes[-1][1].told}\n", flush=True)
        print(f"{table(outcomes)}\n", flush=True)


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a version, or a base path")
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"of {', '.join(names)}"
    )
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout")
    parser.add_argument(
        "--flag", action="append", default=[], help="for `serve`, as --flag=--engine=tensorflow"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
