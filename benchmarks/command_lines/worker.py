"""Runs command lines one after the other in this process, for `runner`.

    python -m benchmarks.command_lines.worker ANSWERS

Reads a JSON object a line from standard input: `arguments`, `folder` (to run in), `texts` (the
file that is standard input). Writes one back to the descriptor ANSWERS: `code`, `out`, `err`. A
server stops when it would wait for a signal. With `stop_before_tensorflow`, so does a command that
is about to import TensorFlow.
"""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lstm_sentiment.cli import app, console
from lstm_sentiment.cli.serve_signals import EndedBySignals

_LONGEST = 20_000


def main() -> None:
    """Answers until standard input ends."""
    answers = os.fdopen(int(sys.argv[1]), "w")
    orders = os.fdopen(os.dup(0), "r")
    sys.argv = [str(Path("cli.py").absolute())]
    _stop_servers()
    environment = dict(os.environ)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        for order in orders:
            asked = json.loads(order)
            answer = _answer(asked, out.fileno(), err.fileno())
            os.environ.clear()
            os.environ.update(environment)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            print(json.dumps(answer), file=answers, flush=True)


class _Stopped(SystemExit):
    """A command did all that is asked of it here."""


def _stop(*_: object, **__: object) -> None:
    raise _Stopped(0)


def _stop_servers() -> None:
    from lstm_sentiment.serving.server import ModelServer
    from lstm_sentiment.serving.workers.parent import WorkerParent

    for kind in (ModelServer, WorkerParent):
        _replace(kind, "wait_for_termination", _stop)
    # Its signals end the process.
    _replace(EndedBySignals, "__enter__", lambda self: self)
    _replace(EndedBySignals, "__exit__", lambda self, *_: None)


def _replace(owner: Any, name: str, function: Callable[..., Any]) -> None:
    setattr(owner, name, function)


def _answer(asked: dict[str, Any], out: int, err: int) -> dict[str, Any]:
    os.chdir(asked["folder"])
    if asked["stop_before_tensorflow"]:
        _replace(console, "import_tensorflow", _stop)
    for file in (out, err):
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
    sys.argv[1:] = asked["arguments"]
    texts = os.open(asked["texts"], os.O_RDONLY)
    os.dup2(texts, 0)
    os.close(texts)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    try:
        app.main()
        code: object = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException as error:  # what got past the command line is what is looked for
        code = f"{type(error).__name__}: {error}"
    sys.stdout.flush()
    sys.stderr.flush()
    return {"code": code, "out": _written(out), "err": _written(err)}


def _written(file: int) -> str:
    return os.pread(file, _LONGEST, 0).decode("utf-8", "replace")


if __name__ == "__main__":
    main()
