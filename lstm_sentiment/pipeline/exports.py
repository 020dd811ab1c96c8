"""The record of a run's exports: `checkpoints/exports.json` in its folder.

A version is noted before it appears, by the digest of its digests, which no other version has. So a
run that was killed at any moment knows afterwards whether its version is there.
"""

import json
from collections.abc import Collection
from pathlib import Path

from lstm_sentiment.errors import TrainingError
from lstm_sentiment.system import write_whole
from lstm_sentiment.version_digests import DIGESTS, file_sha256
from lstm_sentiment.version_folder import version_folders

EXPORTS = Path("checkpoints") / "exports.json"

_SERVED = "served before"


class Exports:
    """The versions of one run below one base path."""

    def __init__(self, run_dir: Path, base: Path) -> None:
        """Reads nothing yet."""
        self._path, self._base = run_dir / EXPORTS, base

    def note(self, name: str, folder: Path) -> None:
        """Notes a complete version that is about to appear, under a name of the run's own.

        Raises:
            TrainingError: If the file cannot be written.
        """
        self._save(name, file_sha256(folder / DIGESTS))

    def served_before(self, versions: Collection[int]) -> frozenset[int]:
        """Notes the versions that a config names before the run moves its label.

        Args:
            versions: What it names now.

        Returns:
            What it named when this was first called for the run.

        Raises:
            TrainingError: If the file cannot be written.
        """
        noted = self._load().get(_SERVED)
        if noted is None:
            noted = " ".join(map(str, sorted(versions)))
            self._save(_SERVED, noted)
        return frozenset(int(version) for version in noted.split() if version.isdecimal())

    def find(self, name: str) -> Path | None:
        """Returns the folder of the version that was noted, or `None` if it did not appear."""
        noted = self._load().get(name)
        if noted is None or not self._base.is_dir():
            return None
        for folder in version_folders(self._base).values():
            digests = folder / DIGESTS
            if digests.is_file() and file_sha256(digests) == noted:
                return folder
        return None

    def _save(self, name: str, value: str) -> None:
        noted = {**self._load(), name: value}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with write_whole(self._path) as file:
                file.write((json.dumps(noted, indent=2) + "\n").encode())
        except OSError as error:
            raise TrainingError(f"{self._path}: cannot be written: {error.strerror}.") from error

    def _load(self) -> dict[str, str]:
        """Returns what is noted, by name; a damaged file counts as empty, and is rewritten."""
        try:
            noted = json.loads(self._path.read_text("utf-8"))
            return {str(name): str(digest) for name, digest in noted.items()}
        except (OSError, ValueError, AttributeError):
            return {}
