"""Files that are read again when what is in them has changed."""

import hashlib
from pathlib import Path


class WatchedFiles:
    """Knows what was in some files when they were last looked at.

    It compares contents: a Kubernetes secret changes by other files under a link, which keep their
    names and may keep their times. Only digests stay in memory.
    """

    def __init__(self, *paths: str | Path) -> None:
        """Looks at the files; make it before they are read, so that no change is missed."""
        self._paths = paths
        self._seen = self._digests()

    def have_changed(self) -> bool:
        """Returns whether a file holds something else than at the last look."""
        before, self._seen = self._seen, self._digests()
        return self._seen != before

    def _digests(self) -> list[bytes | None]:
        return [_digest(path) for path in self._paths]


def _digest(path: str | Path) -> bytes | None:
    """Returns the digest of a file; `None` for one that cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).digest()
    except OSError:
        return None
