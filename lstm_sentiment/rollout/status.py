"""The status of models, from a `models.config`, the folders of versions and a running server."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.models_config.config import load_models_config, policy_of
from lstm_sentiment.models_config.model_choice import named
from lstm_sentiment.models_config.version_policy import All, Latest, Specific, VersionPolicy
from lstm_sentiment.version_folder import version_folders
from lstm_sentiment.versions.facts import VersionFacts, facts_of

if TYPE_CHECKING:
    from lstm_sentiment.client.model_info import VersionStatus
    from lstm_sentiment.client.model_service import RunningServer


@dataclass(frozen=True)
class ModelStatus:
    """The status of one model.

    Attributes:
        name: The model's name.
        base_path: The folder of versions; `None` without a config.
        version_policy: The version policy, as `policy_text` writes it; `None` without a config.
        labels: The version of each label.
        versions_on_disk: The versions in the folder; `None` if that is not on this machine.
        versions: The state of each version on the server, the highest first; empty if the server
            does not know the model, `None` without a server.
        facts: Date and scores of each version on disk that has a readable card.
    """

    name: str
    base_path: str | None
    version_policy: str | None
    labels: dict[str, int]
    versions_on_disk: list[int] | None
    versions: "list[VersionStatus] | None"
    facts: Mapping[int, VersionFacts] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns the status as `models status --json` prints it."""
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
            "facts": {str(version): facts.to_dict() for version, facts in self.facts.items()},
        }


def models_status(
    path: str | os.PathLike[str] | None = None,
    *,
    server: "RunningServer | None" = None,
    model_name: str | None = None,
) -> list[ModelStatus]:
    """Returns the status of models, in the config's order.

    Args:
        path: A `models.config`; `None` for the status on the server alone.
        server: A running server; `None` for the status on disk alone.
        model_name: Only this model; needed without a config.

    Raises:
        InvalidInputError: If there is neither a config, nor a server and a model's name.
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
            facts=_facts(models[index].base_path),
        )
        for index in indices
    ]


def versions_on_disk(base_path: str) -> list[int] | None:
    """Returns the versions in a folder, in order; `None` if the folder cannot be read here."""
    try:
        return sorted(version_folders(Path(base_path)))
    except (OSError, ValueError):
        return None


def _facts(base_path: str) -> dict[int, VersionFacts]:
    try:
        folders = version_folders(Path(base_path))
    except (OSError, ValueError):
        return {}
    found = {version: facts_of(folder) for version, folder in sorted(folders.items())}
    return {version: facts for version, facts in found.items() if facts is not None}


def policy_text(policy: VersionPolicy) -> str:
    """Returns a version policy as `parse_policy` reads it, such as `latest:2`."""
    match policy:
        case Latest(num_versions):
            return f"latest:{num_versions}"
        case All():
            return "all"
        case Specific(versions):
            return f"specific:{','.join(map(str, sorted(versions)))}"


def parse_policy(text: str) -> VersionPolicy:
    """Parses a version policy of the command line.

    Args:
        text: `latest`, `latest:N`, `all` or `specific:N,N...`.

    Raises:
        InvalidInputError: If the text has another form.
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
