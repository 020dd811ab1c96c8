"""Reads the parts that several of TensorFlow Serving's gRPC requests share."""

from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol import prediction_pb2
from lstm_sentiment.serving.inference.multi_inference import InferenceTask
from lstm_sentiment.serving.inference.results import ModelSpec
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY


def model_spec(request: Any, notes: RequestNotes, *, asks_signature: bool = True) -> ModelSpec:
    """Reads the model and version that a request names, and notes them.

    Args:
        request: A message with a `model_spec`.
        notes: The notes of the request.
        asks_signature: Whether to note the signature.

    Raises:
        InvalidInputError: If there is no `model_spec`.
    """
    if not request.HasField("model_spec"):
        raise InvalidInputError("Missing ModelSpec")
    spec: prediction_pb2.ModelSpec = request.model_spec
    choice = spec.WhichOneof("version_choice")
    notes.model_name = spec.name
    notes.label = spec.version_label if choice == "version_label" else None
    if asks_signature:
        notes.signature_key = spec.signature_name or DEFAULT_SIGNATURE_KEY
    version = spec.version.value if choice == "version" else None
    return ModelSpec(spec.name, version=version, label=notes.label)


def inference_task(task: prediction_pb2.InferenceTask) -> InferenceTask:
    """Reads one task of a MultiInference request."""
    spec = task.model_spec
    return InferenceTask(spec.name, spec.signature_name or DEFAULT_SIGNATURE_KEY, task.method_name)
