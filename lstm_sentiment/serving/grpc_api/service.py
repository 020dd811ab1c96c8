"""TensorFlow Serving's gRPC services over a `DataPlane`.

`tensorflow_serving/apis/prediction_service.proto`, `model_service.proto`.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any, TypeVar

import grpc

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol import model_management_pb2, prediction_pb2
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.protocol.services import MODEL_SERVICE, PREDICTION_SERVICE, handlers, methods_of
from lstm_sentiment.protocol.tensors import write_tensor
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.grpc_api.answering import answered
from lstm_sentiment.serving.grpc_api.health import GrpcHealth
from lstm_sentiment.serving.grpc_api.messages import (
    inference_task,
    model_spec,
    write_classifications,
    write_model_spec,
    write_regressions,
    write_result,
)
from lstm_sentiment.serving.grpc_api.parsing import ParsingInterceptor
from lstm_sentiment.serving.grpc_api.reflection import add_reflection
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.examples import serialized_examples
from lstm_sentiment.serving.inference.metadata import metadata_to_proto
from lstm_sentiment.serving.inference.model_status import model_status_to_proto
from lstm_sentiment.serving.inference.results import Answer
from lstm_sentiment.serving.inference.tensor_proto import tensor_from_proto
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.servable import Array, Signature

Reload = Callable[[ModelServerConfig], None]
"""Makes a server serve the models of a config; returns once they are served."""

_Answer = TypeVar("_Answer", bound=Answer)

# TensorFlow Serving has no limit on messages; gRPC's own is 4 MiB.
_NO_LIMIT = -1


class PredictionService:
    """Serves `tensorflow.serving.PredictionService`."""

    def __init__(self, data_plane: DataPlane, observer: Observer | None) -> None:
        """Answers from a data plane.

        Args:
            data_plane: The data plane.
            observer: Called with every request, if there is one.
        """
        self._data_plane = data_plane
        self.observer = observer

    @answered
    def Classify(
        self,
        request: prediction_pb2.ClassificationRequest,
        notes: RequestNotes,
        caller: Caller,
    ) -> prediction_pb2.ClassificationResponse:
        """Classifies the examples of a request."""
        response = prediction_pb2.ClassificationResponse()
        result = self._ask_examples(self._data_plane.classify, request, response, notes, caller)
        write_classifications(result.classifications, response.result)
        return response

    @answered
    def Regress(
        self, request: prediction_pb2.RegressionRequest, notes: RequestNotes, caller: Caller
    ) -> prediction_pb2.RegressionResponse:
        """Computes a number for each example of a request."""
        response = prediction_pb2.RegressionResponse()
        result = self._ask_examples(self._data_plane.regress, request, response, notes, caller)
        write_regressions(result.regressions, response.result)
        return response

    @answered
    def Predict(
        self, request: prediction_pb2.PredictRequest, notes: RequestNotes, caller: Caller
    ) -> prediction_pb2.PredictResponse:
        """Runs a signature on the tensors of a request."""

        def read_inputs(signature: Signature) -> Mapping[str, Array]:
            return {name: tensor_from_proto(proto, name) for name, proto in request.inputs.items()}

        result = self._data_plane.predict(
            model_spec(request, notes),
            request.model_spec.signature_name,
            read_inputs,
            list(request.output_filter),
            caller=caller,
        )
        notes.answered_by(result, result.texts)
        response = prediction_pb2.PredictResponse()
        write_model_spec(response.model_spec, result)
        for name, array in result.outputs.items():
            write_tensor(array, response.outputs[name])
        return response

    @answered
    def MultiInference(
        self, request: prediction_pb2.MultiInferenceRequest, notes: RequestNotes, caller: Caller
    ) -> prediction_pb2.MultiInferenceResponse:
        """Runs several signatures of one model on the examples of a request."""
        # A request without a task names no model, and the data plane says so.
        first = request.tasks[0] if request.tasks else prediction_pb2.InferenceTask()
        first.model_spec.SetInParent()
        result = self._data_plane.multi_inference(
            model_spec(first, notes),
            [inference_task(task) for task in request.tasks],
            serialized_examples(request.input),
            caller=caller,
        )
        notes.examples_answered_by(result, request.input)
        response = prediction_pb2.MultiInferenceResponse()
        for found in result.results:
            write_result(found, result, response.results.add())
        return response

    @answered
    def GetModelMetadata(
        self,
        request: prediction_pb2.GetModelMetadataRequest,
        notes: RequestNotes,
        caller: Caller,
    ) -> prediction_pb2.GetModelMetadataResponse:
        """Returns the signatures of a version."""
        found = self._data_plane.model_metadata(
            model_spec(request, notes, asks_signature=False), list(request.metadata_field)
        )
        notes.version = found.servable_id.version
        return metadata_to_proto(found.servable_id, found.signature_defs)

    def _ask_examples(
        self,
        ask: Callable[..., _Answer],
        request: Any,
        response: Any,
        notes: RequestNotes,
        caller: Caller,
    ) -> _Answer:
        result = ask(
            model_spec(request, notes),
            request.model_spec.signature_name,
            serialized_examples(request.input),
            caller=caller,
        )
        notes.examples_answered_by(result, request.input)
        write_model_spec(response.model_spec, result)
        return result


class ModelService:
    """Serves `tensorflow.serving.ModelService`."""

    def __init__(
        self, data_plane: DataPlane, observer: Observer | None, reload: Reload | None = None
    ) -> None:
        """Answers from a data plane.

        Args:
            data_plane: The data plane.
            observer: Called with every request, if there is one.
            reload: Called with each config sent; `None` to refuse configs.
        """
        self._data_plane = data_plane
        self._reload = reload
        self.observer = observer

    @answered
    def GetModelStatus(
        self,
        request: model_management_pb2.GetModelStatusRequest,
        notes: RequestNotes,
        caller: Caller,
    ) -> model_management_pb2.GetModelStatusResponse:
        """Returns the states of a model's versions."""
        asked = model_spec(request, notes, asks_signature=False)
        return model_status_to_proto(self._data_plane.model_status(asked))

    @answered
    def HandleReloadConfigRequest(
        self,
        request: model_management_pb2.ReloadConfigRequest,
        notes: RequestNotes,
        caller: Caller,
    ) -> model_management_pb2.ReloadConfigResponse:
        """Makes the server serve the models of a config."""
        if self._reload is None:
            raise NotImplementedInServingError("this server does not take configs by request.")
        if request.config.WhichOneof("config") != "model_config_list":
            raise InvalidInputError(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                "ModelConfigList is currently supported"
            )
        self._reload(request.config)
        response = model_management_pb2.ReloadConfigResponse()
        # gRPC sends no message beside an error: a response that arrives means OK.
        response.status.SetInParent()
        return response


def grpc_server(
    data_plane: DataPlane,
    *,
    max_threads: int,
    reload: Reload | None = None,
    observer: Observer | None = None,
    interceptors: Sequence[grpc.ServerInterceptor] = (),
    max_request_bytes: int | None = None,
    health: GrpcHealth | None = None,
    reflection: bool = False,
) -> grpc.Server:
    """Makes a gRPC server with both services, bound to no port and not started.

    Args:
        data_plane: The data plane that answers.
        max_threads: How many requests are answered at once; more wait their turn.
        reload: Called with each config that HandleReloadConfigRequest brings; `None` to answer
            UNIMPLEMENTED.
        observer: Called with every request to the two services, if there is one.
        interceptors: Called first for every request, in this order.
        max_request_bytes: Limit of a message; longer ones are RESOURCE_EXHAUSTED. `None` for no
            limit.
        health: Health status to serve; `None` to serve none.
        reflection: Whether clients may list the services and messages.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(max_threads, thread_name_prefix="grpc"),
        interceptors=[*interceptors, ParsingInterceptor()],
        options=(
            ("grpc.max_receive_message_length", max_request_bytes or _NO_LIMIT),
            ("grpc.max_send_message_length", _NO_LIMIT),
            # Otherwise two servers on one port would silently share its connections.
            ("grpc.so_reuseport", 0),
        ),
    )
    _add_service(server, PREDICTION_SERVICE, PredictionService(data_plane, observer))
    _add_service(server, MODEL_SERVICE, ModelService(data_plane, observer, reload))
    names = [PREDICTION_SERVICE, MODEL_SERVICE]
    if health is not None:
        health.add_to_server(server)
        names.append(health.service_name)
    if reflection:
        add_reflection(server, names)
    return server


def _add_service(server: Any, name: str, service: Any) -> None:
    """Adds a service whose methods have the names of the protocol's."""
    methods = handlers(name, {each.name: getattr(service, each.name) for each in methods_of(name)})
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))
    server.add_registered_method_handlers(name, methods)
