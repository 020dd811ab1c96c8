"""The process of one worker: an ordinary `ModelServer`, told by the parent what to serve.

The parent starts it as `python -m lstm_sentiment.serving.workers.worker CHANNEL LOCK`, with the
numbers of two files that it inherits.
"""

import os
import pickle
import queue
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import NoReturn, TextIO, cast

from lstm_sentiment.serving.log_lines import LogHandler, logging_by
from lstm_sentiment.serving.workers.channel import Channel
from lstm_sentiment.serving.workers.orders import Orders
from lstm_sentiment.serving.workers.outcomes import outcome_of
from lstm_sentiment.serving.workers.whole_lines import WholeLines
from lstm_sentiment.system import use_one_arena

REFUSED = 2


def main() -> int:
    """Serves until the parent or SIGTERM ends it; returns the exit code."""
    # Ctrl-C reaches all processes of a terminal, and the parent drains its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end = _EndedBySigterm()
    use_one_arena()
    channel, lock = map(int, sys.argv[1:])
    with suppress(KeyboardInterrupt):
        _write_whole_lines(lock)
        return _serve(socket.socket(fileno=channel), end)
    return 0


def _serve(connection: socket.socket, end: "_EndedBySigterm") -> int:
    from lstm_sentiment.serving.workers.group import WorkerGroup

    orders: queue.SimpleQueue[Orders] = queue.SimpleQueue()
    group = WorkerGroup()
    handlers = {"orders": orders.put, "drain": lambda content: _drain(), **group.handlers()}
    channel = Channel(connection, handlers, when_ended=_drain)
    group.connect(channel)
    channel.start()
    told = orders.get()
    end.drain_seconds = told.drain_seconds
    form = f"%(asctime)s %(levelname)s worker {told.number}: %(message)s"
    try:
        with logging_by(LogHandler(form=form), told.log_level):
            server = pickle.loads(told.make_server)(told.address, group)
            with server:
                channel.tell("ready")
                server.wait_for_termination()
    except Exception as error:
        channel.tell("refused", outcome_of(error))
        return REFUSED
    finally:
        group.stop()
    return 0


def _write_whole_lines(lock: int) -> None:
    # Before anything takes hold of the stream: the access log does.
    stderr = sys.stderr
    lines = WholeLines(
        stderr.fileno(), lock, encoding=stderr.encoding, errors=stderr.errors or "strict"
    )
    sys.stderr = cast(TextIO, lines)


def _drain() -> None:
    # As from outside: raised in the main thread, wherever it is, in a long load too.
    os.kill(os.getpid(), signal.SIGTERM)


class _EndedBySigterm:
    """Raises `KeyboardInterrupt` at the first SIGTERM, and ends the process soon after.

    The parent may tell it, and somebody else send the signal: that is one and the same end.
    """

    def __init__(self) -> None:
        self.drain_seconds = 0.0
        signal.signal(signal.SIGTERM, self._interrupt)

    def _interrupt(self, number: int, frame: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        timer = threading.Timer(self.drain_seconds, os._exit, (0,))
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
