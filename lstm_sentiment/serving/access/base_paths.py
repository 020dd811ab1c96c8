"""Which folders a config that comes by request may name.

A `models.config` is a file of whoever runs the server. HandleReloadConfigRequest comes over the
network, and what is in a base path is a program: so a request may only name folders that whoever
runs the server has named, or has beside those.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lstm_sentiment.models_config.logging_config import request_logging
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.errors import PermissionDeniedError


class AllowedBasePaths:
    """Decides by which base paths, and which folders of request logs, a request may be served.

    Always: those of configs that whoever runs the server has given, in whatever way. Besides, what
    is in the folders that are allowed; or, where none were named, the folders beside those
    base paths. Folders that everybody may write to, such as `/tmp`, and the root are no such
    neighbourhood.

    Links are resolved in what a request names. Safe to share among threads.
    """

    def __init__(self, folders: Iterable[str | Path] | None = None) -> None:
        """Keeps the folders.

        Args:
            folders: Base paths in them are allowed, at any depth; an empty list allows no more than
                the configs of whoever runs the server. `None` allows the folders beside theirs.
        """
        self._folders = None if folders is None else [*map(os.path.abspath, folders)]
        self._trusted_folders: frozenset[str] = frozenset()
        self._trusted_base_paths: frozenset[str] = frozenset()

    def trust(self, config: ModelServerConfig) -> None:
        """Allows what a config names that came from whoever runs the server."""
        base_paths = {model.base_path for model in config.model_config_list.config}
        self._trusted_base_paths |= base_paths
        self._trusted_folders |= base_paths | {folder for _, _, folder in _log_folders(config)}

    def check(self, config: ModelServerConfig) -> None:
        """Checks a config that came by request, before anything that it names is looked at.

        Raises:
            PermissionDeniedError: If it names a base path or a folder for a request log that is not
                allowed. The message does not tell which are, or whether the folder exists.
        """
        places = _Places(self._trusted_folders, self._trusted_base_paths, self._folders)
        for model in config.model_config_list.config:
            # What is not absolute is refused anyhow, by the rules for all configs.
            if os.path.isabs(model.base_path) and not places.hold(model.base_path):
                raise _refusal("base_path", model.base_path, model.name)
        for name, prefix, folder in _log_folders(config):
            if not places.hold(folder):
                raise _refusal("filename_prefix", prefix, name)


@dataclass(frozen=True)
class _Places:
    """The folders that one config may name, where links lead now."""

    trusted_folders: frozenset[str]
    trusted_base_paths: frozenset[str]
    folders: Sequence[str] | None

    def hold(self, folder: str) -> bool:
        if folder in self.trusted_folders:
            return True
        try:
            resolved = os.path.realpath(folder)
        except ValueError:  # a zero in it
            return False
        if resolved in self._trusted:
            return True
        if self.folders is None:
            return os.path.dirname(resolved) in self._neighbourhoods
        return any(Path(resolved).is_relative_to(each) for each in self._allowed)

    @cached_property
    def _trusted(self) -> frozenset[str]:
        return frozenset(map(os.path.realpath, self.trusted_folders))

    @cached_property
    def _allowed(self) -> list[str]:
        return [os.path.realpath(folder) for folder in self.folders or ()]

    @cached_property
    def _neighbourhoods(self) -> frozenset[str]:
        parents = map(os.path.dirname, self.trusted_base_paths)
        return frozenset(filter(_is_somebodys, map(os.path.realpath, parents)))


def _log_folders(config: ModelServerConfig) -> Iterator[tuple[str, str, str]]:
    for name, logging in request_logging(config).items():
        prefix = logging.filename_prefix
        yield name, prefix, os.path.dirname(os.path.abspath(prefix))


def _is_somebodys(folder: str) -> bool:
    """Returns whether a folder is not the root, and not everybody may put folders into it."""
    if os.path.dirname(folder) == folder:
        return False
    try:
        return os.name != "posix" or not os.stat(folder).st_mode & stat.S_IWOTH
    except OSError:
        return False


def _refusal(field: str, path: str, name: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{field} must be in a folder that a reload request may name: one that is served, a "
        f"neighbour of it, or one of the server's --allowed-base-paths. Received: "
        f"{field}={path!r} for model {name!r}."
    )
