"""Checks that a version fits into memory; `tensorflow_serving/resources/resource_tracker.h`."""

from lstm_sentiment.serving.errors import NotEnoughMemoryError
from lstm_sentiment.serving.servable_id import ServableId

_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def check_fits(
    servable_id: ServableId, estimated_bytes: int, *, in_use_bytes: int, limit_bytes: int
) -> None:
    """Checks that a version's estimate fits into the limit, next to the bytes in use.

    Raises:
        NotEnoughMemoryError: If the version does not fit.
    """
    left = limit_bytes - in_use_bytes
    if estimated_bytes > left:
        raise NotEnoughMemoryError(
            f"version {servable_id.version} of model {servable_id.name} must fit into the memory "
            f"left for models: {in_words(left)} of {in_words(limit_bytes)}. "
            f"Received: an estimate of {in_words(estimated_bytes)}."
        )


def in_words(num_bytes: int) -> str:
    """Formats a number of bytes, such as `1.2 GiB`; below 1 KiB, `12 bytes`."""
    for size, unit in _UNITS:
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes} bytes"
