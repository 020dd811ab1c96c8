"""Changes which versions of a model are served and what their labels are, here and on a server.

Each change is made in the `models.config` first, then a running server is told the whole of it.
What the server refuses is undone: the file is as it was. Stock TensorFlow Serving moves a label
only to a version that is available, so one that is not served yet is brought into service before.
"""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.changes import RemoveLabel, SetLabel, SetVersionPolicy
from lstm_sentiment.models_config.config import policy_of
from lstm_sentiment.models_config.edit import read_config
from lstm_sentiment.models_config.model_choice import named
from lstm_sentiment.models_config.version_label import accepts_label
from lstm_sentiment.models_config.version_policy import Specific, VersionPolicy
from lstm_sentiment.rollout.model_state import ModelState
from lstm_sentiment.rollout.status import parse_policy, policy_text
from lstm_sentiment.rollout.transaction import Transaction

if TYPE_CHECKING:
    from lstm_sentiment.client.model_info import VersionStatus
    from lstm_sentiment.client.model_service import RunningServer


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
        self._server = server
        self._file = read_config(path)
        models = self._file.config.model_config_list.config
        choice = named(model_name)
        self._name = str(models[choice(self._file.config, self._file.path)].name)

    def connected_to(self, server: "RunningServer | None") -> "ModelsControl":
        """Returns a control of the same model that tells `server` of each change."""
        control = copy.copy(self)
        control._server = server
        return control

    @property
    def base_path(self) -> Path:
        """The model's folder of versions, as the config names it: it may be one in a container."""
        return Path(self._model_now().base_path)

    def labels(self) -> dict[str, int]:
        """Returns the version of each label of the model, by the config as it is now."""
        return dict(self._model_now().version_labels)

    @accepts_label
    def check_label(self, version_label: str, version: int) -> tuple[str, ...]:
        """Checks that a label could be made to point to a version, and changes nothing.

        Args:
            version_label: As `label` takes it.
            version: As `label` takes it.

        Returns:
            What could not be checked, a line each.

        Raises:
            InvalidInputError: If the version cannot be served.
            LstmSentimentError: If the server does not answer.
        """
        SetLabel(version_label, version)
        return ModelState(self._model_now(), self._statuses()).check_label(version)

    @accepts_label
    def label(self, version_label: str, version: int) -> Changed:
        """Makes a label point to a version.

        Args:
            version_label: The label, new or not.
            version: The version. On a server it must be available, or be named by no policy of
                `specific` versions yet: then it is added there and loaded first.

        Returns:
            What was changed.

        Raises:
            InvalidInputError: If the version cannot be served, or the server refuses.
            LstmSentimentError: If something else goes wrong. The file is as it was.
        """
        change = SetLabel(version_label, version)
        statuses = self._statuses()
        transaction = self._transaction()
        with transaction.all_or_nothing():
            with transaction.locked_model() as model:
                state = ModelState(model, statuses)
                before = model.version_labels.get(version_label)
                notes = state.check_label(version)
                loads_first = state.must_load_first(version)
                transaction.write(_serve_too(state.policy, version) if loads_first else change)
            transaction.tell_server(wait_for=version if loads_first else None)
            if loads_first:
                with transaction.locked_model():
                    transaction.write(change)
                transaction.tell_server()
        self._file = transaction.file
        what = f"label {version_label} of model {self._name}"
        if before == version:
            return Changed(f"{what} points to version {version} already", notes=notes)
        undo: tuple[str, ...] = ("unlabel", version_label)
        if before is not None:
            undo = ("label", version_label, str(before))
        was = "no version" if before is None else f"version {before}"
        return Changed(f"{what} points to version {version}; it was {was}", undo, notes)

    @accepts_label
    def unlabel(self, version_label: str) -> Changed:
        """Removes a label; the version that it pointed to is served as before.

        Args:
            version_label: A label of the model.

        Returns:
            What was changed.

        Raises:
            InvalidInputError: If there is no such label.
            LstmSentimentError: If something else goes wrong. The file is as it was.
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
        """Makes a label point to the version before the one it points to.

        Args:
            version_label: A label of the model.
            version: The version to go back to; `None` for the next lower one that is served, or
                else is there.

        Returns:
            What was changed.

        Raises:
            InvalidInputError: If there is no such label, or no version before.
            LstmSentimentError: As `label`.
        """
        model = self._model_now()
        RemoveLabel(version_label).check(model)
        if version is None:
            state = ModelState(model, self._statuses())
            current = model.version_labels[version_label]
            version = state.version_before(current, prefer_available=True)
        return self.label(version_label, version)

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
        transaction = self._transaction()
        with transaction.all_or_nothing():
            with transaction.locked_model() as model:
                before = policy_of(model)
                for label, version in sorted(model.version_labels.items()):
                    if isinstance(policy, Specific) and version not in policy.versions:
                        raise InvalidInputError(
                            "a version policy must serve the versions that labels point to. "
                            f"Received: {text}, and label {label} points to version {version}."
                        )
                transaction.write(SetVersionPolicy(policy))
            transaction.tell_server()
        self._file = transaction.file
        return self._policy_changed(before, policy)

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


def _serve_too(policy: VersionPolicy, version: int) -> SetVersionPolicy:
    named_versions = policy.versions if isinstance(policy, Specific) else frozenset()
    return SetVersionPolicy(Specific(named_versions | {version}))
