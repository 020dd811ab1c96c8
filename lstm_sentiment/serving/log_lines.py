"""The lines of a log: none is forged by what callers send, and errors that repeat are counted.

The formatter and the handler serve every logger of the process, those of asyncio, uvicorn and gRPC
too, whose messages quote what callers send.
"""

import copy
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from lstm_sentiment.unicode import escaped_line

_SERVER = "lstm_sentiment.serving"
_LONGEST_MESSAGE = 4_000
_MOST_TRACEBACK_LINES = 200
_TRACEBACK_MARGIN = "    "
_WINDOW_SECONDS = 60.0
_TRACEBACK_SECONDS = 3_600.0
_MOST_DIFFERENT = 20

Kind = tuple[str, int, str, int, str]
"""Where a record comes from, and where its error was raised; never what it says, which callers may
choose."""


class OneLineFormatter(logging.Formatter):
    """A formatter whose messages are one line each, however long and whatever they quote.

    The lines of a traceback follow, escaped as well, each after a margin that no record begins
    with.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Returns the line of a record."""
        shown = copy.copy(record)
        shown.message = _shortened(escaped_line(record.message))
        return super().formatMessage(shown)

    def formatException(self, ei: object) -> str:
        """Returns the lines of a traceback."""
        return _in_margin(super().formatException(ei))  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:
        """Returns the lines of a stack."""
        return _in_margin(super().formatStack(stack_info))


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes records to a stream; of warnings and errors that repeat, it writes the number.

    The traceback of a kind of error is written once an hour. A message that was written within the
    last minute is counted, and so are those beyond a few different ones of the same origin; a line
    gives their number when the minute is over.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        form: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins with nothing written.

        Args:
            stream: Where to write; `None` for standard error.
            form: The line of a record, as `logging.Formatter` takes it.
            clock: Returns seconds since any fixed moment.
        """
        super().__init__(stream)
        self.setFormatter(OneLineFormatter(form))
        self._repeats = _Repeats(clock)
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Writes or counts a record."""
        self._tell_repeats()
        try:
            shown = self._repeats.shown(record) if record.levelno >= logging.WARNING else record
        except Exception:  # as for a record whose arguments do not fit its message
            self.handleError(record)
            return
        if shown is not None:
            super().emit(shown)
        elif self._timer is None:
            self._start_timer()

    def close(self) -> None:
        """Tells what was counted and not told yet."""
        self.acquire()
        try:
            if self._timer is not None:
                self._timer.cancel()
            self._tell_repeats(at_once=True)
        finally:
            self.release()
        super().close()

    def _start_timer(self) -> None:
        self._timer = threading.Timer(_WINDOW_SECONDS, self._when_over)
        self._timer.daemon = True
        self._timer.start()

    def _when_over(self) -> None:
        self.acquire()
        try:
            self._timer = None
            self._tell_repeats()
            if self._repeats.are_hidden:
                self._start_timer()
        finally:
            self.release()

    def _tell_repeats(self, *, at_once: bool = False) -> None:
        for record in self._repeats.over(at_once=at_once):
            super().emit(record)


@dataclass
class _Window:
    """What was written of one kind since a moment, and how many records were not."""

    began: float
    messages: set[str] = field(default_factory=set)
    last: logging.LogRecord | None = None
    hidden: int = 0


class _Repeats:
    """Decides which records are written. Not safe to share among threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[Kind, _Window] = {}
        self._tracebacks: dict[Kind, float] = {}

    def shown(self, record: logging.LogRecord) -> logging.LogRecord | None:
        """Returns the record to write in the place of one; `None` if it is counted only."""
        kind = _kind(record)
        now = self._clock()
        window = self._windows.setdefault(kind, _Window(now))
        message = record.getMessage()[:_LONGEST_MESSAGE]
        if message in window.messages or len(window.messages) >= _MOST_DIFFERENT:
            window.hidden += 1
            window.last = record
            return None
        window.messages.add(message)
        return self._without_known_traceback(record, kind, now)

    @property
    def are_hidden(self) -> bool:
        """True if some are counted that are not told yet."""
        return any(window.hidden for window in self._windows.values())

    def over(self, *, at_once: bool) -> list[logging.LogRecord]:
        """Ends the windows whose time is over; returns a record for each that hid some.

        Args:
            at_once: Whether to end the others too.
        """
        now = self._clock()
        ended = [
            self._windows.pop(kind)
            for kind, window in list(self._windows.items())
            if at_once or now - window.began >= _WINDOW_SECONDS
        ]
        return [_summary(w.last, w.hidden, now - w.began) for w in ended if w.last is not None]

    def _without_known_traceback(
        self, record: logging.LogRecord, kind: Kind, now: float
    ) -> logging.LogRecord:
        if not record.exc_info:
            return record
        written = self._tracebacks.get(kind)
        if written is None or now - written >= _TRACEBACK_SECONDS:
            self._tracebacks[kind] = now
            return record
        error = record.exc_info[1]
        told = f"{type(error).__name__}: {error}; its traceback was written before"
        return _with_message(record, f"{record.getMessage()}: {told}")


class _OneLineLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose messages are one line for every handler, also those of other programs."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Logs a message with its arguments escaped."""
        if self.isEnabledFor(level):
            # Whoever called the method that called this one is the origin of the record.
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            self.logger.log(level, msg, *map(_as_line, args), **kwargs)


def _as_line(argument: object) -> object:
    return argument if isinstance(argument, int | float) else escaped_line(argument)


def get_logger(name: str) -> logging.LoggerAdapter[logging.Logger]:
    """Returns the logger of a module, which escapes what its messages quote.

    Args:
        name: Name of the module.
    """
    return _OneLineLogger(logging.getLogger(name))


@contextmanager
def logging_by(handler: LogHandler, level: int) -> Iterator[None]:
    """Lets a handler write what the server logs, and what the libraries under it warn of.

    Errors that end a thread, or that nobody can catch, are logged too: Python itself would write
    their tracebacks to standard error, as they are and each time.

    Args:
        handler: The handler; closed in the end.
        level: Level of the server's own records. Those of libraries are written from WARNING on, by
            the handlers of the root logger where it has some already.
    """
    logger, root = logging.getLogger(_SERVER), logging.getLogger()
    before = logger.level, logger.propagate
    hooks = threading.excepthook, sys.unraisablehook
    is_for_libraries = not root.handlers
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    if is_for_libraries:
        root.addHandler(handler)
    threading.excepthook, sys.unraisablehook = _log_end_of_thread, _log_unraisable
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        if is_for_libraries:
            root.removeHandler(handler)
        logger.removeHandler(handler)
        logger.level, logger.propagate = before
        handler.close()


def _log_end_of_thread(error: threading.ExceptHookArgs) -> None:
    if error.exc_value is not None and error.exc_type is not SystemExit:
        trace = (error.exc_type, error.exc_value, error.exc_traceback)
        name = "" if error.thread is None else error.thread.name
        logging.getLogger(_SERVER).error("the thread %s ended by an error", name, exc_info=trace)


def _log_unraisable(error: "sys.UnraisableHookArgs") -> None:
    if error.exc_value is not None:
        trace = (error.exc_type, error.exc_value, error.exc_traceback)
        message = error.err_msg or "an error in a destructor"
        logging.getLogger(_SERVER).error("%s", message, exc_info=trace)


def _kind(record: logging.LogRecord) -> Kind:
    return record.name, record.levelno, record.pathname, record.lineno, _raised_at(record)


def _raised_at(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    error = record.exc_info[1]
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__qualname__} {place}"


def _summary(record: logging.LogRecord, count: int, seconds: float) -> logging.LogRecord:
    times = "once more" if count == 1 else f"{count:,} times more"
    source = Path(record.pathname).stem
    return _with_message(
        record, f"{times} in {seconds:.0f} s, from {source}; the last: {record.getMessage()}"
    )


def _with_message(record: logging.LogRecord, message: str) -> logging.LogRecord:
    changed = copy.copy(record)
    changed.msg, changed.args = message, None
    changed.exc_info = changed.exc_text = changed.stack_info = None
    return changed


def _shortened(line: str) -> str:
    left_out = len(line) - _LONGEST_MESSAGE
    return line if left_out <= 0 else f"{line[:_LONGEST_MESSAGE]}… ({left_out:,} characters more)"


def _in_margin(lines: str) -> str:
    shown = lines.split("\n")
    if len(shown) > _MOST_TRACEBACK_LINES:
        half = _MOST_TRACEBACK_LINES // 2
        left_out = len(shown) - 2 * half
        shown = [*shown[:half], f"({left_out:,} lines more)", *shown[-half:]]
    return "\n".join(_TRACEBACK_MARGIN + _shortened(escaped_line(line)) for line in shown)
