"""The life of one version in the manager; `tensorflow_serving/core/loader_harness.h`."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.servable import Loader, ManagerState, Servable, ServableState
from lstm_sentiment.serving.servable_id import ServableId


@dataclass(frozen=True)
class LoadRetries:
    """Number and interval of retries of a failed load.

    Attributes:
        max_num: Retries after the first try.
        interval_seconds: Pause before each retry.
    """

    max_num: int
    interval_seconds: float


@dataclass(eq=False)
class LoaderHarness:
    """State machine of one version. Read and written only under the manager's lock.

    A version that waits for a retry stays `LOADING`, as in TensorFlow Serving.

    Attributes:
        id: The version's id.
        path: The version's folder.
        retries: How often to retry a failed load.
        note_state: Called with the first state and with every change of it.
        tried_path: The folder as it was when the last load began.
        is_aspired: Whether the source wants the version served.
        state: The version's state.
        error: Why the last load from the folder failed; `None` once the version is loaded.
        loader: The loader of the version while it is in memory.
        servable: The loaded version while it is in memory.
        reference_count: Requests that hold the version.
        failed_tries: Failed loads since the version was last aspired anew.
        retry_at: Time of the next retry by the manager's clock; `None` if none is due.
        estimated_bytes: Memory reserved for the version while it is loading or loaded.
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
        """Notes the first state."""
        self.tried_path = self.path
        self.note_state(self.servable_state())

    def aspire(self, path: Path) -> None:
        """Marks the version as aspired; a version that has ended starts anew if that is news."""
        has_moved = self.path != path
        is_news = has_moved or not self.is_aspired
        self.is_aspired, self.path = True, path
        if is_news and self.state is ManagerState.END:
            self._begin_anew()
        elif has_moved and self.retry_at is not None:
            self._forgive()

    def let_go(self) -> None:
        """Marks the version as no longer aspired; if it waits for a load or a retry, it ends."""
        self.is_aspired = False
        if self.state is ManagerState.START or self.retry_at is not None:
            self._end()

    def start_to_load(self) -> None:
        """Enters `LOADING`, from the present folder."""
        self.retry_at = None
        self.tried_path = self.path
        self._enter(ManagerState.LOADING)

    def loaded(self, loader: Loader, servable: Servable) -> None:
        """Enters `AVAILABLE`."""
        self.loader, self.servable, self.error = loader, servable, None
        self._enter(ManagerState.AVAILABLE)

    def failed(self, error: ServableLoadError, now: float, *, is_final: bool = False) -> None:
        """Notes a failed load: the version is retried, or ends.

        Args:
            error: Why it failed.
            now: The time by the manager's clock.
            is_final: Whether another try would fail too.
        """
        self.error = error
        self.estimated_bytes = 0
        self.failed_tries += 1
        if not self.is_aspired:
            self._end()
        elif self.path != self.tried_path:
            self._forgive()
        elif is_final or self.failed_tries > self.retries.max_num:
            self._end()
        else:
            self.retry_at = now + self.retries.interval_seconds

    def start_to_unload(self) -> None:
        """Enters `UNLOADING`; requests that hold the version still use it."""
        self._enter(ManagerState.UNLOADING)

    def can_be_unloaded(self) -> bool:
        """Returns whether the version is `UNLOADING` and no request holds it."""
        return self.state is ManagerState.UNLOADING and not self.reference_count

    def take(self) -> tuple[Loader, Servable] | None:
        """Removes and returns the loader and the servable; `None` if not in memory."""
        loader, servable, self.loader, self.servable = self.loader, self.servable, None, None
        return None if loader is None or servable is None else (loader, servable)

    def unloaded(self) -> None:
        """Enters `END`; a version that was aspired again meanwhile starts anew."""
        self.estimated_bytes = 0
        self._end()
        if self.is_aspired:
            self._begin_anew()

    def has_ended(self) -> bool:
        """Returns whether the version has ended for good, unless it is aspired again."""
        return self.state is ManagerState.END and not self.is_aspired

    def servable_state(self) -> ServableState:
        """Returns the state as the manager reports it."""
        error = self.error if self.state is ManagerState.END else None
        engine = None if self.loader is None else self.loader.engine
        return ServableState(self.id, self.state, error, engine)

    def _begin_anew(self) -> None:
        self.error, self.failed_tries = None, 0
        self._enter(ManagerState.START)

    def _forgive(self) -> None:
        # The failures were those of another folder; this one has not been tried.
        self.error, self.failed_tries, self.retry_at = None, 0, -math.inf

    def _end(self) -> None:
        self.retry_at = None
        self._enter(ManagerState.END)

    def _enter(self, state: ManagerState) -> None:
        if state is not self.state:
            self.state = state
            self.note_state(self.servable_state())
