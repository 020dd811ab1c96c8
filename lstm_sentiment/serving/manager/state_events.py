"""Delivers every change of state, in order and outside the manager's lock.

After `tensorflow_serving/util/event_bus.h`, which carries the `ServableState`s there.
"""

import threading
from collections import deque
from collections.abc import Callable

from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.servable import ServableState

logger = get_logger(__name__)

StateCallback = Callable[[ServableState], None]
"""Called with a version's new state. An error that it raises is logged and dropped."""


class StateEvents:
    """A queue of state changes for one callback."""

    def __init__(self, on_state: StateCallback | None) -> None:
        """Creates an empty queue; without a callback, events are dropped."""
        self._on_state = on_state
        self._lock = threading.Lock()
        self._untold: deque[ServableState] = deque()
        self._is_telling = False

    def add(self, state: ServableState) -> None:
        """Queues a change for the next `tell`; quick, so it may be called under a lock."""
        if self._on_state is not None:
            with self._lock:
                self._untold.append(state)

    def tell(self) -> bool:
        """Calls the callback with all queued changes; to be called without any lock.

        While one thread delivers, other threads leave their changes to it, so the order is kept.

        Returns:
            Whether this call delivered something.
        """
        with self._lock:
            if self._is_telling or not self._untold:
                return False
            self._is_telling = True
        while (state := self._next()) is not None:
            self._tell_one(state)
        return True

    def are_told(self) -> bool:
        """Returns whether every queued change has been delivered."""
        with self._lock:
            return not self._untold and not self._is_telling

    def _next(self) -> ServableState | None:
        with self._lock:
            if self._untold:
                return self._untold.popleft()
            self._is_telling = False
            return None

    def _tell_one(self, state: ServableState) -> None:
        try:
            if self._on_state is not None:
                self._on_state(state)
        except Exception:
            logger.exception("telling of %s failed", state)
