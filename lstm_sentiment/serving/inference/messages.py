"""Requests and their answers as messages of TensorFlow Serving's gRPC API, for the request log."""

from lstm_sentiment.protocol import prediction_pb2
from lstm_sentiment.protocol.tensors import write_tensor
from lstm_sentiment.serving.inference.responses import (
    predict_response,
    write_classifications,
    write_model_spec,
    write_regressions,
)
from lstm_sentiment.serving.inference.results import (
    Answer,
    ClassifyResult,
    ModelSpec,
    PredictResult,
    RegressResult,
)


def predict_messages(
    asked: ModelSpec, signature_key: str, result: PredictResult
) -> tuple[bytes, bytes]:
    """Serializes a Predict request and its answer.

    Args:
        asked: The model and version that the request names.
        signature_key: The signature that it names; empty for the default.
        result: The answer.
    """
    request = prediction_pb2.PredictRequest()
    _write_asked(asked, signature_key, request.model_spec)
    inputs = request.inputs
    for name, array in result.inputs.items():
        write_tensor(array, inputs[name])
    return request.SerializeToString(), predict_response(result).SerializeToString()


def examples_messages(
    asked: ModelSpec, signature_key: str, examples: prediction_pb2.Input, result: Answer
) -> tuple[bytes, bytes]:
    """Serializes a Classify or Regress request and its answer; arguments as `predict_messages`.

    Args:
        asked: The model and version that the request names.
        signature_key: The signature that it names; empty for the default.
        examples: The examples in the request.
        result: The answer.
    """
    request: prediction_pb2.ClassificationRequest | prediction_pb2.RegressionRequest
    response: prediction_pb2.ClassificationResponse | prediction_pb2.RegressionResponse
    if isinstance(result, ClassifyResult):
        request = prediction_pb2.ClassificationRequest()
        response = prediction_pb2.ClassificationResponse()
        write_classifications(result.classifications, response.result)
    else:
        assert isinstance(result, RegressResult)
        request = prediction_pb2.RegressionRequest()
        response = prediction_pb2.RegressionResponse()
        write_regressions(result.regressions, response.result)
    _write_asked(asked, signature_key, request.model_spec)
    request.input.CopyFrom(examples)
    write_model_spec(response.model_spec, result)
    return request.SerializeToString(), response.SerializeToString()


def _write_asked(asked: ModelSpec, signature_key: str, spec: prediction_pb2.ModelSpec) -> None:
    spec.name, spec.signature_name = asked.name, signature_key
    if asked.label is not None:
        spec.version_label = asked.label
    elif asked.version is not None:
        spec.version.value = asked.version
