"""The longest time that anything here waits: more is no limit at all."""

LONGEST_SECONDS = 1e8
"""About three years. Clocks, locks and sockets count in 64 bits, and fail or end at once beyond."""


def countable(seconds: float) -> float:
    """Returns a duration that every clock can count: itself, or `LONGEST_SECONDS` if longer."""
    return min(seconds, LONGEST_SECONDS)


def timeout_or_none(seconds: float | None) -> float | None:
    """Returns a timeout as locks, sockets and gRPC take it.

    Args:
        seconds: A duration, which may be infinite; `None` for no limit.

    Returns:
        The duration; `None`, for no limit, where it is longer than `LONGEST_SECONDS`.
    """
    return None if seconds is None or seconds > LONGEST_SECONDS else seconds
