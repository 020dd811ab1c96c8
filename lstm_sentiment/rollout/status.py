"""What a `models.config`, the folders of versions and a running server say of each model."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.models_config.config import load_models_config, policy_of
from lstm_sentiment.models_config.model_choice import named
from lstm_sentiment.models_config.version_policy import All, Latest, Specific, VersionPolicy
from lstm_sentiment.version_folder import version_folders

if TYPE_CHECKING:
    from lstm_sentiment.client.model_info import VersionStatus
    from lstm_sentiment.client.model_service import RunningServer


@dataclass(frozen=True)
class ModelStatus:
    """One model.

    Attributes:
        name: Its name.
        base_path: Its folder of versions; `None` if no config was read.
        version_policy: Which versions are to be served, as `policy_text` writes it; `None` if no
            config was read.
        labels: Its version labels, and what they point to.
        versions_on_disk: The versions in its folder; `None` if that is not on this machine.
        versions: Where each version stands on the server, the highest first; empty if the server
            does not know the model, `None` if no server was asked.
    """

    name: str
    base_path: str | None
    version_policy: str | None
    labels: dict[str, int]
    versions_on_disk: list[int] | None
    versions: "list[VersionStatus] | None"

    def to_dict(self) -> dict[str, Any]:
        """The status as `models status --json` prints it."""
        versions = self.versions
        return {
            "name": self.name,
            "base_path": self.base_path,
            "version_policy": self.version_policy,
            "labels": self.labels,
            "versions_on_disk": self.versions_on_disk,
            "versions": None
            if versions is None
            else [
                {"version": v.version, "state": v.state, "error_message": v.error_message}
                for v in versions
            ],
        }


def models_status(
    path: str | os.PathLike[str] | None = None,
    *,
    server: "RunningServer | None" = None,
    model_name: str | None = None,
) -> list[ModelStatus]:
    """Tells of the models of a config, of a server, or of both.

    Args:
        path: A `models.config`.
        server: Whom to ask where the versions stand.
        model_name: Tell of this model alone; needed where there is no config.

    Returns:
        The models, in the config's order.

    Raises:
        InvalidInputError: If there is neither a config nor a model of a server to ask for.
        ConfigError: If the config cannot be read, breaks a rule or has no such model.
        LstmSentimentError: If the server does not answer.
    """
    if path is None:
        if server is None or model_name is None:
            raise InvalidInputError(
                "A models.config must be given, or a server and the name of a model. "
                "Received: neither."
            )
        return [ModelStatus(model_name, None, None, {}, None, _versions(server, model_name))]
    config = load_models_config(Path(path))
    models = config.model_config_list.config
    indices = range(len(models)) if model_name is None else [named(model_name)(config, Path(path))]
    return [
        ModelStatus(
            name=models[index].name,
            base_path=models[index].base_path,
            version_policy=policy_text(policy_of(models[index])),
            labels=dict(sorted(models[index].version_labels.items())),
            versions_on_disk=versions_on_disk(models[index].base_path),
            versions=None if server is None else _versions(server, models[index].name),
        )
        for index in indices
    ]


def versions_on_disk(base_path: str) -> list[int] | None:
    """Lists the versions in a folder.

    Args:
        base_path: The folder.

    Returns:
        Their numbers in order; `None` if it cannot be read here: it may be one in a container.
    """
    try:
        return sorted(version_folders(Path(base_path)))
    except (OSError, ValueError):
        return None


def policy_text(policy: VersionPolicy) -> str:
    """Writes a version policy as `parse_policy` reads it.

    Args:
        policy: The policy.

    Returns:
        `latest:2`, `all` or `specific:1,2`.
    """
    match policy:
        case Latest(num_versions):
            return f"latest:{num_versions}"
        case All():
            return "all"
        case Specific(versions):
            return f"specific:{','.join(map(str, sorted(versions)))}"


def parse_policy(text: str) -> VersionPolicy:
    """Reads a version policy from the command line.

    Args:
        text: `latest`, `latest:N`, `all` or `specific:N,N...`.

    Returns:
        The policy.

    Raises:
        InvalidInputError: If it is none of these.
    """
    if text == "all":
        return All()
    if match := re.fullmatch(r"latest(?::([0-9]+))?", text):
        return Latest(int(match[1] or 1))
    if match := re.fullmatch(r"specific:([0-9]+(?:,[0-9]+)*)", text):
        return Specific(frozenset(map(int, match[1].split(","))))
    raise InvalidInputError(
        f"a version policy must be latest:N, all or specific:N,N. Received: {text!r}."
    )


def _versions(server: "RunningServer", model_name: str) -> "list[VersionStatus]":
    try:
        return server.statuses(model_name)
    except ServableNotFoundError:
        return []
