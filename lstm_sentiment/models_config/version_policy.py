"""Which versions to serve, and what to do next to get there: pure functions.

Two questions, two policies. The version policy of `models.config` chooses the aspired versions
from those on disk (`tensorflow_serving/sources/storage_path/file_system_storage_path_source.cc`).
The aspired version policy orders loads and unloads
(`tensorflow_serving/core/availability_preserving_policy.cc`, `resource_preserving_policy.cc`).
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Latest:
    """Serve the highest version numbers.

    Attributes:
        num_versions: How many of them; 0 means 1, as in TensorFlow Serving.
    """

    num_versions: int = 1


@dataclass(frozen=True)
class All:
    """Serve every version found."""


@dataclass(frozen=True)
class Specific:
    """Serve the versions named, of those found."""

    versions: frozenset[int]


VersionPolicy = Latest | All | Specific


@dataclass(frozen=True)
class ServableToMonitor:
    """One base path to watch: `FileSystemStoragePathSourceConfig.ServableToMonitor`.

    Attributes:
        name: The servable stream its versions belong to.
        base_path: The folder whose numeric children are the versions.
        version_policy: Which of them are aspired.
    """

    name: str
    base_path: Path
    version_policy: VersionPolicy = Latest()


def aspired_versions(policy: VersionPolicy, versions_on_disk: Iterable[int]) -> frozenset[int]:
    """Chooses the versions to serve from those there are.

    Args:
        policy: The version policy of the model.
        versions_on_disk: Version numbers found under the base path, in any order.

    Returns:
        The aspired ones: always a subset of `versions_on_disk`.
    """
    found = frozenset(versions_on_disk)
    match policy:
        case Latest(num_versions):
            return frozenset(heapq.nlargest(max(num_versions, 1), found))
        case All():
            return found
        case Specific(versions):
            return found & versions
