"""TensorFlow Serving's gRPC services over a `DataPlane`.

`tensorflow_serving/apis/prediction_service.proto`, `model_service.proto`. What is not served here
answers UNIMPLEMENTED.
"""

import functools
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any, TypeVar

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.serving.classification import serialized_examples
from lstm_sentiment.serving.dataplane import DataPlane, ModelSpec
from lstm_sentiment.serving.model_status import model_status_to_proto
from lstm_sentiment.serving.servable import (
    NotImplementedInServingError,
    ServableId,
    ServableRunError,
    Signature,
    SignatureNotFoundError,
    VersionNotAvailableError,
)
from lstm_sentiment.serving.tensor_proto import tensor_from_proto, tensor_to_proto

STATUS_CODES: dict[type[BaseException], grpc.StatusCode] = {
    SignatureNotFoundError: grpc.StatusCode.FAILED_PRECONDITION,
    VersionNotAvailableError: grpc.StatusCode.FAILED_PRECONDITION,
    InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    ServableNotFoundError: grpc.StatusCode.NOT_FOUND,
    ServableUnavailableError: grpc.StatusCode.UNAVAILABLE,
    NotImplementedInServingError: grpc.StatusCode.UNIMPLEMENTED,
    ServableRunError: grpc.StatusCode.INTERNAL,
    LstmSentimentError: grpc.StatusCode.INTERNAL,
}
"""From an error to its status code; the nearest base class counts."""

# Status messages travel in HTTP/2 headers, which gRPC refuses at random from 8 KiB on; there, a
# byte beyond ASCII takes three.
_MAX_MESSAGE_BYTES = 2048

_SERVER_OPTIONS = (
    # No limit on messages, as TensorFlow Serving has none; gRPC's own is 4 MiB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Otherwise two servers on one port would silently share its connections.
    ("grpc.so_reuseport", 0),
)

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Method = Callable[[Any, _Request, grpc.ServicerContext], _Response]


def status_code(error: LstmSentimentError) -> grpc.StatusCode:
    """Looks an error up in `STATUS_CODES`.

    Args:
        error: What was raised.

    Returns:
        The code of its nearest class in the table.
    """
    return next(STATUS_CODES[cls] for cls in type(error).__mro__ if cls in STATUS_CODES)


def _answers_errors(method: _Method[_Request, _Response]) -> _Method[_Request, _Response]:
    @functools.wraps(method)
    def wrapper(self: Any, request: _Request, context: grpc.ServicerContext) -> _Response:
        try:
            return method(self, request, context)
        except LstmSentimentError as error:
            message = str(error).encode("utf-8", "replace")[:_MAX_MESSAGE_BYTES]
            context.abort(status_code(error), message.decode("utf-8", "ignore"))

    return wrapper


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Serves `tensorflow.serving.PredictionService`: Classify and Predict."""

    def __init__(self, data_plane: DataPlane) -> None:
        """Answers from a data plane.

        Args:
            data_plane: Who answers.
        """
        self._data_plane = data_plane

    @_answers_errors
    def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        """Classifies the examples sent."""
        result = self._data_plane.classify(
            _model_spec(request),
            request.model_spec.signature_name,
            serialized_examples(request.input),
        )
        response = classification_pb2.ClassificationResponse()
        _tell_who_answered(response.model_spec, result.servable_id, result.signature_key)
        for scored_classes in result.classifications:
            classes = response.result.classifications.add().classes
            for label, score in scored_classes:
                classes.add(label=label, score=score)
        return response

    @_answers_errors
    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Runs a signature on the tensors sent."""

        def read_inputs(signature: Signature) -> Mapping[str, Any]:
            return {name: tensor_from_proto(proto, name) for name, proto in request.inputs.items()}

        result = self._data_plane.predict(
            _model_spec(request),
            request.model_spec.signature_name,
            read_inputs,
            list(request.output_filter),
        )
        response = predict_pb2.PredictResponse()
        _tell_who_answered(response.model_spec, result.servable_id, result.signature_key)
        for name, tensor in result.outputs.items():
            response.outputs[name].CopyFrom(tensor_to_proto(tensor))
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Serves `tensorflow.serving.ModelService`: GetModelStatus."""

    def __init__(self, data_plane: DataPlane) -> None:
        """Answers from a data plane.

        Args:
            data_plane: Who answers.
        """
        self._data_plane = data_plane

    @_answers_errors
    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells where the versions of a model stand."""
        return model_status_to_proto(self._data_plane.model_status(_model_spec(request)))


def grpc_server(data_plane: DataPlane, *, max_threads: int) -> grpc.Server:
    """Makes a gRPC server with both services, bound to no port and not started.

    Args:
        data_plane: Who answers.
        max_threads: How many requests are answered at once; more wait their turn.

    Returns:
        The server.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(max_threads, thread_name_prefix="grpc"), options=_SERVER_OPTIONS
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(data_plane), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(data_plane), server)
    return server


def _tell_who_answered(
    spec: model_pb2.ModelSpec, servable_id: ServableId, signature_key: str
) -> None:
    spec.name = servable_id.name
    spec.version.value = servable_id.version
    spec.signature_name = signature_key


def _model_spec(
    request: classification_pb2.ClassificationRequest
    | predict_pb2.PredictRequest
    | get_model_status_pb2.GetModelStatusRequest,
) -> ModelSpec:
    if not request.HasField("model_spec"):
        raise InvalidInputError("Missing ModelSpec")
    spec: model_pb2.ModelSpec = request.model_spec
    choice = spec.WhichOneof("version_choice")
    return ModelSpec(
        spec.name,
        version=spec.version.value if choice == "version" else None,
        label=spec.version_label if choice == "version_label" else None,
    )
