"""All versions of all servable streams, with the lock that guards them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lstm_sentiment.serving.manager.load_order import Action, AspiredVersionPolicy
from lstm_sentiment.serving.manager.loader_harness import LoaderHarness, LoadRetries
from lstm_sentiment.serving.manager.servable_stream import ServableStream
from lstm_sentiment.serving.manager.state_events import StateCallback, StateEvents
from lstm_sentiment.serving.servable import ManagerState
from lstm_sentiment.serving.servable_id import ServableId


class ManagedVersions:
    """The state that the manager and its threads share.

    Attributes:
        condition: Lock of all other attributes; notified of every change.
        streams: The servable streams by name; read only.
        is_stopping: Whether the manager stops, so that nothing more is loaded.
    """

    def __init__(
        self, policy: AspiredVersionPolicy, retries: LoadRetries, on_state: StateCallback | None
    ) -> None:
        """Creates the state without a stream; for the arguments see `Manager`."""
        self.condition = threading.Condition()
        self.streams: dict[str, ServableStream] = {}
        self.is_stopping = False
        self._policy = policy
        self._retries = retries
        self._events = StateEvents(on_state)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Holds the lock for a change, then wakes waiting threads and delivers state events."""
        with self.condition:
            yield
            self.note_change()
        self.tell_of_changes()

    def note_change(self) -> None:
        """Stores ended versions away and wakes waiting threads; called under the lock."""
        for stream in self.streams.values():
            stream.put_away_ended()
        self.condition.notify_all()

    def tell_of_changes(self) -> None:
        """Delivers pending state events; called without the lock."""
        if self._events.tell():
            with self.condition:
                self.condition.notify_all()

    def changes_are_told(self) -> bool:
        """Returns whether all state events have been delivered."""
        return self._events.are_told()

    def stream(self, name: str) -> ServableStream:
        """Returns the stream of a name; creates it on first use."""
        if name not in self.streams:
            self.streams[name] = ServableStream(partial(self._make_harness, name))
        return self.streams[name]

    def harnesses(self) -> Iterator[LoaderHarness]:
        """Yields the versions that have not ended."""
        for stream in self.streams.values():
            yield from stream.harnesses()

    def actions(self) -> Iterator[tuple[Action, LoaderHarness]]:
        """Yields the policy's next action with its version, at most one for each stream."""
        for stream in self.streams.values():
            action = self._policy(stream.snapshots())
            if action is not None:
                yield action, stream.harness(action.version)

    def is_any_available(self) -> bool:
        """Returns whether any version of any stream can answer."""
        with self.condition:
            return any(each.state is ManagerState.AVAILABLE for each in self.harnesses())

    def memory_in_use_bytes(self) -> int:
        """Returns the sum of the estimates of all versions that are loading or loaded."""
        return sum(harness.estimated_bytes for harness in self.harnesses())

    def _make_harness(self, name: str, number: int, path: Path) -> LoaderHarness:
        return LoaderHarness(ServableId(name, number), path, self._retries, self._events.add)
