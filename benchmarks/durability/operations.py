"""The file operations of a process: counted, and one of them is where it is killed or refused."""

import errno
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = frozenset(
    f"os.{name}"
    for name in ("rename", "remove", "mkdir", "rmdir", "link", "symlink", "chmod", "truncate")
)
_NEED_SPACE = frozenset({"open", "os.mkdir", "os.link", "os.symlink", "fsync", "commit"})

FULL = ("ENOSPC", "EDQUOT")
REFUSED = ("EACCES", "EROFS", "EIO")


@dataclass(frozen=True)
class Blow:
    """A blow that a process gets at one of its file operations.

    Attributes:
        at: The number of the file operation, from 1; 0 for none.
        error: Name of the error that the operation ends with; `None` kills the process there.
            A full disk stays full: whatever needs space fails from then on.
        file_bytes: Bytes that a file may have; 0 sets no limit. A process that writes more is
            killed in the middle of the write; with `error`, the write fails.
    """

    at: int = 0
    error: str | None = None
    file_bytes: int = 0

    def __str__(self) -> str:
        """Names the blow in a line of a table or an error."""
        end = "killed" if self.error is None else self.error
        if self.file_bytes:
            return f"{end} where a file has {self.file_bytes:,} bytes"
        return f"{end} at operation {self.at}"


def watch(folder: Path, blow: Blow) -> Callable[[], list[str]]:
    """Counts this process's file operations in a folder, and strikes at one of them.

    An operation is a file that is opened for writing, synced, renamed or deleted, a folder that is
    made or deleted, and a transaction of a database that is committed.

    Args:
        folder: Absolute path.
        blow: What happens.

    Returns:
        A function that returns the operations so far, as lines.
    """
    watcher = _Watcher(os.path.realpath(folder), blow)
    sys.addaudithook(watcher.audit)
    _watch_syncs(watcher)
    _watch_commits(watcher)
    if blow.file_bytes:
        killed = blow.error is None
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if killed else signal.SIG_IGN)
        _, highest = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (blow.file_bytes, highest))
    return lambda: watcher.met


def _watch_syncs(watcher: "_Watcher") -> None:
    sync = os.fsync

    def watched(descriptor: int) -> None:
        watcher.meet("fsync", "")
        sync(descriptor)

    os.fsync = watched  # type: ignore[assignment]


def _watch_commits(watcher: "_Watcher") -> None:
    try:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
    except ImportError:
        return
    event.listen(Engine, "commit", lambda connection: watcher.meet("commit", ""))


class _Watcher:
    def __init__(self, folder: str, blow: Blow) -> None:
        self._folder, self._blow = folder, blow
        self.met: list[str] = []

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Meets the operations among the events of Python's audit hooks."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES and self._is_inside(path):
                self.meet(event, path)
        elif event in _CHANGES:
            path = arguments[0]
            below = event in ("os.remove", "os.rmdir") and arguments[-1] not in (-1, None)
            if below or self._is_inside(path):
                self.meet(event, path)

    def meet(self, operation: str, path: Any) -> None:
        """Counts an operation, and kills the process or raises an error there."""
        self.met.append(f"{operation} {path}")
        blow, number = self._blow, len(self.met)
        if not blow.at or number < blow.at:
            return
        if blow.error is None:
            os.kill(os.getpid(), signal.SIGKILL)
        elif number == blow.at or (blow.error in FULL and operation in _NEED_SPACE):
            code = getattr(errno, blow.error)
            raise OSError(code, os.strerror(code), path or None)

    def _is_inside(self, path: Any) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(self._folder + os.sep)
