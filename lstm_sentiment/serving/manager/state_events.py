"""Tells of every change of state, in order and without holding up the manager's lock.

After `tensorflow_serving/util/event_bus.h`, which carries the `ServableState`s there.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable

from lstm_sentiment.serving.servable import ServableState

logger = logging.getLogger(__name__)

StateCallback = Callable[[ServableState], None]
"""Told of a version's new state. What it raises is logged and goes no further."""


class StateEvents:
    """Changes of state on their way to the one who wants to know of them."""

    def __init__(self, on_state: StateCallback | None) -> None:
        """Has nothing to tell yet.

        Args:
            on_state: Whom to tell; `None` for nobody.
        """
        self._on_state = on_state
        self._lock = threading.Lock()
        self._untold: deque[ServableState] = deque()
        self._is_telling = False

    def add(self, state: ServableState) -> None:
        """Notes a change, to be told by the next `tell`; quick, so may be called under a lock.

        Args:
            state: The new state of a version.
        """
        if self._on_state is not None:
            with self._lock:
                self._untold.append(state)

    def tell(self) -> bool:
        """Tells what is noted; to be called without any lock.

        While one thread tells, the others leave theirs to it, so the order is kept.

        Returns:
            Whether something was told, by this call.
        """
        with self._lock:
            if self._is_telling or not self._untold:
                return False
            self._is_telling = True
        while (state := self._next()) is not None:
            self._tell_one(state)
        return True

    def are_told(self) -> bool:
        """Says whether all that was noted has been told, to the end."""
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
