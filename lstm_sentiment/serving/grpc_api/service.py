"""TensorFlow Serving's gRPC services over a `DataPlane`.

`tensorflow_serving/apis/prediction_service.proto`, `model_service.proto`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from itertools import islice
from typing import Any, TypeVar

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol import model_management_pb2, prediction_pb2
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.grpc_api.answering import LARGE_BYTES
from lstm_sentiment.serving.grpc_api.messages import inference_task, model_spec
from lstm_sentiment.serving.grpc_api.open_calls import OpenCalls
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.examples import serialized_examples
from lstm_sentiment.serving.inference.metadata import metadata_to_proto
from lstm_sentiment.serving.inference.model_status import model_status_to_proto
from lstm_sentiment.serving.inference.responses import (
    predict_response,
    write_classifications,
    write_model_spec,
    write_regressions,
    write_result,
)
from lstm_sentiment.serving.inference.results import Answer, ClassifyResult, RegressResult
from lstm_sentiment.serving.inference.runner import in_thread
from lstm_sentiment.serving.inference.tensor_proto import tensors_from_protos
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.servable import Array, Signature

Reload = Callable[[ModelServerConfig, Caller], None]
"""Makes a server serve the models of a config; returns once they are served, and ends with an error
once the caller is gone."""

MOST_RELOADS = 4
"""How many configs may wait at once for their models; each has a thread of its own."""

# No model has so many signatures: among so many tasks is one that is refused.
_MOST_TASKS = 4096

_Answer = TypeVar("_Answer", bound=Answer)
_Result = TypeVar("_Result")


class PredictionService:
    """Serves `tensorflow.serving.PredictionService`."""

    unobserved = frozenset[str]()

    def __init__(self, data_plane: DataPlane) -> None:
        """Answers from a data plane."""
        self._data_plane = data_plane

    async def Classify(
        self,
        request: prediction_pb2.ClassificationRequest,
        notes: RequestNotes,
        caller: Caller,
    ) -> prediction_pb2.ClassificationResponse:
        """Classifies the examples of a request."""
        response = prediction_pb2.ClassificationResponse()

        def write(result: ClassifyResult) -> None:
            write_classifications(result.classifications, response.result)

        classify = self._data_plane.classify
        await self._ask_examples(classify, request, response, write, notes, caller)
        return response

    async def Regress(
        self, request: prediction_pb2.RegressionRequest, notes: RequestNotes, caller: Caller
    ) -> prediction_pb2.RegressionResponse:
        """Computes a number for each example of a request."""
        response = prediction_pb2.RegressionResponse()

        def write(result: RegressResult) -> None:
            write_regressions(result.regressions, response.result)

        regress = self._data_plane.regress
        await self._ask_examples(regress, request, response, write, notes, caller)
        return response

    async def Predict(
        self, request: prediction_pb2.PredictRequest, notes: RequestNotes, caller: Caller
    ) -> prediction_pb2.PredictResponse:
        """Runs a signature on the tensors of a request."""

        def read_inputs(signature: Signature) -> Mapping[str, Array]:
            return tensors_from_protos(request.inputs, signature, self._data_plane.limits)

        result = await self._data_plane.predict(
            model_spec(request, notes),
            request.model_spec.signature_name,
            read_inputs,
            # Not copied: an alias that is unknown, or comes twice, ends the reading.
            request.output_filter,
            caller=caller,
            is_large=notes.request_bytes >= LARGE_BYTES,
        )
        notes.answered_by(result, result.texts)
        return await self._converted(lambda: predict_response(result), notes, caller)

    async def MultiInference(
        self, request: prediction_pb2.MultiInferenceRequest, notes: RequestNotes, caller: Caller
    ) -> prediction_pb2.MultiInferenceResponse:
        """Runs several signatures of one model on the examples of a request."""
        # A request without a task names no model, and the data plane says so.
        first = request.tasks[0] if request.tasks else prediction_pb2.InferenceTask()
        first.model_spec.SetInParent()
        asked = model_spec(first, notes)
        tasks = [inference_task(task) for task in islice(request.tasks, _MOST_TASKS)]
        examples = await self._examples(request, notes, caller)
        result = await self._data_plane.multi_inference(asked, tasks, examples, caller=caller)

        def response() -> prediction_pb2.MultiInferenceResponse:
            notes.examples_answered_by(result, request.input)
            response = prediction_pb2.MultiInferenceResponse()
            for found in result.results:
                write_result(found, result, response.results.add())
            return response

        return await self._converted(response, notes, caller)

    async def GetModelMetadata(
        self,
        request: prediction_pb2.GetModelMetadataRequest,
        notes: RequestNotes,
        caller: Caller,
    ) -> prediction_pb2.GetModelMetadataResponse:
        """Returns the signatures of a version."""
        found = self._data_plane.model_metadata(
            model_spec(request, notes, asks_signature=False), request.metadata_field
        )
        notes.version = found.servable_id.version
        return metadata_to_proto(found.servable_id, found.signature_defs)

    async def _ask_examples(
        self,
        ask: Callable[..., Awaitable[_Answer]],
        request: Any,
        response: Any,
        write: Callable[[_Answer], None],
        notes: RequestNotes,
        caller: Caller,
    ) -> None:
        asked = model_spec(request, notes)
        examples = await self._examples(request, notes, caller)
        result = await ask(asked, request.model_spec.signature_name, examples, caller=caller)

        def fill() -> None:
            notes.examples_answered_by(result, request.input)
            write_model_spec(response.model_spec, result)
            write(result)

        await self._converted(fill, notes, caller)

    async def _examples(self, request: Any, notes: RequestNotes, caller: Caller) -> list[bytes]:
        limits = self._data_plane.limits
        return await self._converted(
            lambda: serialized_examples(request.input, limits), notes, caller
        )

    async def _converted(
        self, convert: Callable[[], _Result], notes: RequestNotes, caller: Caller
    ) -> _Result:
        """Converts a message; one of a large request in a thread, so that others need not wait."""
        if notes.request_bytes < LARGE_BYTES:
            return convert()
        return await self._data_plane.in_thread(convert, caller)


class ModelService:
    """Serves `tensorflow.serving.ModelService`."""

    unobserved = frozenset[str]()

    def __init__(
        self, data_plane: DataPlane, reload: Reload | None, reload_threads: Executor
    ) -> None:
        """Answers from a data plane.

        Args:
            data_plane: The data plane.
            reload: Called with each config sent; `None` to refuse configs.
            reload_threads: Threads to call `reload` in, which may take minutes.
        """
        self._data_plane = data_plane
        self._reload, self._reload_threads = reload, reload_threads
        self._reloads = OpenCalls("calls of HandleReloadConfigRequest", MOST_RELOADS)

    async def GetModelStatus(
        self,
        request: model_management_pb2.GetModelStatusRequest,
        notes: RequestNotes,
        caller: Caller,
    ) -> model_management_pb2.GetModelStatusResponse:
        """Returns the states of a model's versions."""
        asked = model_spec(request, notes, asks_signature=False)
        # With several processes, the others are asked.
        states = await asyncio.to_thread(self._data_plane.model_status, asked)
        return model_status_to_proto(states)

    async def HandleReloadConfigRequest(
        self,
        request: model_management_pb2.ReloadConfigRequest,
        notes: RequestNotes,
        caller: Caller,
    ) -> model_management_pb2.ReloadConfigResponse:
        """Makes the server serve the models of a config."""
        reload = self._reload
        if reload is None:
            raise NotImplementedInServingError("this server does not accept configs in requests.")
        if request.config.WhichOneof("config") != "model_config_list":
            raise InvalidInputError(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                "ModelConfigList is currently supported"
            )
        with self._reloads.one():
            await in_thread(self._reload_threads, lambda: reload(request.config, caller), caller)
        response = model_management_pb2.ReloadConfigResponse()
        # gRPC sends no message beside an error: a response that arrives means OK.
        response.status.SetInParent()
        return response
