"""Removal of old versions of a servable."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from lstm_sentiment.checks import positive
from lstm_sentiment.errors import ExportError
from lstm_sentiment.system import sync_to_disk
from lstm_sentiment.version_folder import GRAPH, parse_version

_REMOVING_PREFIX = ".removing-"


def remove_old_versions(
    base_path: str | os.PathLike[str], keep: int, protected: Collection[int] = frozenset()
) -> list[int]:
    """Removes all versions but the highest ones and the protected ones.

    Versions are first renamed, the oldest first, to names that no server reads, and then deleted,
    so that no server reads half a version. Leftovers of a killed process under such names are
    deleted too.

    Args:
        base_path: The servable's folder. Only folders in it that are named by a version number and
            hold a `saved_model.pb` are removed.
        keep: Number of the highest versions to keep, positive.
        protected: Versions to keep in any case.

    Returns:
        The numbers of the removed versions, in ascending order.

    Raises:
        InvalidInputError: If `keep` is not positive.
        ExportError: If the folder cannot be read or a version cannot be removed.
    """
    positive(keep=keep)
    base = Path(base_path)
    with _refusal(f"{base}: cannot be read"):
        old = _old_versions(base, keep, protected)
    removed = sorted({version for version, folder in old if _put_aside(folder)})
    with _refusal(f"{base}: cannot be cleared of old versions"):
        if removed:
            # After a loss of power, no half-deleted version has its number back.
            sync_to_disk(base)
        aside = [entry for entry in base.iterdir() if entry.name.startswith(_REMOVING_PREFIX)]
    for folder in aside:
        _delete(folder)
    return removed


def _old_versions(base: Path, keep: int, protected: Collection[int]) -> list[tuple[int, Path]]:
    """Finds the folders to remove, with their version numbers in ascending order."""
    found = [(parse_version(entry.name), entry) for entry in base.iterdir()]
    versions = sorted(
        (version, folder)
        for version, folder in found
        if version is not None and (folder / GRAPH).is_file()
    )
    kept = {*sorted({version for version, _ in versions})[-keep:], *protected}
    # A version to keep may be a link to an older one, as after a rollback by `ln -s 3 5`.
    needed = {os.path.realpath(folder) for version, folder in versions if version in kept}
    return [old for old in versions if os.path.realpath(old[1]) not in needed]


def _put_aside(folder: Path) -> bool:
    """Renames a version; returns False if another process was first."""
    with _refusal(f"{folder}: cannot be removed"), suppress(FileNotFoundError):
        folder.rename(folder.with_name(f"{_REMOVING_PREFIX}{folder.name}-{uuid4().hex}"))
        return True
    return False


def _delete(folder: Path) -> None:
    with _refusal(f"{folder}: cannot be removed"):
        if folder.is_symlink():  # only the link is removed, not its target
            folder.unlink(missing_ok=True)
        while folder.is_dir():
            # Another process may be deleting the same folder at the same time.
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)


@contextmanager
def _refusal(message: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(f"{message}: {error.strerror}.") from error
