"""Version policies of a `models.config`: the aspired versions among those on disk.

As in `tensorflow_serving/sources/storage_path/file_system_storage_path_source.cc`.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Latest:
    """Serves the `num_versions` highest version numbers; 0 means 1, as in TensorFlow Serving."""

    num_versions: int = 1


@dataclass(frozen=True)
class All:
    """Serves every version on disk."""


@dataclass(frozen=True)
class Specific:
    """Serves the named versions that are on disk."""

    versions: frozenset[int]


VersionPolicy = Latest | All | Specific


@dataclass(frozen=True)
class ServableToMonitor:
    """One base path to watch: `FileSystemStoragePathSourceConfig.ServableToMonitor`.

    Attributes:
        name: The servable stream of the versions.
        base_path: The folder of the versions.
        version_policy: Chooses the aspired versions.
    """

    name: str
    base_path: Path
    version_policy: VersionPolicy = Latest()


def aspired_versions(policy: VersionPolicy, versions_on_disk: Iterable[int]) -> frozenset[int]:
    """Returns the versions on disk that a version policy serves."""
    found = frozenset(versions_on_disk)
    match policy:
        case Latest(num_versions):
            return frozenset(heapq.nlargest(max(num_versions, 1), found))
        case All():
            return found
        case Specific(versions):
            return found & versions
