"""Versions that a label may point to or a rollback may go to, by config, disk and server."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.config import policy_of
from lstm_sentiment.models_config.version_policy import Specific, VersionPolicy, aspired_versions
from lstm_sentiment.rollout.status import policy_text, versions_on_disk

if TYPE_CHECKING:
    from lstm_sentiment.client.model_info import VersionStatus


@dataclass(frozen=True)
class ModelState:
    """One model at one moment, by its config, its folder of versions, and a server.

    Attributes:
        model: The `ModelConfig`.
        statuses: The state of each version on the server; `None` without a server.
    """

    model: Any
    statuses: "Mapping[int, VersionStatus] | None"

    @cached_property
    def policy(self) -> VersionPolicy:
        """The version policy of the model."""
        return policy_of(self.model)

    @cached_property
    def on_disk(self) -> list[int] | None:
        """The versions in the base path; `None` if that is not on this machine."""
        return versions_on_disk(self.model.base_path)

    @property
    def available(self) -> frozenset[int]:
        """The versions that are AVAILABLE on the server; empty without a server."""
        statuses = self.statuses or {}
        return frozenset(n for n, status in statuses.items() if status.state == "AVAILABLE")

    def check_label(self, version: int) -> tuple[str, ...]:
        """Checks that a label may point to a version, as far as that can be known here.

        Returns:
            Checks that could not be made, a line each.

        Raises:
            InvalidInputError: If the version cannot be served.
        """
        is_to_be_added = isinstance(self.policy, Specific) and version not in self.policy.versions
        if self.statuses is not None:
            if version in self.available:
                return ()
            if not is_to_be_added:
                raise self._not_available(version)
        if self.on_disk is None:
            return (
                f"base path {self.model.base_path} is not on this machine, so that version "
                f"{version} could not be looked for",
            )
        self.check_on_disk(version)
        if not is_to_be_added and version not in aspired_versions(self.policy, self.on_disk):
            raise InvalidInputError(
                "a label may only point to a version that the version policy serves. Received: "
                f"version {version} of model {self.model.name}, whose policy is "
                f"{policy_text(self.policy)}."
            )
        return ()

    def check_on_disk(self, version: int) -> None:
        """Checks that a version is in the base path, if that is on this machine.

        Raises:
            InvalidInputError: If the version is not there.
        """
        if self.on_disk is not None and version not in self.on_disk:
            there = ", ".join(map(str, self.on_disk)) or "none"
            raise InvalidInputError(
                f"the version must be a folder under the base path of model {self.model.name}: "
                f"{there}. Received: {version}."
            )

    def default_version(self) -> int:
        """Returns the version that answers requests without version and label.

        Raises:
            InvalidInputError: If no version is known to be served.
        """
        served = self.available
        if self.statuses is None:
            named = self.policy.versions if isinstance(self.policy, Specific) else ()
            found = named if self.on_disk is None else self.on_disk
            served = aspired_versions(self.policy, found)
        if not served:
            raise InvalidInputError(
                "the version to go back from must be served, or else --version be given. "
                f"Received: no version of model {self.model.name} is known to be."
            )
        return max(served)

    def version_before(self, current: int, *, prefer_available: bool = False) -> int:
        """Returns the next lower version that exists and is not known to fail.

        Args:
            current: The version to go back from.
            prefer_available: Takes an available version, if there is a lower one.

        Raises:
            InvalidInputError: If there is no lower version.
        """
        statuses = self.statuses or {}
        there = {*statuses, *(self.on_disk or ())}
        if self.on_disk is None and isinstance(self.policy, Specific):
            there |= self.policy.versions
        there -= {number for number, status in statuses.items() if status.error_message}
        for versions in (self.available, there) if prefer_available else (there,):
            lower = [version for version in versions if version < current]
            if lower:
                return max(lower)
        known = ", ".join(map(str, sorted(there))) or "none"
        raise InvalidInputError(
            f"there must be a version of model {self.model.name} before version {current}, or "
            f"--version be given. Received: {known}."
        )

    def _not_available(self, version: int) -> InvalidInputError:
        from lstm_sentiment.client.model_service import describe_status

        told = describe_status((self.statuses or {}).get(version))
        return InvalidInputError(
            f"a label may only point to an AVAILABLE version. Received: version {version} of model "
            f"{self.model.name}, which {told}."
        )
