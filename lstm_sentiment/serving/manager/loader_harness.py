"""What the manager knows of one version; `tensorflow_serving/core/loader_harness.h`."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.servable import Loader, ManagerState, Servable, ServableState
from lstm_sentiment.serving.servable_id import ServableId


@dataclass(frozen=True)
class LoadRetries:
    """How often a load that fails is tried again.

    Attributes:
        max_num: How many times after the first.
        interval_seconds: The pause before each.
    """

    max_num: int
    interval_seconds: float


@dataclass(eq=False)
class LoaderHarness:
    """One version through its life. Read and written under the manager's lock alone.

    A version that waits for its next try stays `LOADING`, as in TensorFlow Serving.

    Attributes:
        id: Which version.
        path: Its folder.
        retries: How often to try a load again.
        note_state: Told of every change of its state, the first one included.
        tried_path: Its folder when the last try to load it began.
        is_aspired: Whether the source wants it served.
        state: Where it stands.
        error: Why the last try to load it from its folder failed; `None` once it is loaded.
        loader: What brought it into memory, while it is there.
        servable: What it offers, while it is there.
        reference_count: How many requests hold it.
        failed_tries: How many tries to load it failed since it was last aspired anew.
        retry_at: When to try again, by the manager's clock, while it waits for that.
        estimated_bytes: Memory that is set aside for it, while it is loading or loaded.
    """

    id: ServableId
    path: Path
    retries: LoadRetries
    note_state: Callable[[ServableState], None]
    tried_path: Path = field(init=False)
    is_aspired: bool = True
    state: ManagerState = ManagerState.START
    error: ServableLoadError | None = None
    loader: Loader | None = None
    servable: Servable | None = None
    reference_count: int = 0
    failed_tries: int = 0
    retry_at: float | None = None
    estimated_bytes: int = 0

    def __post_init__(self) -> None:
        """Tells of its first state."""
        self.tried_path = self.path
        self.note_state(self.servable_state())

    def aspire(self, path: Path) -> None:
        """Wants it served; one that has ended begins anew if this is news.

        Args:
            path: Its folder, where it may have moved.
        """
        has_moved = self.path != path
        is_news = has_moved or not self.is_aspired
        self.is_aspired, self.path = True, path
        if is_news and self.state is ManagerState.END:
            self._begin_anew()
        elif has_moved and self.retry_at is not None:
            self._forgive()

    def let_go(self) -> None:
        """Wants it served no more; one whose turn to load has not come, or come again, ends."""
        self.is_aspired = False
        if self.state is ManagerState.START or self.retry_at is not None:
            self._end()

    def start_to_load(self) -> None:
        """Begins a try to load it, from `tried_path`."""
        self.retry_at = None
        self.tried_path = self.path
        self._enter(ManagerState.LOADING)

    def loaded(self, loader: Loader, servable: Servable) -> None:
        """Notes that it is in memory.

        Args:
            loader: What brought it there.
            servable: What it offers.
        """
        self.loader, self.servable, self.error = loader, servable, None
        self._enter(ManagerState.AVAILABLE)

    def failed(self, error: ServableLoadError, now: float) -> None:
        """Notes that a try to load it failed: it waits for the next, or ends.

        Args:
            error: Why.
            now: The time by the manager's clock.
        """
        self.error = error
        self.estimated_bytes = 0
        self.failed_tries += 1
        if not self.is_aspired:
            self._end()
        elif self.path != self.tried_path:
            self._forgive()
        elif self.failed_tries > self.retries.max_num:
            self._end()
        else:
            self.retry_at = now + self.retries.interval_seconds

    def start_to_unload(self) -> None:
        """Takes it out of service; requests that hold it still use it."""
        self._enter(ManagerState.UNLOADING)

    def can_be_unloaded(self) -> bool:
        """Says whether it is out of service, with no request that still holds it."""
        return self.state is ManagerState.UNLOADING and not self.reference_count

    def take_loader(self) -> Loader | None:
        """Takes its loader out, to unload it; it offers nothing from then on.

        Returns:
            The loader, or `None` if it is not in memory.
        """
        loader, self.loader, self.servable = self.loader, None, None
        return loader

    def unloaded(self) -> None:
        """Notes that it is out of memory; one that is wanted again meanwhile begins anew."""
        self.estimated_bytes = 0
        self._end()
        if self.is_aspired:
            self._begin_anew()

    def has_ended(self) -> bool:
        """Says whether nothing will come of it any more unless it is aspired again."""
        return self.state is ManagerState.END and not self.is_aspired

    def servable_state(self) -> ServableState:
        """Tells its state to others."""
        error = self.error if self.state is ManagerState.END else None
        return ServableState(self.id, self.state, error)

    def _begin_anew(self) -> None:
        self.error, self.failed_tries = None, 0
        self._enter(ManagerState.START)

    def _forgive(self) -> None:
        # What failed was another folder: this one has not been tried.
        self.error, self.failed_tries, self.retry_at = None, 0, -math.inf

    def _end(self) -> None:
        self.retry_at = None
        self._enter(ManagerState.END)

    def _enter(self, state: ManagerState) -> None:
        if state is not self.state:
            self.state = state
            self.note_state(self.servable_state())
