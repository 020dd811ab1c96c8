"""Brings aspired versions into service, and takes the others out of it.

After `tensorflow_serving/core/aspired_versions_manager.h` and `basic_manager.h`. One thread loads
and unloads, one version at a time and in the order the policy chooses; requests hold what they use
by a handle, so a version goes only when nobody uses it any more.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableNotFoundError
from lstm_sentiment.serving.loader_harness import LoaderHarness
from lstm_sentiment.serving.servable import (
    Loader,
    ManagerState,
    ServableHandle,
    ServableId,
    ServableLoadError,
    ServableState,
    VersionNotAvailableError,
)
from lstm_sentiment.serving.version_policy import (
    Action,
    ActionKind,
    VersionSnapshot,
    availability_preserving_action,
)

logger = logging.getLogger(__name__)

LoaderFactory = Callable[[ServableId, Path], Loader]
AspiredVersionPolicy = Callable[[Collection[VersionSnapshot]], Action | None]


class Manager:
    """Holds the versions of every servable stream and hands them out."""

    def __init__(
        self,
        loader_factory: LoaderFactory,
        *,
        policy: AspiredVersionPolicy = availability_preserving_action,
    ) -> None:
        """Makes an idle manager; `start` sets it to work.

        Args:
            loader_factory: Makes the loader of a version from its id and folder.
            policy: Chooses the next load or unload of a stream.
        """
        self._loader_factory = loader_factory
        self._policy = policy
        # Guards all below, and is notified whenever any of it changes.
        self._condition = threading.Condition()
        self._streams: dict[str, dict[int, LoaderHarness]] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="servable-manager")

    def start(self) -> None:
        """Starts the thread that loads and unloads."""
        self._thread.start()

    def stop(self) -> None:
        """Unloads everything; returns when the thread has ended, after a load under way."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        for harness in list(self._harnesses()):
            harness.let_go()
            if harness.loader is not None:
                self._unload(harness)

    def set_aspired_versions(self, name: str, versions: Mapping[int, Path]) -> None:
        """Says which versions of a stream are wanted; returns at once.

        A version that failed to load is tried again when it is aspired anew: after it was not
        aspired for a while, or from another folder.

        Args:
            name: The servable stream.
            versions: The folder of each aspired version; all others are let go.
        """
        with self._condition:
            stream = self._streams.setdefault(name, {})
            for number, harness in stream.items():
                if number not in versions:
                    harness.let_go()
            for number, path in versions.items():
                if number in stream:
                    stream[number].aspire(path)
                else:
                    stream[number] = LoaderHarness(ServableId(name, number), path)
            self._condition.notify_all()

    def set_version_labels(
        self, name: str, labels: Mapping[str, int], *, allow_unavailable: bool = False
    ) -> None:
        """Replaces the version labels of a stream, all or none.

        Args:
            name: The servable stream.
            labels: The version each label points to.
            allow_unavailable: Whether a label may point to a version that is not available; until
                it is, requests by that label find no servable. TensorFlow Serving's
                `--allow_version_labels_for_unavailable_models`.

        Raises:
            VersionNotAvailableError: If a label points to a version that is not available.
        """
        with self._condition:
            for number in labels.values():
                if not allow_unavailable and self._find_available(name, number) is None:
                    raise VersionNotAvailableError(ServableId(name, number))
            self._labels[name] = dict(labels)

    def get_handle(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> ServableHandle:
        """Takes hold of an available version.

        Args:
            name: The servable stream.
            version: A version number; `None` for the highest available.
            label: A version label, instead of a number.

        Returns:
            A handle, to be released by the caller.

        Raises:
            InvalidInputError: If the label is unknown, or both version and label are given.
            ServableNotFoundError: If no such version is available.
        """
        with self._condition:
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
            return ServableHandle(found.id, found.servable, lambda: self._release(found))

    def version_of_label(self, name: str, label: str) -> int:
        """Looks up a version label.

        Args:
            name: The servable stream.
            label: The label.

        Returns:
            The version it points to, available or not.

        Raises:
            InvalidInputError: If there is no such label.
        """
        with self._condition:
            number = self._labels.get(name, {}).get(label)
        if number is None:
            raise InvalidInputError(f"Unrecognized servable version label: {label}")
        return number

    def states(self, name: str) -> list[ServableState]:
        """Tells the state of every version a stream ever had.

        Args:
            name: The servable stream.

        Returns:
            The highest version first; empty for an unknown name.
        """
        with self._condition:
            stream = self._streams.get(name, {})
            return [stream[number].servable_state() for number in sorted(stream, reverse=True)]

    def wait_until(
        self, predicate: Callable[[], bool], timeout_seconds: float | None = None
    ) -> bool:
        """Waits for a condition on the versions.

        Args:
            predicate: Asked again after every change, under the manager's lock; it may call the
                manager.
            timeout_seconds: How long to wait at most; `None` for ever.

        Returns:
            Whether the predicate came true in time.
        """
        with self._condition:
            return self._condition.wait_for(predicate, timeout_seconds)

    def wait_until_settled(self, timeout_seconds: float | None = None) -> bool:
        """Waits until there is nothing left to load, or to unload save what requests hold.

        Every aspired version is then `AVAILABLE` or, if it could not be loaded, `END`.

        Args:
            timeout_seconds: How long to wait at most; `None` for ever.

        Returns:
            Whether that came about in time.
        """
        return self.wait_until(self._is_settled, timeout_seconds)

    def _harnesses(self) -> Iterator[LoaderHarness]:
        for stream in self._streams.values():
            yield from stream.values()

    def _find_available(self, name: str, number: int | None) -> LoaderHarness | None:
        stream = self._streams.get(name, {})
        candidates = stream if number is None else {number} & stream.keys()
        available = [n for n in candidates if stream[n].state is ManagerState.AVAILABLE]
        return stream[max(available)] if available else None

    def _release(self, harness: LoaderHarness) -> None:
        with self._condition:
            harness.reference_count -= 1
            if not harness.reference_count:
                self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._is_stopping or self._next_step() is not None)
                step = None if self._is_stopping else self._next_step()
                if step is None:
                    return
                kind, harness = step
                is_load = kind is ActionKind.LOAD
                harness.state = ManagerState.LOADING if is_load else ManagerState.UNLOADING
                self._condition.notify_all()
            if is_load:
                self._load(harness)
            elif not harness.reference_count:
                self._unload(harness)

    def _next_step(self) -> tuple[ActionKind, LoaderHarness] | None:
        for harness in self._harnesses():
            if harness.state is ManagerState.UNLOADING and not harness.reference_count:
                return ActionKind.UNLOAD, harness
        for stream in self._streams.values():
            action = self._policy(
                [VersionSnapshot(n, h.state, h.is_aspired) for n, h in stream.items()]
            )
            if action is not None:
                return action.kind, stream[action.version]
        return None

    def _is_settled(self) -> bool:
        is_loading = any(h.state is ManagerState.LOADING for h in self._harnesses())
        return not is_loading and self._next_step() is None

    def _load(self, harness: LoaderHarness) -> None:
        loader = self._loader_factory(harness.id, harness.path)
        # The error kept is a new one: the traceback of the caught holds the half-loaded model.
        try:
            servable = loader.load()
        except LstmSentimentError as error:
            logger.error("%s", error)
            self._fail(harness, str(error))
        except Exception as error:
            # Whatever a loader does, this thread must live on to serve the other versions.
            logger.exception("loading %s failed", harness.id)
            self._fail(harness, f"{harness.id} could not be loaded: {error!r}")
        else:
            with self._condition:
                harness.loaded(loader, servable)
                self._condition.notify_all()

    def _fail(self, harness: LoaderHarness, reason: str) -> None:
        with self._condition:
            harness.failed(ServableLoadError(reason))
            self._condition.notify_all()

    def _unload(self, harness: LoaderHarness) -> None:
        with self._condition:
            loader = harness.take_loader()
        if loader is not None:
            loader.unload()
        with self._condition:
            harness.unloaded()
            self._condition.notify_all()
