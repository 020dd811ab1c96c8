"""The model server beside a plain app, beside an older commit, and its answers one by one.

    python -m benchmarks.serving --model models/sentiment --data reviews.csv --text-column review
    python -m benchmarks.serving --model models/sentiment --against ../before
    python -m benchmarks.serving --model models/sentiment --requests 100000 --callers 1000

Real texts (without `--data`, those of the demo corpus), raw, one a request unless said otherwise;
each caller sends the next request when it has the answer to the last. Servers run in processes of
their own, one at a time, the callers in this one: all share the cores. Each line is one JSON
object; `ratio` above 1 means that this checkout is better than `against`.

- The first command measures the server beside the app that a user would write (Starlette with
  `model.predict` in each request, `benchmarks/plain_app.py`) and beside calls in process.
- `--against` measures this checkout and another by turns: a worktree of an older commit, made by
  `git worktree add ../before 80386b1`. `--stock` takes in a TensorFlow Serving that runs already.
- `--requests` compares every answer with what is computed in process.
"""

import argparse
import sys
from pathlib import Path

import grpc

from benchmarks.asked_texts import shuffled_texts
from benchmarks.serving import answers, by_turns, plain
from lstm_sentiment.version_folder import find_version


def main() -> None:
    """Reads the flags and measures what they ask for."""
    arguments = _arguments()
    version_dir = find_version(arguments.model).absolute()
    texts = shuffled_texts(arguments.data, arguments.text_column)
    try:
        if arguments.requests is not None:
            answers.measure(
                version_dir, texts, arguments.requests, arguments.callers, arguments.flag
            )
        elif arguments.against is not None:
            by_turns.measure(
                version_dir,
                texts,
                arguments.against,
                by_turns.Options(
                    rounds=arguments.rounds,
                    seconds=arguments.seconds,
                    only=arguments.only or tuple(by_turns.PARTS),
                    flags=arguments.flag,
                    stock=arguments.stock,
                    stock_pid=arguments.stock_pid,
                ),
            )
        else:
            plain.measure(version_dir, texts, arguments.seconds, arguments.concurrency)
    except (grpc.aio.AioRpcError, OSError) as error:
        sys.exit(f"error: a server did not answer: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a version, or a base path")
    parser.add_argument("--data", type=Path, help="texts to ask for; default: the demo corpus")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument(
        "--concurrency", type=int, nargs="+", default=[1, 8, 64], help="beside the plain app"
    )
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout")
    parser.add_argument("--rounds", type=int, default=3, help="with --against: of each checkout")
    parser.add_argument(
        "--only", action="append", choices=by_turns.PARTS, help="with --against; default: all"
    )
    parser.add_argument(
        "--stock",
        metavar="HOST:PORT",
        help="with --against: a TensorFlow Serving of the same version, by the name sentiment",
    )
    parser.add_argument("--stock-pid", type=int, help="with --stock: of its process")
    parser.add_argument("--requests", type=int, help="compare so many answers over each transport")
    parser.add_argument("--callers", type=int, default=1000, help="with --requests")
    parser.add_argument(
        "--flag",
        action="append",
        default=[],
        help="with --against or --requests: for this checkout's `serve`, as --flag=--workers=2",
    )
    arguments = parser.parse_args()
    if (arguments.stock is None) != (arguments.stock_pid is None):
        parser.error("--stock and --stock-pid must be given together.")
    if arguments.stock is not None and arguments.against is None:
        parser.error("--stock goes with --against.")
    return arguments


if __name__ == "__main__":
    main()
