"""Answers as the response messages of TensorFlow Serving's gRPC API.

Requests over REST become messages too, for the request log.
"""

from lstm_sentiment.protocol import prediction_pb2
from lstm_sentiment.protocol.tensors import write_tensor
from lstm_sentiment.serving.inference.classification import Classifications
from lstm_sentiment.serving.inference.multi_inference import InferenceResult
from lstm_sentiment.serving.inference.regression import Regressions
from lstm_sentiment.serving.inference.results import Answer, PredictResult


def write_model_spec(
    spec: prediction_pb2.ModelSpec, answer: Answer, signature_key: str | None = None
) -> None:
    """Writes the version that answered into a response.

    Args:
        spec: The response's `model_spec`.
        answer: The answer.
        signature_key: The signature; `None` for the answer's.
    """
    spec.name = answer.servable_id.name
    spec.version.value = answer.servable_id.version
    spec.signature_name = signature_key or answer.signature_key


def predict_response(result: PredictResult) -> prediction_pb2.PredictResponse:
    """Makes the response to a Predict request."""
    response = prediction_pb2.PredictResponse()
    write_model_spec(response.model_spec, result)
    outputs = response.outputs
    for name, array in result.outputs.items():
        write_tensor(array, outputs[name])
    return response


def write_result(
    found: InferenceResult, answer: Answer, proto: prediction_pb2.InferenceResult
) -> None:
    """Writes the answer to one task of a MultiInference request.

    Args:
        found: The answer to the task.
        answer: The answer to the request.
        proto: The message to fill.
    """
    write_model_spec(proto.model_spec, answer, found.signature_key)
    if found.classifications is not None:
        write_classifications(found.classifications, proto.classification_result)
    if found.regressions is not None:
        write_regressions(found.regressions, proto.regression_result)


def write_classifications(
    classifications: Classifications, result: prediction_pb2.ClassificationResult
) -> None:
    """Writes the classes of each example into a message."""
    for scored_classes in classifications:
        classes = result.classifications.add().classes
        for label, score in scored_classes:
            classes.add(label=label, score=score)


def write_regressions(regressions: Regressions, result: prediction_pb2.RegressionResult) -> None:
    """Writes the number for each example into a message."""
    for value in regressions:
        result.regressions.add(value=value)
