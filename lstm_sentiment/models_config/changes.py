"""Changes of one model of a `models.config`, made in the message and in the text."""

from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf import text_format

from lstm_sentiment.checks import did_you_mean, in_range
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.text_format import (
    Edit,
    Value,
    add_message,
    add_scalar,
    remove_values,
    replace_field,
    replace_value,
    values_at,
)
from lstm_sentiment.models_config.text_parser import parse_message
from lstm_sentiment.models_config.version_policy import All, Latest, Specific, VersionPolicy
from lstm_sentiment.protocol.model_server_config_pb2 import ModelConfig
from lstm_sentiment.unicode import has_controls
from lstm_sentiment.version_folder import MAX_VERSION

_MAX_NUM_VERSIONS = 2**32 - 1


class ModelChange(Protocol):
    """One change of one model."""

    def apply(self, model: Any) -> None:
        """Changes a `ModelConfig`.

        Raises:
            InvalidInputError: If the model has nothing of the kind to change.
        """
        ...

    def edits(self, text: str, block: Value, model: Any) -> list[Edit]:
        """Returns the edits that make the change, or its next step, in the text of a config.

        Called again with the edited text until the text has the change.

        Args:
            text: The whole text.
            block: The model's place in the text.
            model: The `ModelConfig` that `text` holds.

        Returns:
            Edits that do not overlap.
        """
        ...


@dataclass(frozen=True)
class SetLabel:
    """Moves a label, new or not, to a version that the version policy serves.

    Raises:
        InvalidInputError: If `label` or `version` cannot stand in a config.
    """

    label: str
    version: int

    def __post_init__(self) -> None:
        """Checks the values."""
        _check_label(self.label)
        _check_version(self.version)

    def apply(self, model: Any) -> None:
        """Changes a `ModelConfig`, see `ModelChange`."""
        model.version_labels[self.label] = self.version

    def edits(self, text: str, block: Value, model: Any) -> list[Edit]:
        """Returns the edits of the text, see `ModelChange`."""
        if self.label not in model.version_labels:
            entry = [_key_text(self.label), f"value: {self.version}"]
            return [add_message(text, block, "version_labels", entry)]
        if model.version_labels[self.label] == self.version:
            return []
        edits = []
        for labelled in _entries(text, block, self.label):
            values = values_at(labelled.fields or (), "value")
            edits.append(
                replace_value(values[-1], str(self.version))
                if values
                else add_scalar(text, labelled, "value", str(self.version))
            )
        return edits


@dataclass(frozen=True)
class RemoveLabel:
    """Removes a label of the model; its version is served as before."""

    label: str

    def check(self, model: Any) -> None:
        """Checks that a `ModelConfig` has the label.

        Raises:
            InvalidInputError: If it does not.
        """
        if self.label not in model.version_labels:
            labels = ", ".join(map(repr, sorted(model.version_labels))) or "none"
            raise InvalidInputError(
                f"`label` must be a version label of model {model.name!r}: {labels}. "
                f"Received: label={self.label!r}."
                f"{did_you_mean(self.label, model.version_labels)}"
            )

    def apply(self, model: Any) -> None:
        """Changes a `ModelConfig`, see `ModelChange`."""
        self.check(model)
        del model.version_labels[self.label]

    def edits(self, text: str, block: Value, model: Any) -> list[Edit]:
        """Returns the edits of the text, see `ModelChange`."""
        return remove_values(text, block, "version_labels", _entries(text, block, self.label))


@dataclass(frozen=True)
class SetVersionPolicy:
    """Sets the version policy; `Specific` must name at least one version.

    Raises:
        InvalidInputError: If the policy cannot stand in a config.
    """

    policy: VersionPolicy

    def __post_init__(self) -> None:
        """Checks the values."""
        if isinstance(self.policy, Latest):
            in_range(1, _MAX_NUM_VERSIONS, num_versions=self.policy.num_versions)
        if isinstance(self.policy, Specific):
            if not self.policy.versions:
                raise InvalidInputError("`versions` must name one at least. Received: none.")
            for version in self.policy.versions:
                _check_version(version)

    def apply(self, model: Any) -> None:
        """Changes a `ModelConfig`, see `ModelChange`."""
        policy = model.model_version_policy
        match self.policy:
            case Specific(versions):
                here = list(policy.specific.versions)
                kept = [version for version in here if version in versions]
                policy.specific.versions[:] = kept + sorted(versions - set(here))
            case All():
                policy.all.SetInParent()
            case Latest(num_versions):
                policy.latest.num_versions = num_versions

    def edits(self, text: str, block: Value, model: Any) -> list[Edit]:
        """Returns edits that add one missing version, or at last remove all others."""
        wanted = ModelConfig()
        wanted.CopyFrom(model)
        self.apply(wanted)
        policy = wanted.model_version_policy
        if policy == model.model_version_policy:
            return []
        [new] = text_format.MessageToString(policy, as_one_line=True).splitlines()
        before = values_at(block.fields or (), "model_version_policy")
        if not before:
            return [add_message(text, block, "model_version_policy", [new])]
        choices = before[-1].fields or ()
        if not choices:
            return [replace_value(before[-1], f"{{ {new} }}")]
        if not isinstance(self.policy, Specific) or choices[-1].name != "specific":
            return [replace_field(choices[-1], new)]
        return self._specific_edits(text, choices[-1].values[-1], self.policy.versions, model)

    def _specific_edits(
        self, text: str, specific: Value, wanted: frozenset[int], model: Any
    ) -> list[Edit]:
        missing = sorted(wanted - {*model.model_version_policy.specific.versions})
        if missing:
            return [add_scalar(text, specific, "versions", str(missing[0]))]
        unwanted = [
            value
            for value in values_at(specific.fields or (), "versions")
            if _number(text, value) not in wanted
        ]
        return remove_values(text, specific, "versions", unwanted)


def first_step_to(model: Any, change: SetLabel) -> ModelChange:
    """Returns the first of the changes to a label that points to a version.

    TensorFlow Serving refuses a config as a whole if one of its labels points to a version that is
    not available at that moment, also if the same config has it load that version
    (`ServerCore::UpdateModelVersionLabelMap`). A version that a `specific` policy does not name is
    therefore added to it first; the label follows in another config, once the version is served.

    Args:
        model: The `ModelConfig`.
        change: The label and the version.
    """
    policy = model.model_version_policy
    named = policy.specific.versions
    if policy.WhichOneof("policy_choice") != "specific" or change.version in named:
        return change
    return SetVersionPolicy(Specific(frozenset({*named, change.version})))


def _check_label(label: str) -> None:
    if not label or not is_utf8(label):
        raise InvalidInputError(
            f"`label` must be UTF-8 text, not empty. Received: label={label!r}."
        )
    if has_controls(label):
        raise InvalidInputError(
            f"`label` must have no control characters. Received: label={label!r}."
        )


def _check_version(version: int) -> None:
    in_range(0, MAX_VERSION, version=version)


def is_utf8(text: str) -> bool:
    """Returns True if a text can stand in a config."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _key_text(label: str) -> str:
    entry = ModelConfig.VersionLabelsEntry(key=label)
    return text_format.MessageToString(entry, as_utf8=True).strip()


def _entries(text: str, block: Value, label: str) -> list[Value]:
    # All of them: of two entries with the same key the last counts.
    return [
        entry
        for entry in values_at(block.fields or (), "version_labels")
        if _key(text, entry) == label
    ]


def _key(text: str, entry: Value) -> str:
    inside = text[entry.start + 1 : entry.end - 1]
    return str(parse_message(inside, ModelConfig.VersionLabelsEntry()).key)


def _number(text: str, value: Value) -> int:
    # Text format also has octal and hexadecimal numbers.
    entry = ModelConfig.VersionLabelsEntry()
    return int(parse_message(f"value: {text[value.start : value.end]}", entry).value)
