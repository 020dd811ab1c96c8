"""Polls a `models.config` and loads it when it has changed."""

import threading
from collections.abc import Callable
from pathlib import Path

from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.models_config.config import parse_models_config, read_config_text
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.errors import (
    ModelsNotAvailableError,
    NoVersionsFoundError,
    VersionDidNotLoadError,
)
from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)

Reload = Callable[[ModelServerConfig], None]
"""Loads a checked config; returns when it is in force, or raises and keeps the old one."""


class ConfigFilePoller:
    """Polls one config file, as `tensorflow_serving/model_servers/server.cc` does.

    Unlike there, a file that has not changed is not loaded again: a config that came another way
    stays in force until the file changes.
    """

    def __init__(
        self,
        path: str | Path,
        reload: Reload,
        *,
        in_force: ModelServerConfig,
        wait_seconds: float,
    ) -> None:
        """Creates a poller; reads nothing yet.

        Args:
            path: The `models.config`.
            reload: Loads a config.
            in_force: The config that the file held when it was last read.
            wait_seconds: Pause between polls of the thread; 0 for no thread.
        """
        self._path = path
        self._reload = reload
        self._last_config = in_force
        self._last_text: str | None = None
        self._last_complaint: str | None = None
        self._wait_seconds = wait_seconds
        # Held while a config loads too: of two polls at once, the later one finds it loaded.
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="models-config-poller")

    def start(self) -> None:
        """Starts the thread, which polls at once, unless the pause is 0."""
        if self._wait_seconds:
            self._thread.start()

    def stop(self) -> None:
        """Stops polling; returns after a running reload."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def poll_once(self) -> None:
        """Reads the file, and loads the config if it has changed.

        A file that cannot be read, breaks a rule or is refused is logged once, in one line, and
        tried again with the next poll: the versions that it needs may come later. A config whose
        versions could not be loaded is tried again only when the file changes.
        """
        with self._lock:
            self._read_and_load()

    def _read_and_load(self) -> None:
        try:
            text = read_config_text(self._path)
            if text != self._last_text:
                self._load(text)
                self._last_text = text
            self._last_complaint = None
        except NoVersionsFoundError as error:
            self._complain(error)
        except (ModelsNotAvailableError, VersionDidNotLoadError) as error:
            self._complain(error)
            self._last_text = text
        except LstmSentimentError as error:
            self._complain(error)

    def _load(self, text: str) -> None:
        config = parse_models_config(text, source=str(self._path))
        if config != self._last_config:
            self._reload(config)
            self._last_config = config

    def _complain(self, error: LstmSentimentError) -> None:
        complaint = " ".join(str(error).split())
        if complaint != self._last_complaint:
            logger.error(
                "%s is not loaded, what is served stays as it is: %s", self._path, complaint
            )
        self._last_complaint = complaint

    def _poll(self) -> None:
        while True:
            try:
                self.poll_once()
            except Exception:
                # Whatever is wrong with one config, the next one must still be read.
                logger.exception("loading %s failed", self._path)
            if self._stopped.wait(self._wait_seconds):
                return
