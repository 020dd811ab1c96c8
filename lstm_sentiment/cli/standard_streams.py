"""The standard streams of a command, whatever the shell made of them.

What the charset of a stream lacks is escaped. A stream that the shell closed (`>&-`) is the null
device: otherwise the next file that is opened would take its place and get what is printed. What
cannot be written to standard error is dropped, for there is nobody to tell; standard output raises.
"""

import errno
import os
import select
import sys
from contextlib import suppress
from io import BufferedWriter, RawIOBase, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STANDARD_OUTPUT = "standard output"
"""Stands in errors where those of other files have a path."""


class _Descriptor(RawIOBase):
    """An open file descriptor, which stays open."""

    def __init__(self, descriptor: int, *, drops: bool) -> None:
        self._descriptor = descriptor
        self._drops = drops

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, content: "ReadableBuffer", /) -> int:
        try:
            return self._written(content)
        except OSError as error:
            if self._drops:
                return memoryview(content).nbytes
            raise OSError(error.errno, error.strerror, STANDARD_OUTPUT) from error

    def _written(self, content: "ReadableBuffer") -> int:
        while True:
            try:
                return os.write(self._descriptor, content)
            except BlockingIOError:  # another program made the pipe or terminal non-blocking
                select.select((), (self._descriptor,), ())


def prepare_streams() -> None:
    """Opens what is closed of the standard streams, and makes no charset or full disk end them.

    Streams that are not the process's own, such as a test's, are left as they are but for escapes.
    """
    for descriptor, mode in enumerate(("r", "w", "w")):
        _open_if_closed(descriptor, mode)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = _prepared(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _prepared(sys.stderr, sys.__stderr__, 2)


def flush_output() -> None:
    """Writes what is left of standard output.

    Raises:
        OSError: If it cannot be written.
    """
    if not sys.stdout.closed:
        sys.stdout.flush()


def is_unread_output(error: OSError) -> bool:
    """Returns whether an error means that nobody reads standard output any more."""
    # Windows has another error for it: https://github.com/python/cpython/issues/79935
    is_closed = isinstance(error, BrokenPipeError) or (
        sys.platform == "win32" and error.errno == errno.EINVAL
    )
    return is_closed and error.filename == STANDARD_OUTPUT


def drop_output() -> None:
    """Drops what is left of standard output: Python would write it at the exit, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())
        sys.stdout.flush()
    os.close(nowhere)


def _open_if_closed(descriptor: int, mode: str) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        # The lowest that is free, which is this one: those below are open.
        os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)


def _prepared(stream: TextIO | None, own: TextIO | None, descriptor: int) -> TextIO:
    is_own = stream is None or stream is own
    if not is_own or (stream is not None and not isinstance(stream, TextIOWrapper)):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        assert stream is not None
        return stream
    if stream is not None:
        stream.flush()
        if sys.platform == "win32" and stream.isatty():
            # The console takes UTF-16 from Python's own stream, and bytes in another charset.
            stream.reconfigure(errors="backslashreplace")
            return stream
    raw = _Descriptor(descriptor, drops=descriptor == 2)
    return TextIOWrapper(
        BufferedWriter(raw),
        encoding=None if stream is None else stream.encoding,
        errors="backslashreplace",
        line_buffering=descriptor == 2 or raw.isatty(),
    )
