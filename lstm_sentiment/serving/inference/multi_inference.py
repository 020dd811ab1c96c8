"""TensorFlow Serving's MultiInference API: the same examples through several signatures.

After `tensorflow_serving/servables/tensorflow/multi_inference.cc`, messages included. There the
tasks share one run of the graph; here each has its own.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.inference.classification import (
    Classifications,
    check_classification_signature,
    classification_inputs,
    read_classifications,
)
from lstm_sentiment.serving.inference.regression import (
    Regressions,
    check_regression_signature,
    read_regressions,
    regression_inputs,
)
from lstm_sentiment.serving.servable import Array, Servable

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"

_SIGNATURE_CHECKS = {
    CLASSIFY_METHOD: check_classification_signature,
    REGRESS_METHOD: check_regression_signature,
}


@dataclass(frozen=True)
class InferenceTask:
    """A signature to run on the examples.

    Attributes:
        model_name: The model; all tasks of a request name the same.
        signature_key: The signature, `serving_default` where the request names none.
        method_name: `CLASSIFY_METHOD` or `REGRESS_METHOD`.
    """

    model_name: str
    signature_key: str
    method_name: str


@dataclass(frozen=True)
class InferenceResult:
    """The answer to one task: classifications or regressions.

    Attributes:
        signature_key: The signature that was run.
        classifications: The classes of each example, in order; `None` for a regression.
        regressions: The number for each example, in order; `None` for a classification.
    """

    signature_key: str
    classifications: Classifications | None = None
    regressions: Regressions | None = None


async def infer(
    servable: Servable,
    tasks: Sequence[InferenceTask],
    serialized_examples: Sequence[bytes],
    run: Callable[[str, Mapping[str, Array]], Awaitable[Mapping[str, Array]]],
) -> list[InferenceResult]:
    """Runs all tasks, in order, or none if one does not fit.

    Each task must have a signature of its own.

    Args:
        servable: The version that answers.
        tasks: The signatures to run.
        serialized_examples: A serialized `tf.Example` each.
        run: Runs a signature of the servable on inputs.

    Raises:
        InvalidInputError: If the tasks or the examples do not fit the model or one another.
        NotImplementedInServingError: If a task has another method name.
        LstmSentimentError: If the model does not answer, see `Servable.run`.
    """
    _check_tasks(servable, tasks)
    results = []
    for task in tasks:
        key, count = task.signature_key, len(serialized_examples)
        if task.method_name == CLASSIFY_METHOD:
            inputs = classification_inputs(servable, key, serialized_examples)
            classes = read_classifications(await run(key, inputs), count)
            results.append(InferenceResult(key, classifications=classes))
        else:
            inputs = regression_inputs(servable, key, serialized_examples)
            numbers = read_regressions(await run(key, inputs), count)
            results.append(InferenceResult(key, regressions=numbers))
    return results


def _check_tasks(servable: Servable, tasks: Sequence[InferenceTask]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if not task.model_name:
            raise InvalidInputError("Found ModelSpec with an empty model name.")
        if task.model_name != tasks[0].model_name:
            raise InvalidInputError(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        if task.signature_key in seen:
            raise InvalidInputError(f"Duplicate evaluation of signature: {task.signature_key}")
        seen.add(task.signature_key)
        _check_signature(servable, task)


def _check_signature(servable: Servable, task: InferenceTask) -> None:
    signature = servable.signatures.get(task.signature_key)
    if signature is None:
        raise InvalidInputError(
            f"Requested signature not found in model graph: {task.signature_key}"
        )
    if task.method_name not in _SIGNATURE_CHECKS:
        raise NotImplementedInServingError(f"Unsupported signature method_name: {task.method_name}")
    _SIGNATURE_CHECKS[task.method_name](signature)
