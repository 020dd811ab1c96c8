"""Checks that a piece of work fits into memory, before it begins.

Estimates are of what is needed at the least: work that is refused could not have been done.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from lstm_sentiment.errors import InvalidInputError

_GB = 1e9
_MEMORY, _GROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
# Limit and use; the second are those of the first version of control groups.
_LIMITS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


class MemoryPart(NamedTuple):
    """A part of the memory that work needs.

    Attributes:
        name: What takes it, in the plural, such as `weights of the LSTMs`.
        size: Bytes, at the least.
        settings: The settings that make it smaller.
    """

    name: str
    size: int
    settings: tuple[str, ...]


def available_memory() -> int | None:
    """Returns the bytes that this process may still take; `None` where that is not known.

    Free memory and swap space of the machine count, and the limit of a container.
    """
    left = [free] if (free := _free_on_machine()) is not None else []
    for limit, used in _LIMITS:
        with suppress(OSError, ValueError):
            most = int((_GROUP / limit).read_text("utf-8"))
            # What the container keeps of files can be dropped.
            left.append(max(0, most - int((_GROUP / used).read_text("utf-8")) + _kept_of_files()))
    return min(left, default=None)


def check_memory(work: str, parts: Sequence[MemoryPart], *, available: int | None = None) -> None:
    """Checks that work fits into memory.

    Args:
        work: What is to be done, such as `training`.
        parts: What it needs.
        available: Bytes that are left; `None` reads them from the system.

    Raises:
        InvalidInputError: If more is needed than is left. The message names the largest part and
            what to lower.
    """
    available = available_memory() if available is None else available
    needed = sum(part.size for part in parts)
    if available is None or needed <= available:
        return
    largest = max(parts, key=lambda part: part.size)
    raise InvalidInputError(
        f"{work} must fit into memory: lower {' or '.join(largest.settings)}. Received: "
        f"{largest.name} that take {_told(largest.size)} of the {_told(needed)} needed at the "
        f"least, where {_told(available)} are free."
    )


def _told(size: int) -> str:
    return f"{size / _GB:,.1f} GB"


def _free_on_machine() -> int | None:
    with suppress(OSError, ValueError, KeyError):
        lines = (line.split() for line in _MEMORY.read_text("utf-8").splitlines())
        kilobytes = {name: int(value) for name, value, *_ in lines}
        return 1024 * (kilobytes["MemAvailable:"] + kilobytes.get("SwapFree:", 0))
    return None


def _kept_of_files() -> int:
    with suppress(OSError, ValueError):
        lines = (line.split() for line in (_GROUP / "memory.stat").read_text("utf-8").splitlines())
        numbers = {name: int(value) for name, value in lines}
        return numbers.get("active_file", 0) + numbers.get("inactive_file", 0)
    return 0
