"""Polls base paths for the aspired versions of each servable stream.

After `tensorflow_serving/sources/storage_path/file_system_storage_path_source.cc`. A base path that
cannot be read keeps the versions that are served; an existing one without versions unloads them, as
in TensorFlow Serving unless `servable_versions_always_present` is set. Unlike there, an unreadable
base path does not keep the others from being polled.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from lstm_sentiment.checks import at_least
from lstm_sentiment.models_config.version_policy import (
    ServableToMonitor,
    Specific,
    aspired_versions,
)
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.version_folder import version_folders

logger = get_logger(__name__)

AspiredVersionsCallback = Callable[[str, Mapping[int, Path]], None]
"""Called with a servable stream's name and the folder of each of its aspired versions."""


class FileSystemStoragePathSource:
    """Polls base paths and calls back with the aspired versions of each.

    Threads that poll or replace the base paths wait for each other; the callback must do neither.
    """

    def __init__(
        self,
        servables: Iterable[ServableToMonitor],
        aspired_versions_callback: AspiredVersionsCallback,
        *,
        file_system_poll_wait_seconds: float = 1.0,
    ) -> None:
        """Creates a source; reads nothing yet.

        Args:
            servables: The base paths to watch.
            aspired_versions_callback: Called after every poll for every base path that could be
                read, also if nothing changed.
            file_system_poll_wait_seconds: Pause between polls; 0 polls once.

        Raises:
            InvalidInputError: If the pause is negative.
        """
        at_least(0, file_system_poll_wait_seconds=file_system_poll_wait_seconds)
        self._servables = tuple(servables)
        # Held while polling too: once the servables are replaced, the old ones are not reported.
        self._lock = threading.Lock()
        self._callback = aspired_versions_callback
        self._poll_wait_seconds = file_system_poll_wait_seconds
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_complaint: dict[str, str | None] = {}

    def start(self) -> None:
        """Polls once before returning, then in a thread of its own."""
        self.poll_once()
        if self._poll_wait_seconds > 0:
            self._thread = threading.Thread(target=self._poll, name="storage-path-source")
            self._thread.start()

    def stop(self) -> None:
        """Stops polling; returns when no callback will be called any more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def set_servables(self, servables: Iterable[ServableToMonitor]) -> None:
        """Replaces the base paths to watch, and polls them before returning.

        A servable stream that is no longer watched has no aspired versions.
        """
        servables = tuple(servables)
        with self._lock:
            gone = {old.name for old in self._servables} - {new.name for new in servables}
            self._servables = servables
            for name in sorted(gone):
                self._last_complaint.pop(name, None)
                self._callback(name, {})
            self._read_base_paths()

    def poll_once(self) -> None:
        """Reads every base path and calls back with its aspired versions."""
        with self._lock:
            self._read_base_paths()

    def _read_base_paths(self) -> None:
        for servable in self._servables:
            try:
                folders = version_folders(servable.base_path)
            except OSError as error:
                self._complain(
                    servable.name,
                    f"base path {servable.base_path} of model {servable.name} cannot be read "
                    f"({error.strerror}); what is served stays as it is",
                )
                continue
            aspired = aspired_versions(servable.version_policy, folders)
            self._complain(servable.name, _complaint(servable, aspired))
            self._callback(servable.name, {v: folders[v] for v in sorted(aspired)})

    def _poll(self) -> None:
        while not self._stopped.wait(self._poll_wait_seconds):
            self.poll_once()

    def _complain(self, name: str, complaint: str | None) -> None:
        # Logged once, not once a second.
        if complaint is not None and complaint != self._last_complaint.get(name):
            logger.warning("%s", complaint)
        self._last_complaint[name] = complaint


def _complaint(servable: ServableToMonitor, aspired: frozenset[int]) -> str | None:
    policy = servable.version_policy
    if isinstance(policy, Specific) and policy.versions - aspired:
        missing = ", ".join(str(v) for v in sorted(policy.versions - aspired))
        return (
            f"version {missing} of model {servable.name}, asked for as a specific version, "
            f"was not found under base path {servable.base_path}"
        )
    if not aspired:
        return (
            f"no versions of model {servable.name} found under base path {servable.base_path}; "
            "a version is a folder whose name is a number"
        )
    return None
