"""The requests a model server understands, whatever transport they come by.

gRPC and REST both ask the `DataPlane`; each turns its own form of a request into arrays. After
`tensorflow_serving/servables/tensorflow/predict_util.cc`, `classification_service.cc`,
`regression_service.cc`, `multi_inference_helper.cc`, `get_model_metadata_impl.cc` and
`tensorflow_serving/model_servers/get_model_status_impl.cc`.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.errors import RequestCancelledError, SignatureNotFoundError
from lstm_sentiment.serving.inference.classification import (
    Classifications,
    classification_inputs,
    read_classifications,
)
from lstm_sentiment.serving.inference.examples import INPUTS, batch_of
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.metadata import SIGNATURE_DEF
from lstm_sentiment.serving.inference.multi_inference import InferenceTask, infer
from lstm_sentiment.serving.inference.regression import (
    Regressions,
    read_regressions,
    regression_inputs,
)
from lstm_sentiment.serving.inference.results import (
    ClassifyResult,
    ModelMetadata,
    ModelSpec,
    MultiInferenceResult,
    PredictResult,
    RegressResult,
    ServedModel,
)
from lstm_sentiment.serving.inference.runner import Runner
from lstm_sentiment.serving.inference.text_counts import TextCounts, take_counts
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.servable import (
    Array,
    Servable,
    ServableHandle,
    ServableState,
    Signature,
)
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY, TEXT, TEXT_STATISTICS

ReadInputs = Callable[[Signature], Mapping[str, Array]]
"""Reads a request's inputs for a signature; returns one array for each input, by name."""

ChooseSignature = Callable[[Mapping[str, Signature]], str]
"""Called with a version's signatures, by key; returns the key of the one to run, or raises."""

OnRun = Callable[[str, str, float], None]
"""Called with a model's name, the API, and the seconds that the model took."""

OnAnswer = Callable[
    [ServableId, str, Mapping[str, Array], Mapping[str, Array] | Classifications], None
]
"""Called with the version that answered, the signature, the inputs, and all outputs or the
classes."""

RunOn = Callable[[str, Mapping[str, Array]], Awaitable[Mapping[str, Array]]]
"""Runs a signature, by its key, of a version that is held on inputs."""

MergedStates = Callable[[Sequence[ServableState]], list[ServableState]]
"""Called with the states of a model's versions here; returns those in all processes together."""

_Found = TypeVar("_Found")


class DataPlane:
    """Answers requests, free of any transport.

    Coroutines answer; they may run on any event loop, and on several at once. A version stays in
    memory until the answer is there, even if it is being unloaded.
    """

    def __init__(
        self,
        manager: Manager,
        *,
        limits: RequestLimits | None = None,
        runner: Runner | None = None,
        on_run: OnRun | None = None,
        on_answer: OnAnswer | None = None,
        with_counts: bool = False,
        merged_states: MergedStates | None = None,
        labels: Callable[[], Mapping[str, Mapping[str, int]]] = dict,
    ) -> None:
        """Answers from the versions of a manager.

        Args:
            manager: The manager of the versions.
            limits: How large a request may be; `None` for no limit.
            runner: Runs the versions; `None` for a runner with default settings.
            on_run: Called after each run of a model; must be quick, and must not raise.
            on_answer: Called with each answer to Predict and Classify before it is sent; must be
                quick, must not raise, and must not change the answer.
            with_counts: Whether answers have the counts of their texts, where the engine makes
                them anyway.
            merged_states: Merges the states that a status request is answered with; `None` where
                there is one process.
            labels: Returns the version labels of each model that is served, by its name.
        """
        self._manager, self._labels = manager, labels
        self._merged_states = merged_states
        self._limits = limits or RequestLimits()
        self._limits_inputs = self._limits.limit_inputs
        self._runner = runner or Runner()
        self._on_run, self._on_answer = on_run, on_answer
        self._with_counts = with_counts

    @property
    def limits(self) -> RequestLimits:
        """How large a request may be."""
        return self._limits

    async def predict(
        self,
        model_spec: ModelSpec,
        signature_key: str,
        read_inputs: ReadInputs,
        output_filter: Sequence[str] = (),
        *,
        caller: Caller = ANYBODY,
        is_large: bool = False,
        choose_signature: ChooseSignature | None = None,
        api: str = "Predict",
    ) -> PredictResult:
        """Runs one signature of one version.

        Args:
            model_spec: The model and version.
            signature_key: The signature; empty for `serving_default`.
            read_inputs: Returns the inputs. Called once the signature is known, because JSON
                cannot be read without it.
            output_filter: Names of the outputs to return; empty for all.
            caller: The caller who waits for the answer.
            is_large: Whether reading the inputs takes so long that a thread must read them.
            choose_signature: Chooses the signature instead of `signature_key`.
            api: The API that `on_run` receives.

        Raises:
            InvalidInputError: If the request does not fit the model, or is too large.
            ServableNotFoundError: If no such version is available.
            LstmSentimentError: If the model does not answer, see `Servable.run`.
        """
        key = signature_key or DEFAULT_SIGNATURE_KEY
        handle = self._hold(model_spec, caller)
        try:
            servable = handle.servable
            if choose_signature is not None:
                key = choose_signature(servable.signatures)
            signature = servable.signatures.get(key)
            if signature is None:
                raise SignatureNotFoundError(key)
            if is_large:
                inputs = await self.in_thread(partial(read_inputs, signature), caller)
            else:
                inputs = read_inputs(signature)
            if output_filter:
                _check_output_filter(signature, output_filter)
            if self._limits_inputs:
                self._limits.check(signature, inputs)
            began = time.perf_counter()
            answer = await self._runner.run(servable, key, inputs, caller, self._with_counts)
            if self._on_run is not None:
                self._on_run(handle.id.name, api, time.perf_counter() - began)
        except RequestCancelledError:
            # gRPC reports a caller whose deadline has passed as gone.
            caller.check_waits()
            raise
        finally:
            handle.release()
        caller.check_waits()
        outputs, counts = take_counts(signature, answer)
        # Only now is it sure that the answer comes in time.
        if self._on_answer is not None:
            self._on_answer(handle.id, key, inputs, outputs)
        wanted = {name: outputs[name] for name in output_filter} if output_filter else outputs
        texts = _texts(signature, inputs)
        rows = _batch_size(inputs)
        return PredictResult(handle.id, key, rows, wanted, texts, inputs, counts=counts)

    async def classify(
        self,
        model_spec: ModelSpec,
        signature_key: str,
        serialized_examples: Sequence[bytes],
        *,
        caller: Caller = ANYBODY,
    ) -> ClassifyResult:
        """Classifies examples by one signature of one version.

        Args:
            model_spec: The model and version.
            signature_key: The signature; empty for `serving_default`.
            serialized_examples: A serialized `tf.Example` each; at least one.
            caller: The caller who waits for the answer.

        Raises:
            InvalidInputError: If the request does not fit the model, or is too large.
            ServableNotFoundError: If no such version is available.
            LstmSentimentError: If the model does not answer, see `Servable.run`.
        """
        key = signature_key or DEFAULT_SIGNATURE_KEY

        async def classified(servable: Servable, run: RunOn) -> Classifications:
            inputs = classification_inputs(servable, key, serialized_examples)
            return read_classifications(await run(key, inputs), len(serialized_examples))

        version, found, counts = await self._ask_examples(
            "Classify",
            model_spec,
            serialized_examples,
            classified,
            caller,
        )
        if self._on_answer is not None:
            self._on_answer(version, key, {INPUTS: batch_of(serialized_examples)}, found)
        return ClassifyResult(version, key, len(serialized_examples), found, counts=counts)

    async def regress(
        self,
        model_spec: ModelSpec,
        signature_key: str,
        serialized_examples: Sequence[bytes],
        *,
        caller: Caller = ANYBODY,
    ) -> RegressResult:
        """Computes a number for each example; arguments and errors are those of `classify`."""
        key = signature_key or DEFAULT_SIGNATURE_KEY

        async def regressed(servable: Servable, run: RunOn) -> Regressions:
            inputs = regression_inputs(servable, key, serialized_examples)
            return read_regressions(await run(key, inputs), len(serialized_examples))

        version, found, counts = await self._ask_examples(
            "Regress",
            model_spec,
            serialized_examples,
            regressed,
            caller,
        )
        return RegressResult(version, key, len(serialized_examples), found, counts=counts)

    async def multi_inference(
        self,
        model_spec: ModelSpec,
        tasks: Sequence[InferenceTask],
        serialized_examples: Sequence[bytes],
        *,
        caller: Caller = ANYBODY,
    ) -> MultiInferenceResult:
        """Runs several signatures of one version on the same examples.

        Args:
            model_spec: The model and version of the first task.
            tasks: The signatures to run.
            serialized_examples: A serialized `tf.Example` each; at least one.
            caller: The caller who waits for the answers.

        Raises:
            InvalidInputError: If the request does not fit the model, or is too large.
            ServableNotFoundError: If no such version is available.
            LstmSentimentError: If a task is of an unknown kind or the model does not answer, see
                `Servable.run`.
        """
        version, results, counts = await self._ask_examples(
            "MultiInference",
            model_spec,
            serialized_examples,
            lambda servable, run: infer(servable, tasks, serialized_examples, run),
            caller,
        )
        key = tasks[0].signature_key if tasks else DEFAULT_SIGNATURE_KEY
        return MultiInferenceResult(version, key, len(serialized_examples), results, counts=counts)

    async def in_thread(self, work: Callable[[], _Found], caller: Caller) -> _Found:
        """Runs a function that would block the event loop for long, in a thread.

        Args:
            work: The function.
            caller: The caller who waits for it.
        """
        return await self._runner.in_thread(work, caller)

    def model_metadata(
        self, model_spec: ModelSpec, metadata_fields: Sequence[str]
    ) -> ModelMetadata:
        """Returns the signatures of a version.

        Args:
            model_spec: The model and version.
            metadata_fields: `signature_def`, the only field there is.

        Raises:
            InvalidInputError: If no field, or another, is requested.
            ServableNotFoundError: If no such version is available.
        """
        if not metadata_fields:
            raise InvalidInputError(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for name in metadata_fields:
            if name != SIGNATURE_DEF:
                raise InvalidInputError(f"Metadata field {name} is not supported")
        with self._hold(model_spec, ANYBODY) as handle:
            return ModelMetadata(handle.id, dict(handle.servable.signature_defs))

    def model_status(self, model_spec: ModelSpec) -> list[ServableState]:
        """Returns the states of a model's versions.

        Args:
            model_spec: The model; with a version or a label, that version only.

        Returns:
            The highest version first, including versions that were unloaded or failed to load.

        Raises:
            InvalidInputError: If the label is unknown.
            ServableNotFoundError: If there is no such model or version.
        """
        version = model_spec.version
        if model_spec.label is not None:
            version = self._manager.version_of_label(model_spec.name, model_spec.label)
        states = self._states(model_spec.name)
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

    def served_models(self) -> list[ServedModel]:
        """Returns all models that are served, with the states and labels of their versions."""
        return [
            ServedModel(name, self._states(name), labels) for name, labels in self._labels().items()
        ]

    async def _ask_examples(
        self,
        api: str,
        model_spec: ModelSpec,
        serialized_examples: Sequence[bytes],
        ask: Callable[[Servable, RunOn], Awaitable[_Found]],
        caller: Caller,
    ) -> tuple[ServableId, _Found, TextCounts | None]:
        handle = self._hold(model_spec, caller)
        servable = handle.servable
        counts: TextCounts | None = None

        async def run(key: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
            nonlocal counts
            answer = await self._runner.run(servable, key, inputs, caller, self._with_counts)
            # The signatures of one request read the same texts.
            outputs, found = take_counts(servable.signatures[key], answer)
            counts = counts or found
            return outputs

        try:
            if self._limits_inputs:
                self._limits.check_examples(serialized_examples)
            began = time.perf_counter()
            found = await ask(servable, run)
            if self._on_run is not None:
                self._on_run(handle.id.name, api, time.perf_counter() - began)
        except RequestCancelledError:
            caller.check_waits()
            raise
        finally:
            handle.release()
        caller.check_waits()
        return handle.id, found, counts

    def _states(self, name: str) -> list[ServableState]:
        states = self._manager.states(name)
        if self._merged_states is None:
            return states
        return [state for state in self._merged_states(states) if state.id.name == name]

    def _hold(self, model_spec: ModelSpec, caller: Caller) -> ServableHandle:
        """Holds a version; raises if the caller no longer waits."""
        caller.check_waits()
        if not model_spec.name:
            raise InvalidInputError("ModelSpec has no name specified.")
        return self._manager.get_handle(model_spec.name, model_spec.version, model_spec.label)


def _batch_size(inputs: Mapping[str, Array]) -> int | None:
    for array in inputs.values():
        if array.ndim:
            return len(array)
    return None


def _texts(signature: Signature, inputs: Mapping[str, Array]) -> Sequence[bytes]:
    if signature.key == TEXT_STATISTICS:  # measures texts that other requests are about
        return ()
    if list(signature.inputs) != [TEXT] or TEXT not in inputs or inputs[TEXT].dtype.kind != "O":
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
