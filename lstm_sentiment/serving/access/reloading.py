"""Certificates and tokens, read again when their files have changed, while the server runs."""

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)

WhenRead = Callable[[str, bool], None]
"""Called with what was read again, `certificate` or `tokens`, and whether it was taken."""


class Reloadable(Protocol):
    """Certificates or tokens that are read from files which may change."""

    def reload(self) -> bool:
        """Reads the files again, if they have changed; returns whether they were read.

        Raises:
            LstmSentimentError: If what they hold now breaks a rule; the old stays in force.
        """
        ...


class AccessReloader:
    """Reads certificates and tokens again, by polls of its own thread or of others."""

    def __init__(
        self,
        sources: Mapping[str, Reloadable],
        *,
        wait_seconds: float,
        when_read: WhenRead | None = None,
    ) -> None:
        """Starts no thread yet.

        Args:
            sources: What to read again, by its name in the log and the metrics.
            wait_seconds: Pause between polls of the thread; 0 for no thread.
            when_read: Called whenever a file has changed.
        """
        self._sources = sources
        self._wait_seconds = wait_seconds
        self._when_read = when_read
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="access-poller", daemon=True)

    def start(self) -> None:
        """Starts the thread, unless there is nothing to poll."""
        if self._sources and self._wait_seconds:
            self._thread.start()

    def stop(self) -> None:
        """Stops polling; returns after a running poll."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def poll_once(self) -> None:
        """Looks at the files, and takes what has changed.

        What breaks a rule is logged once, when it comes, and the old stays in force.
        """
        with self._lock:
            for name, source in self._sources.items():
                self._read(name, source)

    def _read(self, name: str, source: Reloadable) -> None:
        try:
            was_read = source.reload()
        except LstmSentimentError as error:
            logger.error("still using the old %s: %s", name, " ".join(str(error).split()))
            self._tell(name, is_taken=False)
            return
        if was_read:
            logger.info("now using the new %s", name)
            self._tell(name, is_taken=True)

    def _tell(self, name: str, *, is_taken: bool) -> None:
        if self._when_read is not None:
            self._when_read(name, is_taken)

    def _poll(self) -> None:
        while not self._stopped.wait(self._wait_seconds):
            try:
                self.poll_once()
            except Exception:
                # Whatever is wrong now, the next change must still be seen.
                logger.exception("reading certificates and tokens again failed")
