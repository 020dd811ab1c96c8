"""How many connections there may be, below the file descriptors that the process may have."""

import sys

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.system import descriptor_limit, free_descriptors

KEPT_FREE = 32
"""Descriptors that no connection gets: versions are loaded, logs and certificates read by them."""

_MOST = 10_000
_FEWEST = 8
_SHARE_OF_OTHERS = 8
_LEAST_FOR_OTHERS, _MOST_FOR_OTHERS = 64, 1024


def connection_limit(asked: int | None, listeners: int) -> int:
    """Returns the most connections of each place that a server listens on.

    Args:
        asked: As the user wants it; `None` for as many as the descriptors allow, at most 10,000.
        listeners: Number of places.

    Raises:
        InvalidInputError: If the descriptors do not allow that many.
    """
    allowed = _allowed(listeners)
    if asked is None:
        return min(allowed, _MOST)
    if asked > allowed:
        raise InvalidInputError(
            f"`max_connections` must be at most {allowed} here: {_why()}. "
            f"Received: max_connections={asked}."
        )
    return asked


def is_short_of_descriptors() -> bool:
    """Returns whether the process has hardly any descriptors left but those kept for others."""
    return free_descriptors() < KEPT_FREE


def _why() -> str:
    if sys.platform == "win32":
        return f"Python watches at most {descriptor_limit()} sockets on Windows"
    return f"the process may have {descriptor_limit()} open files, by `ulimit -n`"


def _allowed(listeners: int) -> int:
    limit = descriptor_limit()
    for_others = min(max(limit // _SHARE_OF_OTHERS, _LEAST_FOR_OTHERS), _MOST_FOR_OTHERS)
    return max((free_descriptors() - for_others) // max(listeners, 1), _FEWEST)
