"""The signals that end `serve`, and its log."""

import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NoReturn

from lstm_sentiment.cli.verbosity import log_level
from lstm_sentiment.serving.log_lines import LogHandler, logging_by
from lstm_sentiment.timeouts import countable

_ENDING = [signal.SIGINT, signal.SIGTERM]
if sys.platform == "win32":  # Ctrl-Break, and closing the window
    _ENDING.append(signal.SIGBREAK)


def logging_to_stderr() -> AbstractContextManager[None]:
    """Writes the log of the server to standard error."""
    return logging_by(LogHandler(form="%(asctime)s %(levelname)s %(message)s"), log_level())


class EndedBySignals:
    """Ends the `with` block at the first SIGTERM or Ctrl-C, and the process soon after.

    A running load cannot be aborted, and must not keep the process longer than was promised.
    """

    def __init__(self, drain_seconds: float, exit_now: Callable[[], None]) -> None:
        """Installs no handler yet.

        Args:
            drain_seconds: The longest time from the first signal to the end of the process.
            exit_now: Ends the process: after that time, or at a second signal.
        """
        self._exit_now = exit_now
        self._end = threading.Timer(countable(drain_seconds), self._exit)
        self._end.daemon = True

    def __enter__(self) -> None:
        """Installs the handlers."""
        for number in _ENDING:
            signal.signal(number, self._interrupt)

    def __exit__(self, *exc_info: object) -> None:
        """Stops counting the time until the end.

        The handlers stay, for only `main` installs them, and it ends the process next: a further
        signal then ends it at once, without a traceback.
        """
        self._end.cancel()

    def _interrupt(self, number: int, frame: object) -> NoReturn:
        # Raised wherever the main thread is, in a long load too; leaving the context drains.
        for again in _ENDING:
            signal.signal(again, lambda number, frame: self._exit())
        self._end.start()
        raise KeyboardInterrupt

    def _exit(self) -> None:
        sys.stderr.flush()
        self._exit_now()
