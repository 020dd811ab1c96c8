"""Answers requests, whatever transport they came by.

gRPC and REST both come through here; each turns its own form of a request into tensors and has
its own table from errors to status codes. After
`tensorflow_serving/servables/tensorflow/predict_util.cc`, `classification_service.cc` and
`tensorflow_serving/model_servers/get_model_status_impl.cc`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.serving.classification import Classifications, classify
from lstm_sentiment.serving.manager import Manager
from lstm_sentiment.serving.servable import (
    DEFAULT_SIGNATURE_KEY,
    ServableHandle,
    ServableId,
    ServableState,
    Signature,
    SignatureNotFoundError,
)

ReadInputs = Callable[[Signature], Mapping[str, Any]]
"""Turns a request into one tensor for each input, once its signature is known."""


@dataclass(frozen=True)
class ModelSpec:
    """Whom a request asks; `tensorflow_serving/apis/model.proto`.

    Attributes:
        name: The servable stream.
        version: A version number; `None` for the highest available.
        label: A version label, instead of a number.
    """

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class PredictResult:
    """An answer and who gave it.

    Attributes:
        servable_id: The version that answered.
        signature_key: The signature that was run.
        outputs: A `tf.Tensor` for each output asked for, by name.
    """

    servable_id: ServableId
    signature_key: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class ClassifyResult:
    """The classes of examples and who gave them.

    Attributes:
        servable_id: The version that answered.
        signature_key: The signature that was run.
        classifications: The classes of each example, in order.
    """

    servable_id: ServableId
    signature_key: str
    classifications: Classifications


class DataPlane:
    """The requests a model server understands, free of any transport."""

    def __init__(self, manager: Manager) -> None:
        """Answers from what a manager holds.

        Args:
            manager: Whose servables answer.
        """
        self._manager = manager

    def predict(
        self,
        model_spec: ModelSpec,
        signature_key: str,
        read_inputs: ReadInputs,
        output_filter: Sequence[str] = (),
    ) -> PredictResult:
        """Runs one signature of one version.

        The version stays in memory until the answer is there, even if it is being unloaded.

        Args:
            model_spec: Whom to ask.
            signature_key: Which signature; empty for `serving_default`.
            read_inputs: Gives the inputs. Called once the signature is known, since JSON cannot
                be read without it.
            output_filter: The outputs wanted; empty for all.

        Returns:
            The answer.

        Raises:
            InvalidInputError: If the request does not fit the model.
            ServableNotFoundError: If no such version is available.
            ServableRunError: If the model itself failed.
        """
        key = signature_key or DEFAULT_SIGNATURE_KEY
        with self._handle(model_spec) as handle:
            signature = handle.servable.signatures.get(key)
            if signature is None:
                raise SignatureNotFoundError(key)
            inputs = read_inputs(signature)
            _check_output_filter(signature, output_filter)
            outputs = handle.servable.run(key, inputs)
            wanted = output_filter or sorted(outputs)
            return PredictResult(handle.id, key, {name: outputs[name] for name in wanted})

    def classify(
        self, model_spec: ModelSpec, signature_key: str, serialized_examples: Sequence[bytes]
    ) -> ClassifyResult:
        """Classifies examples by one signature of one version.

        The version stays in memory until the answer is there, even if it is being unloaded.

        Args:
            model_spec: Whom to ask.
            signature_key: Which signature; empty for `serving_default`.
            serialized_examples: A serialized `tf.Example` each; at least one.

        Returns:
            The answer.

        Raises:
            InvalidInputError: If the request does not fit the model.
            ServableNotFoundError: If no such version is available.
            ServableRunError: If the model itself failed.
        """
        key = signature_key or DEFAULT_SIGNATURE_KEY
        with self._handle(model_spec) as handle:
            return ClassifyResult(
                handle.id, key, classify(handle.servable, key, serialized_examples)
            )

    def model_status(self, model_spec: ModelSpec) -> list[ServableState]:
        """Tells where the versions of a model stand.

        Args:
            model_spec: Which model; with a version or a label, that version only.

        Returns:
            The highest version first, those unloaded and those that failed to load included.

        Raises:
            InvalidInputError: If the label is unknown.
            ServableNotFoundError: If there is no such model or version.
        """
        version = model_spec.version
        if model_spec.label is not None:
            version = self._manager.version_of_label(model_spec.name, model_spec.label)
        states = self._manager.states(model_spec.name)
        if version is None:
            if not states:
                raise ServableNotFoundError(
                    f"Could not find any versions of model {model_spec.name}"
                )
            return states
        states = [state for state in states if state.id.version == version]
        if not states:
            raise ServableNotFoundError(
                f"Could not find version {version} of model {model_spec.name}"
            )
        return states

    def _handle(self, model_spec: ModelSpec) -> ServableHandle:
        if not model_spec.name:
            raise InvalidInputError("ModelSpec has no name specified.")
        return self._manager.get_handle(model_spec.name, model_spec.version, model_spec.label)


def _check_output_filter(signature: Signature, output_filter: Sequence[str]) -> None:
    seen = set()
    for alias in output_filter:
        if alias not in signature.outputs:
            raise InvalidInputError(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{','.join(sorted(signature.outputs))}}}."
            )
        if alias in seen:
            raise InvalidInputError(f"duplicate output tensor alias: {alias}")
        seen.add(alias)
