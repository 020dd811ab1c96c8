"""Digests of a version's files, by which a damaged file is found before it is used.

    3/assets.extra/digests.json     DIGESTS: {"format": 1, "files": {PATH: {"bytes", "sha256"}}}

An export writes it last. Not in it are the light twin, whose own description has digests, and the
warmup requests, which users may replace and whose records have checksums. A version without the
file, as of an earlier release or another program, is not checked.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_sentiment.errors import InvalidInputError

DIGESTS = Path("assets.extra") / "digests.json"

_LEFT_OUT = ("assets.extra/light/", "assets.extra/tf_serving_warmup_requests", DIGESTS.as_posix())
_FORMAT = 1


def save_digests(version_dir: Path) -> None:
    """Writes the digests of all files of a version.

    Raises:
        OSError: If a file cannot be read or written.
    """
    files = {
        name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(version_dir.rglob("*"))
        if path.is_file()
        and not (name := path.relative_to(version_dir).as_posix()).startswith(_LEFT_OUT)
    }
    content = json.dumps({"format": _FORMAT, "files": files}, ensure_ascii=False, indent=2)
    (version_dir / DIGESTS).write_text(content + "\n", "utf-8")


def has_digests(version_dir: Path) -> bool:
    """Returns whether a version has digests, which may be damaged themselves."""
    return (version_dir / DIGESTS).exists()


def check_version(version_dir: Path) -> None:
    """Checks that all files of a version have the content that they were written with.

    Raises:
        InvalidInputError: One line that begins with the path of the first file that has not, or
            that is missing or cannot be read.
    """
    _check(version_dir, _load(version_dir))


def check_file(version_dir: Path, name: Path) -> None:
    """Checks one file of a version as `check_version` does; `name` is its path in the folder.

    Raises:
        InvalidInputError: See `check_version`.
    """
    files = _load(version_dir)
    _check(version_dir, {key: files[key] for key in (name.as_posix(),) if key in files})


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal digits.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(version_dir: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    for name, facts in files.items():
        path = version_dir / name
        try:
            is_whole = path.stat().st_size == facts["bytes"] and (
                file_sha256(path) == facts["sha256"]
            )
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error
        if not is_whole:
            raise InvalidInputError(
                f"{path}: must be as it was when the version was written, with the digest in "
                f"{DIGESTS.name}: copy or export the version again (or delete {DIGESTS.name}, if "
                "the file was changed on purpose). Received: another content."
            )


def _load(version_dir: Path) -> Mapping[str, Mapping[str, Any]]:
    path = version_dir / DIGESTS
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']!r}")
        files = {str(name): dict(facts) for name, facts in content["files"].items()}
        for facts in files.values():
            facts["bytes"], facts["sha256"]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInputError(
            f"{path}: must hold the digests of the version's files. Received: "
            f"{type(error).__name__}: {error}."
        ) from error
    return files
