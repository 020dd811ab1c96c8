"""The CPU limit of a container or a service, which Linux keeps in cgroups of version 2.

Format: https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ROOT, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def cpu_limit(root: Path = _ROOT, own: Path = _OWN) -> float | None:
    """Returns how many CPUs' time this process may use at most, `None` without a limit.

    Args:
        root: Where cgroups are mounted.
        own: The file that names the cgroup of this process.
    """
    return min(_limits(root, own), default=None)


def _limits(root: Path, own: Path) -> Iterator[float]:
    """Yields the limits of the process's cgroup and of those above it."""
    folder = root / _own_path(own)
    for each in (folder, *folder.parents):
        if not each.is_relative_to(root):
            return
        with suppress(OSError, ValueError):
            # Microseconds of each period, such as `150000 100000`, or `max 100000`.
            quota, period = (each / "cpu.max").read_text("ascii").split()
            yield int(quota) / int(period)


def _own_path(own: Path) -> str:
    with suppress(OSError):
        for line in own.read_text("utf-8", "surrogateescape").splitlines():
            if line.startswith("0::"):
                return line.removeprefix("0::").lstrip("/")
    return ""
