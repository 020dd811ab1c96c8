"""Standard error that several processes write to, a whole line at a time."""

import io
import threading

from lstm_sentiment.serving.workers.posix import file_lock, write_all


class WholeLines(io.TextIOBase):
    """A text stream whose lines are not mixed with those of other processes.

    A pipe takes a long line in pieces, so the processes take turns. Safe to share among threads.
    """

    def __init__(self, descriptor: int, lock: int, *, encoding: str, errors: str) -> None:
        """Begins without a line.

        Args:
            descriptor: The open file to write to.
            lock: An open file that all the processes have, to take turns by.
            encoding: Encoding of the text.
            errors: What happens to characters that the encoding lacks.
        """
        self._descriptor, self._file_lock = descriptor, lock
        self._encoding, self._errors = encoding, errors
        self._lock = threading.Lock()
        self._begun = ""

    def write(self, text: str) -> int:
        """Writes the lines that are complete, and keeps the rest for later."""
        with self._lock:
            whole, end, rest = (self._begun + text).rpartition("\n")
            self._begun = rest
            if end:
                self._write((whole + end).encode(self._encoding, self._errors))
        return len(text)

    def writable(self) -> bool:
        """Returns true."""
        return True

    def fileno(self) -> int:
        """Returns the open file's descriptor."""
        return self._descriptor

    def _write(self, line: bytes) -> None:
        with file_lock(self._file_lock):
            write_all(self._descriptor, line)
