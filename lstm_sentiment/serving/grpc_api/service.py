"""TensorFlow Serving's gRPC services over a `DataPlane`.

`tensorflow_serving/apis/prediction_service.proto`, `model_service.proto`.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection as grpc_reflection
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.grpc_api.answering import GrpcAnswering
from lstm_sentiment.serving.grpc_api.health import MODEL_SERVICE, PREDICTION_SERVICE, GrpcHealth
from lstm_sentiment.serving.grpc_api.messages import (
    inference_task,
    model_spec,
    note_examples,
    tell_who_answered,
    write_classifications,
    write_regressions,
    write_result,
)
from lstm_sentiment.serving.grpc_api.parsing import ParsingInterceptor
from lstm_sentiment.serving.inference.classification import serialized_examples
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.metadata import metadata_to_proto
from lstm_sentiment.serving.inference.model_status import model_status_to_proto
from lstm_sentiment.serving.inference.tensor_proto import tensor_from_proto, tensor_to_proto
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.servable import Array, Signature

Reload = Callable[[model_server_config_pb2.ModelServerConfig], None]
"""Makes a server serve what a config says; returns when that has come about."""

# TensorFlow Serving has no limit on messages; gRPC's own is 4 MiB.
_NO_LIMIT = -1


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Serves `tensorflow.serving.PredictionService`."""

    def __init__(self, data_plane: DataPlane, answering: GrpcAnswering) -> None:
        """Answers from a data plane.

        Args:
            data_plane: Who answers.
            answering: How calls are answered.
        """
        self._data_plane = data_plane
        self._answering = answering

    def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        """Classifies the examples sent."""

        def work(notes: RequestNotes, caller: Caller) -> Any:
            result = self._data_plane.classify(
                model_spec(request, notes),
                request.model_spec.signature_name,
                serialized_examples(request.input),
                caller=caller,
            )
            note_examples(notes, result, request)
            response = classification_pb2.ClassificationResponse()
            tell_who_answered(response.model_spec, result)
            write_classifications(result.classifications, response.result)
            return response

        return self._answering.answer("Classify", request, context, work)

    def Regress(
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        """Finds a number for each of the examples sent."""

        def work(notes: RequestNotes, caller: Caller) -> Any:
            result = self._data_plane.regress(
                model_spec(request, notes),
                request.model_spec.signature_name,
                serialized_examples(request.input),
                caller=caller,
            )
            note_examples(notes, result, request)
            response = regression_pb2.RegressionResponse()
            tell_who_answered(response.model_spec, result)
            write_regressions(result.regressions, response.result)
            return response

        return self._answering.answer("Regress", request, context, work)

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Runs a signature on the tensors sent."""

        def read_inputs(signature: Signature) -> Mapping[str, Array]:
            return {name: tensor_from_proto(proto, name) for name, proto in request.inputs.items()}

        def work(notes: RequestNotes, caller: Caller) -> Any:
            result = self._data_plane.predict(
                model_spec(request, notes),
                request.model_spec.signature_name,
                read_inputs,
                list(request.output_filter),
                caller=caller,
            )
            notes.answered_by(result)
            notes.texts = result.texts
            response = predict_pb2.PredictResponse()
            tell_who_answered(response.model_spec, result)
            for name, array in result.outputs.items():
                response.outputs[name].CopyFrom(tensor_to_proto(array))
            return response

        return self._answering.answer("Predict", request, context, work)

    def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        """Puts the examples sent to several signatures of one model."""

        def work(notes: RequestNotes, caller: Caller) -> Any:
            # Without a task there is nobody to ask, which the data plane says.
            first = request.tasks[0] if request.tasks else inference_pb2.InferenceTask()
            first.model_spec.SetInParent()
            result = self._data_plane.multi_inference(
                model_spec(first, notes),
                [inference_task(task) for task in request.tasks],
                serialized_examples(request.input),
                caller=caller,
            )
            note_examples(notes, result, request)
            response = inference_pb2.MultiInferenceResponse()
            for found in result.results:
                write_result(found, result, response.results.add())
            return response

        return self._answering.answer("MultiInference", request, context, work)

    def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Tells the signatures of a version."""

        def work(notes: RequestNotes, caller: Caller) -> Any:
            found = self._data_plane.model_metadata(
                model_spec(request, notes, asks_signature=False), list(request.metadata_field)
            )
            notes.told_of(found.servable_id.version)
            return metadata_to_proto(found.servable_id, found.signature_defs)

        return self._answering.answer("GetModelMetadata", request, context, work)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Serves `tensorflow.serving.ModelService`."""

    def __init__(
        self, data_plane: DataPlane, answering: GrpcAnswering, reload: Reload | None = None
    ) -> None:
        """Answers from a data plane.

        Args:
            data_plane: Who answers.
            answering: How calls are answered.
            reload: Called with each config sent; `None` to refuse them.
        """
        self._data_plane = data_plane
        self._answering = answering
        self._reload = reload

    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells where the versions of a model stand."""

        def work(notes: RequestNotes, caller: Caller) -> Any:
            asked = model_spec(request, notes, asks_signature=False)
            return model_status_to_proto(self._data_plane.model_status(asked))

        return self._answering.answer("GetModelStatus", request, context, work)

    def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        """Makes the server serve what the config sent says."""

        def work(notes: RequestNotes, caller: Caller) -> Any:
            if self._reload is None:
                raise NotImplementedInServingError("this server does not take configs by request.")
            if request.config.WhichOneof("config") != "model_config_list":
                raise InvalidInputError(
                    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                    "ModelConfigList is currently supported"
                )
            self._reload(request.config)
            response = model_management_pb2.ReloadConfigResponse()
            # gRPC sends no message beside an error: a response that arrives says OK.
            response.status.SetInParent()
            return response

        return self._answering.answer("HandleReloadConfigRequest", request, context, work)


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
        data_plane: Who answers.
        max_threads: How many requests are answered at once; more wait their turn.
        reload: Called with each config that HandleReloadConfigRequest brings; `None` to answer
            UNIMPLEMENTED.
        observer: Told of every request to the two services, if anybody.
        interceptors: See every call first, in this order.
        max_request_bytes: The longest message taken; longer ones are RESOURCE_EXHAUSTED. `None`
            for no limit.
        health: Whether the server can answer, to be served by gRPC's own protocol for that.
        reflection: Whether clients may ask which services and messages there are.

    Returns:
        The server.
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
    answering = GrpcAnswering(observer)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(data_plane, answering), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelService(data_plane, answering, reload), server
    )
    names = [PREDICTION_SERVICE, MODEL_SERVICE]
    if health is not None:
        health.add_to_server(server)
        names.append(health.service_name)
    if reflection:
        names.append(grpc_reflection.SERVICE_NAME)
        grpc_reflection.enable_server_reflection(names, server)
    return server
