"""Every version of every servable stream, with the lock that guards them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lstm_sentiment.serving.manager.load_order import Action, AspiredVersionPolicy
from lstm_sentiment.serving.manager.loader_harness import LoaderHarness, LoadRetries
from lstm_sentiment.serving.manager.servable_stream import ServableStream
from lstm_sentiment.serving.manager.state_events import StateCallback, StateEvents
from lstm_sentiment.serving.servable_id import ServableId


class ManagedVersions:
    """What the manager and its threads share.

    Attributes:
        condition: Guards all else, and is notified whenever any of it changes.
        streams: The servable streams by name, for reading.
        is_stopping: Whether nothing more is to be loaded.
    """

    def __init__(
        self, policy: AspiredVersionPolicy, retries: LoadRetries, on_state: StateCallback | None
    ) -> None:
        """Holds no stream yet.

        Args:
            policy: Chooses the next load or unload of a stream.
            retries: How often a load that fails is tried again.
            on_state: Told of every change of state.
        """
        self.condition = threading.Condition()
        self.streams: dict[str, ServableStream] = {}
        self.is_stopping = False
        self._policy = policy
        self._retries = retries
        self._events = StateEvents(on_state)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Holds the lock; then lets those know who wait for a change or want to be told of it."""
        with self.condition:
            yield
            self.note_change()
        self.tell_of_changes()

    def note_change(self) -> None:
        """Tidies up after a change and wakes whoever waits for it; under the lock."""
        for stream in self.streams.values():
            stream.put_away_ended()
        self.condition.notify_all()

    def tell_of_changes(self) -> None:
        """Tells of the changes of state that were made; not under the lock."""
        if self._events.tell():
            with self.condition:
                self.condition.notify_all()

    def changes_are_told(self) -> bool:
        """Says whether all changes of state have been told."""
        return self._events.are_told()

    def stream(self, name: str) -> ServableStream:
        """Gives a stream, a new one if there is none by that name.

        Args:
            name: The servable stream.

        Returns:
            It.
        """
        if name not in self.streams:
            self.streams[name] = ServableStream(partial(self._make_harness, name))
        return self.streams[name]

    def harnesses(self) -> Iterator[LoaderHarness]:
        """Goes through the versions that have not ended."""
        for stream in self.streams.values():
            yield from stream.harnesses()

    def actions(self) -> Iterator[tuple[Action, LoaderHarness]]:
        """Goes through what the policy wants next: an action at most for each stream."""
        for stream in self.streams.values():
            action = self._policy(stream.snapshots())
            if action is not None:
                yield action, stream.harness(action.version)

    def memory_in_use_bytes(self) -> int:
        """Adds up the estimates for all versions that are loading or loaded."""
        return sum(harness.estimated_bytes for harness in self.harnesses())

    def _make_harness(self, name: str, number: int, path: Path) -> LoaderHarness:
        return LoaderHarness(ServableId(name, number), path, self._retries, self._events.add)
