"""Changes which versions of a model are served and what their labels are, here and on a server.

Each change is made in the `models.config` first, then a running server is told the whole of it.
What the server refuses is undone: the file is as it was. Stock TensorFlow Serving moves a label
only to a version that is available, so one that is not served yet is brought into service before.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError
from lstm_sentiment.models_config.changes import (
    ModelChange,
    RemoveLabel,
    SetLabel,
    SetVersionPolicy,
)
from lstm_sentiment.models_config.config import load_models_config, parse_models_config
from lstm_sentiment.models_config.edit import ConfigEdit, change_model, named, put_back
from lstm_sentiment.models_config.version_policy import Specific, VersionPolicy, aspired_versions
from lstm_sentiment.rollout.status import parse_policy, policy_of, policy_text, versions_on_disk

if TYPE_CHECKING:
    from lstm_sentiment.client.model_info import VersionStatus
    from lstm_sentiment.client.model_service import RunningServer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Changed:
    """What was changed.

    Attributes:
        summary: In one line.
        undo: Arguments of `lstm-sentiment models` that undo it; empty where nothing was changed.
        notes: What else should be known, a line each.
    """

    summary: str
    undo: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class ModelsControl:
    """One model of a `models.config`, and the server that serves it."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        model_name: str | None = None,
        server: "RunningServer | None" = None,
    ) -> None:
        """Reads the config.

        Args:
            path: The `models.config`.
            model_name: The model; may be left out where there is only one.
            server: The server to tell of each change; `None` changes the file alone.

        Raises:
            ConfigError: If the file cannot be read, breaks a rule or has no such model.
        """
        self._path = Path(path)
        self._server = server
        config = load_models_config(self._path)
        self._name = str(
            config.model_config_list.config[named(model_name)(config, self._path)].name
        )

    @property
    def base_path(self) -> Path:
        """The model's folder of versions, as the config names it: it may be one in a container."""
        return Path(self._model().base_path)

    def labels(self) -> dict[str, int]:
        """What the version labels of the model point to, by the config as it is now."""
        return dict(self._model().version_labels)

    def check_label(self, label: str, version: int) -> tuple[str, ...]:
        """Checks that a label could be made to point to a version, and changes nothing.

        Args:
            label: As `label` takes it.
            version: As `label` takes it.

        Returns:
            What could not be checked, a line each.

        Raises:
            InvalidInputError: If the version cannot be served.
            LstmSentimentError: If the server does not answer.
        """
        SetLabel(label, version)
        return self._check_version(self._model(), version)

    def label(self, label: str, version: int) -> Changed:
        """Makes a label point to a version.

        Args:
            label: The label, new or not.
            version: The version. On a server it must be available, or be named by no policy of
                `specific` versions yet: then it is added there and loaded first.

        Returns:
            What was changed.

        Raises:
            InvalidInputError: If the version cannot be served, or the server refuses.
            LstmSentimentError: If something else goes wrong. The file is as it was.
        """
        change = SetLabel(label, version)
        model = self._model()
        before = model.version_labels.get(label)
        notes = self._check_version(model, version)
        with self._all_or_nothing() as edits:
            policy = policy_of(model)
            is_served = self._server is None or self._is_available(version)
            if isinstance(policy, Specific) and not is_served:
                more = SetVersionPolicy(Specific(policy.versions | {version}))
                self._change(more, edits, wait_for=version)
            self._change(change, edits)
        what = f"label {label} of model {self._name}"
        if before == version:
            return Changed(f"{what} points to version {version} already", notes=notes)
        undo = ("unlabel", label) if before is None else ("label", label, str(before))
        was = "no version" if before is None else f"version {before}"
        return Changed(f"{what} points to version {version}; it was {was}", undo, notes)

    def unlabel(self, label: str) -> Changed:
        """Takes a label away; the version that it pointed to is served as before.

        Args:
            label: The label.

        Returns:
            What was changed.

        Raises:
            InvalidInputError: If there is no such label.
            LstmSentimentError: If something else goes wrong. The file is as it was.
        """
        before = self._model().version_labels.get(label)
        with self._all_or_nothing() as edits:
            self._change(RemoveLabel(label), edits)
        return Changed(
            f"label {label} of model {self._name} is gone; it was version {before}",
            ("label", label, str(before)),
        )

    def roll_back_label(self, label: str, version: int | None = None) -> Changed:
        """Makes a label point to the version before the one it points to.

        Args:
            label: The label.
            version: The version to go back to; `None` for the next lower one that is served, or
                else is there.

        Returns:
            What was changed.

        Raises:
            InvalidInputError: If there is no such label, or no version before.
            LstmSentimentError: As `label`.
        """
        model = self._model()
        RemoveLabel(label).apply(model)  # refuses a label that is not there
        if version is None:
            current = self._model().version_labels[label]
            version = self._before(current, from_those_that_answer=True)
        return self.label(label, version)

    def roll_back(self, version: int | None = None) -> Changed:
        """Serves the version before the one that is served, and those that labels point to.

        The version policy is `specific` afterwards, so that what is exported later is not served
        until it is wanted.

        Args:
            version: The version to go back to; `None` for the next lower one.

        Returns:
            What was changed.

        Raises:
            InvalidInputError: If there is no version before.
            LstmSentimentError: If something else goes wrong. The file is as it was.
        """
        model = self._model()
        target = self._before(self._served(model)) if version is None else version
        on_disk = versions_on_disk(model.base_path)
        if on_disk is not None and target not in on_disk and not self._is_available(target):
            raise self._not_on_disk(target, on_disk)
        labels = dict(model.version_labels)
        notes = tuple(
            f"version {kept} is still served, as label {label} points to it, and answers whoever "
            "names no version"
            for label, kept in sorted(labels.items())
            if kept > target
        )
        changed = self._set_policy(Specific(frozenset({target, *labels.values()})), target)
        return Changed(changed.summary, changed.undo, notes)

    def set_policy(self, text: str) -> Changed:
        """Sets the version policy, such as back to what it was before `roll_back`.

        Args:
            text: As `parse_policy` takes it.

        Returns:
            What was changed.

        Raises:
            InvalidInputError: If it is no policy, or would not serve what labels point to.
            LstmSentimentError: If something else goes wrong. The file is as it was.
        """
        policy = parse_policy(text)
        for label, version in sorted(self._model().version_labels.items()):
            if isinstance(policy, Specific) and version not in policy.versions:
                raise InvalidInputError(
                    "a version policy must serve the versions that labels point to. "
                    f"Received: {text}, and label {label} points to version {version}."
                )
        return self._set_policy(policy)

    def _set_policy(self, policy: VersionPolicy, wait_for: int | None = None) -> Changed:
        before, after = policy_text(policy_of(self._model())), policy_text(policy)
        with self._all_or_nothing() as edits:
            self._change(SetVersionPolicy(policy), edits, wait_for=wait_for)
        what = f"version policy of model {self._name} is {after}"
        if before == after:
            return Changed(f"{what} already")
        return Changed(f"{what}; it was {before}", ("rollback", "--policy", before))

    def _model(self) -> Any:
        config = load_models_config(self._path)
        return config.model_config_list.config[named(self._name)(config, self._path)]

    def _statuses(self) -> "dict[int, VersionStatus]":
        if self._server is None:
            return {}
        return {status.version: status for status in self._server.statuses(self._name)}

    def _is_available(self, version: int) -> bool:
        status = self._statuses().get(version)
        return status is not None and status.state == "AVAILABLE"

    def _check_version(self, model: Any, version: int) -> tuple[str, ...]:
        """Refuses a version that a label could not point to, as far as that can be known here."""
        policy, on_disk = policy_of(model), versions_on_disk(model.base_path)
        is_to_be_added = isinstance(policy, Specific) and version not in policy.versions
        if self._server is not None:
            if self._is_available(version):
                return ()
            if not is_to_be_added:
                raise self._not_available(version)
        if on_disk is None:
            return (
                f"base path {model.base_path} is not on this machine, so that version {version} "
                "could not be looked for",
            )
        if version not in on_disk:
            raise self._not_on_disk(version, on_disk)
        if not is_to_be_added and version not in aspired_versions(policy, on_disk):
            raise self._not_served(version, policy)
        return ()

    def _served(self, model: Any) -> int:
        """The version that answers whoever names none."""
        if self._server is not None:
            served = {n for n, s in self._statuses().items() if s.state == "AVAILABLE"}
        else:
            policy, on_disk = policy_of(model), versions_on_disk(model.base_path)
            if on_disk is None:
                on_disk = sorted(policy.versions) if isinstance(policy, Specific) else []
            served = {*aspired_versions(policy, on_disk)}
        if not served:
            raise InvalidInputError(
                f"the version to go back from must be served, or else --version be given. "
                f"Received: no version of model {self._name} is known to be."
            )
        return max(served)

    def _before(self, current: int, *, from_those_that_answer: bool = False) -> int:
        """The next lower version that is there and is not known to fail."""
        model, statuses = self._model(), self._statuses()
        policy, on_disk = policy_of(model), versions_on_disk(model.base_path)
        answering = {n for n, s in statuses.items() if s.state == "AVAILABLE"}
        there = {*statuses, *(on_disk or ())}
        if on_disk is None and isinstance(policy, Specific):
            there |= policy.versions
        there -= {n for n, s in statuses.items() if s.error_message}
        for versions in (answering, there) if from_those_that_answer else (there,):
            lower = [version for version in versions if version < current]
            if lower:
                return max(lower)
        known = ", ".join(map(str, sorted(there))) or "none"
        raise InvalidInputError(
            f"there must be a version of model {self._name} before version {current}, or --version "
            f"be given. Received: {known}."
        )

    def _change(
        self, change: ModelChange, edits: list[ConfigEdit], wait_for: int | None = None
    ) -> None:
        edits.append(change_model(self._path, named(self._name), change))
        if self._server is not None:
            self._server.reload(edits[-1].config)
            if wait_for is not None:
                self._server.wait_until_available(self._name, wait_for)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[list[ConfigEdit]]:
        """Takes the edits made inside back where an error comes, and tells the server so too."""
        edits: list[ConfigEdit] = []
        try:
            yield edits
        except LstmSentimentError as error:
            if not edits:
                raise
            reason = str(error).rstrip(".")
            raise type(error)(f"{reason}. {self._take_back(edits)}") from error

    def _take_back(self, edits: list[ConfigEdit]) -> str:
        if not all([put_back(edit) for edit in reversed(edits)]):
            return f"{self._path} was changed by another meanwhile, and not put back."
        before = edits[0].before
        if self._server is not None and before is not None:
            # It may have gone half way, or have refused what it was not asked for here.
            with suppress(LstmSentimentError):
                self._server.reload(parse_models_config(before, source=str(self._path)))
        return f"{self._path} is as it was."

    def _not_available(self, version: int) -> InvalidInputError:
        from lstm_sentiment.client.model_service import describe_status

        told = describe_status(self._statuses().get(version))
        return InvalidInputError(
            f"a label may only point to an AVAILABLE version. Received: version {version} of model "
            f"{self._name}, which {told}."
        )

    def _not_served(self, version: int, policy: VersionPolicy) -> InvalidInputError:
        return InvalidInputError(
            "a label may only point to a version that the version policy serves. Received: "
            f"version {version} of model {self._name}, whose policy is {policy_text(policy)}."
        )

    def _not_on_disk(self, version: int, on_disk: list[int]) -> InvalidInputError:
        there = ", ".join(map(str, on_disk)) or "none"
        return InvalidInputError(
            f"the version must be a folder under the base path of model {self._name}: {there}. "
            f"Received: {version}."
        )
