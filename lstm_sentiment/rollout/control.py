"""Changes version labels and version policies, in a `models.config` and on a running server.

Each change is written to the file first, then the server reloads the whole config. If the server
refuses, the file is restored. Stock TensorFlow Serving moves a label only to a version that is
available, so a version that is not served yet is loaded first.
"""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.changes import (
    RemoveLabel,
    SetLabel,
    SetVersionPolicy,
    first_step_to,
)
from lstm_sentiment.models_config.config import policy_of
from lstm_sentiment.models_config.edit import read_config
from lstm_sentiment.models_config.model_choice import named
from lstm_sentiment.models_config.version_label import accepts_label
from lstm_sentiment.models_config.version_policy import (
    Specific,
    VersionPolicy,
    aspired_versions,
)
from lstm_sentiment.rollout.model_state import ModelState
from lstm_sentiment.rollout.status import parse_policy, policy_text, versions_on_disk
from lstm_sentiment.rollout.transaction import Transaction

if TYPE_CHECKING:
    from lstm_sentiment.client.model_info import VersionStatus
    from lstm_sentiment.client.model_service import RunningServer


_WHAT_STOCK_ASKS = (
    "a TensorFlow Serving that polls the file refuses it until it serves version {version}: if it "
    "has not read yet that version {version} is to be served, undo this and wait"
)


@dataclass(frozen=True)
class Changed:
    """A change of a model, made in the file and on the server.

    Attributes:
        summary: One line.
        undo: Arguments of `lstm-sentiment models` that undo the change; empty if nothing changed.
        notes: Remarks, a line each.
        to_do: Arguments of `lstm-sentiment models` that make the rest of the change, once a server
            serves the version; empty if nothing is left to do.
    """

    summary: str
    undo: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    to_do: tuple[str, ...] = ()


class ModelsControl:
    """Controls one model of a `models.config`, and the server that serves it.

    Methods raise LstmSentimentError if the file cannot be read or written, or the server does not
    answer. Whatever they raise, the file is as it was.

    Raises:
        ConfigError: If the file cannot be read, breaks a rule or has no such model.
    """

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
            model_name: `None` for the only model of the config.
            server: Reloads the config after each change; `None` changes the file alone.
        """
        self._server = server
        self._file = read_config(path)
        models = self._file.config.model_config_list.config
        choice = named(model_name)
        self._name = str(models[choice(self._file.config, self._file.path)].name)

    def connected_to(self, server: "RunningServer | None") -> "ModelsControl":
        """Returns a control of the same model, with another server."""
        control = copy.copy(self)
        control._server = server
        return control

    @property
    def base_path(self) -> Path:
        """The model's base path in the config, which may be a folder in a container."""
        return Path(self._model_now().base_path)

    def labels(self) -> dict[str, int]:
        """Returns the version of each label, from the file as it is now."""
        return dict(self._model_now().version_labels)

    @accepts_label
    def check_label(self, version_label: str, version: int) -> tuple[str, ...]:
        """Checks that `label` could move a label to a version, and changes nothing.

        Returns:
            Checks that could not be made, a line each.

        Raises:
            InvalidInputError: If the version cannot be served.
        """
        SetLabel(version_label, version)
        return ModelState(self._model_now(), self._statuses()).check_label(version)

    @accepts_label
    def label(self, version_label: str, version: int) -> Changed:
        """Moves a label to a version.

        Args:
            version_label: The label, new or not.
            version: The version must be available on the server. Under a policy of `specific`
                versions, one that the policy does not name is added to it and loaded first. Without
                a server only that is written: a server that polls the file would refuse a file
                that moves the label at the same time. `to_do` of the result moves the label.

        Raises:
            InvalidInputError: If the version cannot be served, or the server refuses.
        """
        change = SetLabel(version_label, version)
        statuses = self._statuses()
        transaction = self._transaction()
        with transaction.all_or_nothing():
            with transaction.locked_model() as model:
                state = ModelState(model, statuses)
                before = model.version_labels.get(version_label)
                notes = state.check_label(version)
                step = first_step_to(model, change)
                is_available = version in state.available
                transaction.write(step)
                if step is not change and is_available:
                    transaction.write(change)
            transaction.tell_server(wait_for=None if is_available else version)
            if step is not change and not is_available and self._server is not None:
                with transaction.locked_model():
                    transaction.write(change)
                transaction.tell_server()
        self._file = transaction.file
        if step is not change and self._server is None:
            return self._version_added(state, version_label, version, notes)
        what = f"label {version_label} of model {self._name}"
        if before == version:
            return Changed(f"{what} points to version {version} already", notes=notes)
        undo: tuple[str, ...] = ("unlabel", version_label)
        if before is not None:
            undo = ("label", version_label, str(before))
            if self._server is None and isinstance(state.policy, Specific):
                notes += (_WHAT_STOCK_ASKS.format(version=version),)
        was = "the label is new" if before is None else f"it was version {before}"
        return Changed(f"{what} points to version {version}; {was}", undo, notes)

    @accepts_label
    def unlabel(self, version_label: str) -> Changed:
        """Removes a label; its version is served as before.

        Raises:
            InvalidInputError: If the model has no such label.
        """
        transaction = self._transaction()
        with transaction.all_or_nothing():
            with transaction.locked_model() as model:
                before = model.version_labels.get(version_label)
                transaction.write(RemoveLabel(version_label))
            transaction.tell_server()
        self._file = transaction.file
        return Changed(
            f"label {version_label} of model {self._name} is gone; it was version {before}",
            ("label", version_label, str(before)),
        )

    @accepts_label
    def roll_back_label(self, version_label: str, version: int | None = None) -> Changed:
        """Moves a label back to an earlier version.

        Args:
            version_label: A label of the model.
            version: `None` for the next lower version that is available, or else exists.

        Raises:
            InvalidInputError: If there is no such label, or no lower version.
        """
        model = self._model_now()
        RemoveLabel(version_label).check(model)
        if version is None:
            state = ModelState(model, self._statuses())
            current = model.version_labels[version_label]
            version = state.version_before(current, prefer_available=True)
        return self.label(version_label, version)

    def roll_back(self, version: int | None = None) -> Changed:
        """Serves an earlier version, and the versions of all labels.

        The version policy becomes `specific`, so that versions exported later are not served.

        Args:
            version: `None` for the next lower version than the one that is served.

        Raises:
            InvalidInputError: If there is no such version.
        """
        statuses = self._statuses()
        transaction = self._transaction()
        with transaction.all_or_nothing():
            with transaction.locked_model() as model:
                state = ModelState(model, statuses)
                target = version
                if target is None:
                    target = state.version_before(state.default_version())
                if target not in state.available:
                    state.check_on_disk(target)
                labels = dict(model.version_labels)
                after = Specific(frozenset({target, *labels.values()}))
                transaction.write(SetVersionPolicy(after))
            transaction.tell_server(wait_for=target)
        self._file = transaction.file
        notes = tuple(
            f"version {kept} is still served, as label {label} points to it, and answers whoever "
            "names no version"
            for label, kept in sorted(labels.items())
            if kept > target
        )
        return self._policy_changed(state.policy, after, notes)

    def set_policy(self, text: str) -> Changed:
        """Sets the version policy, such as the one before `roll_back`.

        Args:
            text: As `parse_policy` takes it.

        Raises:
            InvalidInputError: If the text is no policy, or a label's version would not be served.
        """
        policy = parse_policy(text)
        transaction = self._transaction()
        with transaction.all_or_nothing():
            with transaction.locked_model() as model:
                before = policy_of(model)
                _check_labels_stay_served(model, policy)
                transaction.write(SetVersionPolicy(policy))
            transaction.tell_server()
        self._file = transaction.file
        return self._policy_changed(before, policy)

    def _version_added(
        self, state: ModelState, version_label: str, version: int, notes: tuple[str, ...]
    ) -> Changed:
        before = state.model.version_labels.get(version_label)
        points = "does not exist yet" if before is None else f"still points to version {before}"
        return Changed(
            f"version {version} is added to the version policy of model {self._name}; label "
            f"{version_label} {points}",
            ("rollback", "--policy", policy_text(state.policy)),
            notes,
            ("label", version_label, str(version)),
        )

    def _policy_changed(
        self, before: VersionPolicy, after: VersionPolicy, notes: tuple[str, ...] = ()
    ) -> Changed:
        what = f"version policy of model {self._name} is {policy_text(after)}"
        if before == after:
            return Changed(f"{what} already", notes=notes)
        was = policy_text(before)
        return Changed(f"{what}; it was {was}", ("rollback", "--policy", was), notes)

    def _model_now(self) -> Any:
        self._file = read_config(self._file.path, self._file)
        config = self._file.config
        return config.model_config_list.config[named(self._name)(config, self._file.path)]

    def _statuses(self) -> "dict[int, VersionStatus] | None":
        if self._server is None:
            return None
        return {status.version: status for status in self._server.statuses(self._name)}

    def _transaction(self) -> Transaction:
        return Transaction(self._file, self._name, self._server)


def _check_labels_stay_served(model: Any, policy: VersionPolicy) -> None:
    """Checks that a policy serves the versions that the labels of a model point to.

    Raises:
        InvalidInputError: If it does not, as far as is known where the versions are elsewhere.
    """
    named = policy.versions if isinstance(policy, Specific) else None
    on_disk = versions_on_disk(model.base_path)
    served = named if on_disk is None else aspired_versions(policy, on_disk)
    if served is None:
        return
    for label, version in sorted(model.version_labels.items()):
        if version not in served:
            raise InvalidInputError(
                "a version policy must serve the versions that labels point to. Received: "
                f"{policy_text(policy)}, and label {label} points to version {version}."
            )
