"""Answers requests, whatever transport they came by.

gRPC and REST both come through here; each turns its own form of a request into arrays. After
`tensorflow_serving/servables/tensorflow/predict_util.cc`, `classification_service.cc`,
`regression_service.cc`, `multi_inference_helper.cc`, `get_model_metadata_impl.cc` and
`tensorflow_serving/model_servers/get_model_status_impl.cc`.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.errors import (
    DeadlineExceededError,
    RequestCancelledError,
    SignatureNotFoundError,
)
from lstm_sentiment.serving.inference.classification import INPUTS, TEXT, Classifications, classify
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.metadata import SIGNATURE_DEF
from lstm_sentiment.serving.inference.multi_inference import InferenceResult, InferenceTask, infer
from lstm_sentiment.serving.inference.regression import Regressions, regress
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.servable import Array, ServableHandle, ServableState, Signature
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY

ReadInputs = Callable[[Signature], Mapping[str, Array]]
"""Turns a request into one array for each input, once its signature is known."""

OnRun = Callable[[str, str, float], None]
"""Takes a model's name, the API that asked it, and the seconds that the answer took."""

OnAnswer = Callable[
    [ServableId, str, Mapping[str, Array], Mapping[str, Array] | Classifications], None
]
"""Takes the version that answered, the signature, the inputs, and all outputs or the classes."""

_NO_LIMITS = RequestLimits()


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
class Answer:
    """Who answered, and how much was asked.

    Attributes:
        servable_id: The version that answered.
        signature_key: The signature that was run.
        batch_size: Rows or examples in the request; `None` where its inputs have no rows.
    """

    servable_id: ServableId
    signature_key: str
    batch_size: int | None


@dataclass(frozen=True)
class PredictResult(Answer):
    """An answer to Predict.

    Attributes:
        outputs: An array for each output asked for, by name.
        texts: What was sent to a signature whose only input is a string named `text`.
    """

    outputs: Mapping[str, Array]
    texts: Sequence[bytes] = field(default=(), repr=False)


@dataclass(frozen=True)
class ClassifyResult(Answer):
    """An answer to Classify.

    Attributes:
        classifications: The classes of each example, in order.
    """

    classifications: Classifications


@dataclass(frozen=True)
class RegressResult(Answer):
    """An answer to Regress.

    Attributes:
        regressions: The number for each example, in order.
    """

    regressions: Regressions


@dataclass(frozen=True)
class MultiInferenceResult(Answer):
    """An answer to MultiInference; its signature is that of the first task.

    Attributes:
        results: The answer to each task, in order.
    """

    results: Sequence[InferenceResult]


@dataclass(frozen=True)
class ModelMetadata:
    """What a version says of itself.

    Attributes:
        servable_id: Which version.
        signature_defs: Its signatures, a `SignatureDef` message each, by key.
    """

    servable_id: ServableId
    signature_defs: Mapping[str, Any]


class DataPlane:
    """The requests a model server understands, free of any transport.

    A version stays in memory until the answer is there, even if it is being unloaded.
    """

    def __init__(
        self,
        manager: Manager,
        *,
        limits: RequestLimits | None = None,
        on_run: OnRun | None = None,
        on_answer: OnAnswer | None = None,
    ) -> None:
        """Answers from what a manager holds.

        Args:
            manager: Whose servables answer.
            limits: How large a request may be; `None` for no limit.
            on_run: Told how long a model took for an answer; must be quick, and must not raise.
            on_answer: Told of each answer to Predict and Classify before it is sent; must be quick,
                must not raise, and must leave it as it is.
        """
        self._manager = manager
        self._limits = limits or _NO_LIMITS
        self._on_run, self._on_answer = on_run, on_answer

    def predict(
        self,
        model_spec: ModelSpec,
        signature_key: str,
        read_inputs: ReadInputs,
        output_filter: Sequence[str] = (),
        *,
        caller: Caller = ANYBODY,
    ) -> PredictResult:
        """Runs one signature of one version.

        Args:
            model_spec: Whom to ask.
            signature_key: Which signature; empty for `serving_default`.
            read_inputs: Gives the inputs. Called once the signature is known, since JSON cannot
                be read without it.
            output_filter: The outputs wanted; empty for all.
            caller: Who waits for the answer.

        Returns:
            The answer.

        Raises:
            InvalidInputError: If the request does not fit the model, or is too large.
            ServableNotFoundError: If no such version is available.
            LstmSentimentError: If the model does not answer, see `Servable.run`.
        """
        key = signature_key or DEFAULT_SIGNATURE_KEY
        with _in_time(caller), self._handle(model_spec) as handle:
            signature = handle.servable.signatures.get(key)
            if signature is None:
                raise SignatureNotFoundError(key)
            inputs = read_inputs(signature)
            _check_output_filter(signature, output_filter)
            self._limits.check(signature, inputs)
            with self._timed(handle, "Predict"):
                outputs = handle.servable.run(key, inputs, caller=caller)
            wanted = output_filter or sorted(outputs)
            result = PredictResult(
                handle.id,
                key,
                _batch_size(inputs),
                {name: outputs[name] for name in wanted},
                _texts(signature, inputs),
            )
        # Not before it is sure that the answer comes in time.
        if self._on_answer is not None:
            self._on_answer(result.servable_id, key, inputs, outputs)
        return result

    def classify(
        self,
        model_spec: ModelSpec,
        signature_key: str,
        serialized_examples: Sequence[bytes],
        *,
        caller: Caller = ANYBODY,
    ) -> ClassifyResult:
        """Classifies examples by one signature of one version.

        Args:
            model_spec: Whom to ask.
            signature_key: Which signature; empty for `serving_default`.
            serialized_examples: A serialized `tf.Example` each; at least one.
            caller: Who waits for the answer.

        Returns:
            The answer.

        Raises:
            InvalidInputError: If the request does not fit the model, or is too large.
            ServableNotFoundError: If no such version is available.
            LstmSentimentError: If the model does not answer, see `Servable.run`.
        """
        key = signature_key or DEFAULT_SIGNATURE_KEY
        with _in_time(caller), self._handle(model_spec) as handle:
            self._limits.check_examples(serialized_examples)
            with self._timed(handle, "Classify"):
                found = classify(handle.servable, key, serialized_examples, caller=caller)
            result = ClassifyResult(handle.id, key, len(serialized_examples), found)
        if self._on_answer is not None:
            examples = np.array(serialized_examples, dtype=object)
            self._on_answer(result.servable_id, key, {INPUTS: examples}, found)
        return result

    def regress(
        self,
        model_spec: ModelSpec,
        signature_key: str,
        serialized_examples: Sequence[bytes],
        *,
        caller: Caller = ANYBODY,
    ) -> RegressResult:
        """Finds a number for each example by one signature of one version.

        Args:
            model_spec: Whom to ask.
            signature_key: Which signature; empty for `serving_default`.
            serialized_examples: A serialized `tf.Example` each; at least one.
            caller: Who waits for the answer.

        Returns:
            The answer.

        Raises:
            InvalidInputError: If the request does not fit the model, or is too large.
            ServableNotFoundError: If no such version is available.
            LstmSentimentError: If the model does not answer, see `Servable.run`.
        """
        key = signature_key or DEFAULT_SIGNATURE_KEY
        with _in_time(caller), self._handle(model_spec) as handle:
            self._limits.check_examples(serialized_examples)
            with self._timed(handle, "Regress"):
                found = regress(handle.servable, key, serialized_examples, caller=caller)
            return RegressResult(handle.id, key, len(serialized_examples), found)

    def multi_inference(
        self,
        model_spec: ModelSpec,
        tasks: Sequence[InferenceTask],
        serialized_examples: Sequence[bytes],
        *,
        caller: Caller = ANYBODY,
    ) -> MultiInferenceResult:
        """Puts the same examples to several signatures of one version.

        Args:
            model_spec: Whom to ask: that of the first task.
            tasks: What is asked.
            serialized_examples: A serialized `tf.Example` each; at least one.
            caller: Who waits for the answers.

        Returns:
            The answers.

        Raises:
            InvalidInputError: If the request does not fit the model, or is too large.
            ServableNotFoundError: If no such version is available.
            LstmSentimentError: If a task is of an unknown kind or the model does not answer, see
                `Servable.run`.
        """
        with _in_time(caller), self._handle(model_spec) as handle:
            self._limits.check_examples(serialized_examples)
            with self._timed(handle, "MultiInference"):
                results = infer(handle.servable, tasks, serialized_examples, caller=caller)
            key = tasks[0].signature_key if tasks else DEFAULT_SIGNATURE_KEY
            return MultiInferenceResult(handle.id, key, len(serialized_examples), results)

    def model_metadata(
        self, model_spec: ModelSpec, metadata_fields: Sequence[str]
    ) -> ModelMetadata:
        """Tells what a version says of itself.

        Args:
            model_spec: Whom to ask.
            metadata_fields: What to tell: `signature_def`, which is all there is.

        Returns:
            Its signatures.

        Raises:
            InvalidInputError: If no field, or another, is asked for.
            ServableNotFoundError: If no such version is available.
        """
        if not metadata_fields:
            raise InvalidInputError(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for name in metadata_fields:
            if name != SIGNATURE_DEF:
                raise InvalidInputError(f"Metadata field {name} is not supported")
        with self._handle(model_spec) as handle:
            return ModelMetadata(handle.id, dict(handle.servable.signature_defs))

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

    @contextmanager
    def _timed(self, handle: ServableHandle, api: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        if self._on_run is not None:
            self._on_run(handle.id.name, api, time.perf_counter() - began)

    def _handle(self, model_spec: ModelSpec) -> ServableHandle:
        if not model_spec.name:
            raise InvalidInputError("ModelSpec has no name specified.")
        return self._manager.get_handle(model_spec.name, model_spec.version, model_spec.label)


def check_caller(caller: Caller) -> None:
    """Makes sure that somebody still waits for an answer.

    Args:
        caller: Who asked.

    Raises:
        DeadlineExceededError: If the deadline has passed.
        RequestCancelledError: If the caller has gone away.
    """
    if not caller.has_time():
        raise DeadlineExceededError("the deadline passed before the answer was there.")
    if caller.is_gone:
        raise RequestCancelledError("the caller went away before the answer was there.")


@contextmanager
def _in_time(caller: Caller) -> Iterator[None]:
    """Begins nothing, and ends with an error, where nobody waits for the answer any more."""
    check_caller(caller)
    try:
        yield
    except RequestCancelledError:
        # gRPC says of a caller whose deadline has passed that it is gone.
        check_caller(caller)
        raise
    check_caller(caller)


def _batch_size(inputs: Mapping[str, Array]) -> int | None:
    return next((len(array) for array in inputs.values() if array.ndim), None)


def _texts(signature: Signature, inputs: Mapping[str, Array]) -> Sequence[bytes]:
    if list(signature.inputs) != [TEXT] or inputs[TEXT].dtype.kind != "O":
        return ()
    texts: list[bytes] = inputs[TEXT].ravel().tolist()
    return texts


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
