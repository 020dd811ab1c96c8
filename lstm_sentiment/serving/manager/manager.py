"""Loads the aspired versions and unloads all others.

After `tensorflow_serving/core/aspired_versions_manager.h` and `basic_manager.h`. Several threads
load and one unloads, in the order that the policy chooses. A request holds its version by a handle,
so a version is unloaded only when no request uses it any more.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from lstm_sentiment.checks import at_least
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.serving.errors import (
    ServableLoadError,
    UnknownLabelError,
    VersionNotAvailableError,
)
from lstm_sentiment.serving.manager.load_order import (
    AspiredVersionPolicy,
    availability_preserving_action,
)
from lstm_sentiment.serving.manager.load_unload_threads import LoaderFactory, LoadUnloadThreads
from lstm_sentiment.serving.manager.loader_harness import LoaderHarness, LoadRetries
from lstm_sentiment.serving.manager.managed_versions import ManagedVersions
from lstm_sentiment.serving.manager.state_events import StateCallback
from lstm_sentiment.serving.servable import ServableHandle, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.timeouts import timeout_or_none


class Manager:
    """Manages the versions of all servable streams and hands out handles to them."""

    def __init__(
        self,
        loader_factory: LoaderFactory,
        *,
        policy: AspiredVersionPolicy = availability_preserving_action,
        max_num_load_retries: int = 5,
        load_retry_interval_seconds: float = 60.0,
        num_load_threads: int = 1,
        memory_limit_bytes: int | None = None,
        on_state: StateCallback | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Creates an idle manager; `start` starts its threads.

        Args:
            loader_factory: Makes the loader of a version from its id and folder, a new one for
                every try.
            policy: Chooses the next load or unload of a stream.
            max_num_load_retries: Retries of a failed load.
            load_retry_interval_seconds: Pause before each retry.
            num_load_threads: Versions that load at the same time at most. Unloads have a thread
                of their own.
            memory_limit_bytes: Largest sum of the loaders' estimates, over all versions that are
                loading or loaded; `None` for no limit. A policy that loads the new version before
                it unloads the old one needs space for both.
            on_state: Called with every change of a version's state, in order, by the thread that
                made the change, under no lock. Must be quick, and must neither stop the manager
                nor wait for it.
            clock: Returns the time in seconds, for the pauses; must be monotonic.

        Raises:
            InvalidInputError: If a number is out of its range.
        """
        at_least(
            0,
            max_num_load_retries=max_num_load_retries,
            load_retry_interval_seconds=load_retry_interval_seconds,
        )
        at_least(1, num_load_threads=num_load_threads, memory_limit_bytes=memory_limit_bytes)
        retries = LoadRetries(max_num_load_retries, load_retry_interval_seconds)
        self._versions = ManagedVersions(policy, retries, on_state)
        self._threads = LoadUnloadThreads(
            self._versions,
            loader_factory,
            num_load_threads=num_load_threads,
            memory_limit_bytes=memory_limit_bytes,
            clock=clock,
        )

    def start(self) -> None:
        """Starts the threads that load and unload."""
        self._threads.start()

    def stop(self) -> None:
        """Unloads all versions; returns when the threads have ended, after the running loads.

        A version that waits for a retry ends. Requests must have ended: a version that one still
        holds is unloaded all the same.
        """
        with self._versions.changing():
            self._versions.is_stopping = True
            for stream in self._versions.streams.values():
                stream.aspire({})
        self._threads.join()
        with self._versions.changing():
            in_memory = [h for h in self._versions.harnesses() if h.loader is not None]
            for harness in in_memory:
                harness.start_to_unload()
        for harness in in_memory:
            self._threads.unload(harness)

    def set_aspired_versions(self, name: str, versions: Mapping[int, Path]) -> None:
        """Sets the versions of a stream that are to be served; returns at once.

        A version that failed to load is loaded again when it is aspired anew: after it was not
        aspired for a while, or from another folder. An available version stays as it is, even if
        its folder is another now. Does nothing once the manager stops.

        Args:
            name: The servable stream.
            versions: The folder of each aspired version; all others are unloaded.
        """
        with self._versions.changing():
            if not self._versions.is_stopping:
                self._versions.stream(name).aspire(versions)

    def remove(self, name: str) -> None:
        """Unloads a whole stream and drops its labels; its versions stay known, as `END`.

        Args:
            name: The servable stream; need not exist.
        """
        with self._versions.changing():
            stream = self._versions.streams.get(name)
            if stream is not None:
                stream.labels = {}
                stream.aspire({})

    def set_version_labels(
        self, name: str, labels: Mapping[str, int], *, allow_unavailable: bool = False
    ) -> None:
        """Replaces the version labels of a stream, all or none.

        Args:
            name: The servable stream.
            labels: The version number of each label.
            allow_unavailable: Accepts labels of versions that are not available; until they are,
                requests by these labels find no servable. TensorFlow Serving's
                `--allow_version_labels_for_unavailable_models`.

        Raises:
            VersionNotAvailableError: If a label points to a version that is not available.
        """
        with self._versions.condition:
            for number in labels.values():
                if not allow_unavailable and self._find_available(name, number) is None:
                    raise VersionNotAvailableError(ServableId(name, number))
            self._versions.stream(name).labels = dict(labels)

    def get_handle(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> ServableHandle:
        """Returns a handle to an available version; the caller must release it.

        Args:
            name: The servable stream.
            version: A version number; `None` for the highest available.
            label: A version label, instead of a number.

        Raises:
            InvalidInputError: If the label is unknown, or both version and label are given.
            ServableNotFoundError: If no such version is available.
        """
        with self._versions.condition:
            if label is not None:
                if version is not None:
                    raise InvalidInputError(
                        f"Both model version ({version}) and model version label ({label}) "
                        "cannot be supplied."
                    )
                version = self.version_of_label(name, label)
            found = self._find_available(name, version)
            if found is None or found.servable is None:
                request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
                raise ServableNotFoundError(f"Servable not found for request: {request}")
            found.reference_count += 1
            return ServableHandle(found.id, found.servable, partial(self._release, found))

    def version_of_label(self, name: str, label: str) -> int:
        """Returns the version number that a label points to, available or not.

        Raises:
            UnknownLabelError: If there is no such label.
        """
        with self._versions.condition:
            stream = self._versions.streams.get(name)
            number = stream.labels.get(label) if stream is not None else None
        if number is None:
            raise UnknownLabelError(label)
        return number

    def states(self, name: str) -> list[ServableState]:
        """Returns the states of a stream's versions, the highest first; empty for an unknown name.

        Of the versions that have ended, the last hundred are remembered.
        """
        with self._versions.condition:
            stream = self._versions.streams.get(name)
            return [] if stream is None else stream.states()

    def last_load_error(self, servable_id: ServableId) -> ServableLoadError | None:
        """Returns why the last load of a version failed, also while a retry is due.

        `None` if no load failed, or the version was loaded since.
        """
        with self._versions.condition:
            stream = self._versions.streams.get(servable_id.name)
            return None if stream is None else stream.last_load_error(servable_id.version)

    def memory_in_use_bytes(self) -> int:
        """Returns the sum of the loaders' estimates for all versions that are loading or loaded."""
        with self._versions.condition:
            return self._versions.memory_in_use_bytes()

    def wait_until(
        self, predicate: Callable[[], bool], timeout_seconds: float | None = None
    ) -> bool:
        """Waits for a condition on the versions.

        Args:
            predicate: Called after every change, under the manager's lock; may read from the
                manager, and change nothing.
            timeout_seconds: Longest wait; `None` for no limit.

        Returns:
            Whether the predicate came true in time.
        """
        with self._versions.condition:
            return self._versions.condition.wait_for(predicate, timeout_or_none(timeout_seconds))

    def wake(self) -> None:
        """Lets those who wait in `wait_until` look again, though no version has changed."""
        with self._versions.condition:
            self._versions.condition.notify_all()

    def wait_until_settled(self, timeout_seconds: float | None = None) -> bool:
        """Waits until no version can be loaded or unloaded at once, and `on_state` knows of all.

        Every aspired version is then `AVAILABLE`, or its load failed: it is `END`, or `LOADING`
        while a retry is due. Versions that requests hold are not waited for, nor versions that the
        policy loads only after those are unloaded.

        Args:
            timeout_seconds: Longest wait; `None` for no limit.

        Returns:
            Whether the manager settled in time.
        """
        return self.wait_until(self._is_settled, timeout_seconds)

    def _is_settled(self) -> bool:
        return self._threads.is_idle() and self._versions.changes_are_told()

    def _find_available(self, name: str, number: int | None) -> LoaderHarness | None:
        stream = self._versions.streams.get(name)
        return None if stream is None else stream.find_available(number)

    def _release(self, harness: LoaderHarness) -> None:
        with self._versions.condition:
            harness.reference_count -= 1
            # Only a release that lets a version go wakes other threads: most do not.
            if harness.can_be_unloaded():
                self._versions.condition.notify_all()
