"""The Open Inference Protocol's gRPC service over a `DataPlane`."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lstm_sentiment import __version__
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol import open_inference_pb2 as messages
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.grpc_api.answering import LARGE_BYTES
from lstm_sentiment.serving.grpc_api.open_inference.tensor_messages import (
    read_inputs,
    write_outputs,
)
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.results import PredictResult
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.open_inference.inference import (
    InferRequest,
    check_parameters,
    infer,
    model_spec_of,
    output_names,
)
from lstm_sentiment.serving.open_inference.models import (
    PLATFORM,
    SERVER_NAME,
    is_model_ready,
    model_metadata,
)
from lstm_sentiment.serving.open_inference.signature_choice import SIGNATURE_NAME

_Result = TypeVar("_Result")


class OpenInferenceService:
    """Serves `inference.GRPCInferenceService`."""

    unobserved = frozenset({"ServerLive", "ServerReady", "ServerMetadata"})
    """Methods that ask no model, and are not counted: as the pages of REST are not."""

    def __init__(self, data_plane: DataPlane, is_ready: Callable[[], bool]) -> None:
        """Answers from a data plane.

        Args:
            data_plane: The data plane.
            is_ready: Decides what ServerReady answers.
        """
        self._data_plane, self._is_ready = data_plane, is_ready

    async def ServerLive(
        self, request: messages.ServerLiveRequest, notes: RequestNotes, caller: Caller
    ) -> messages.ServerLiveResponse:
        """Returns that the process answers."""
        return messages.ServerLiveResponse(live=True)

    async def ServerReady(
        self, request: messages.ServerReadyRequest, notes: RequestNotes, caller: Caller
    ) -> messages.ServerReadyResponse:
        """Returns whether the server can answer for its models."""
        return messages.ServerReadyResponse(ready=await asyncio.to_thread(self._is_ready))

    async def ServerMetadata(
        self, request: messages.ServerMetadataRequest, notes: RequestNotes, caller: Caller
    ) -> messages.ServerMetadataResponse:
        """Returns the server's name and version."""
        return messages.ServerMetadataResponse(name=SERVER_NAME, version=__version__)

    async def ModelReady(
        self, request: messages.ModelReadyRequest, notes: RequestNotes, caller: Caller
    ) -> messages.ModelReadyResponse:
        """Returns whether a model, or one version of it, can answer."""
        asked = model_spec_of(request.name, request.version, notes)
        ready = await asyncio.to_thread(is_model_ready, self._data_plane, asked)
        return messages.ModelReadyResponse(ready=ready)

    async def ModelMetadata(
        self, request: messages.ModelMetadataRequest, notes: RequestNotes, caller: Caller
    ) -> messages.ModelMetadataResponse:
        """Returns the inputs and outputs of a model."""
        asked = model_spec_of(request.name, request.version, notes)
        found = await asyncio.to_thread(model_metadata, self._data_plane, asked)
        notes.version = found.servable_id.version
        response = messages.ModelMetadataResponse(
            name=found.servable_id.name,
            versions=found.versions,
            platform=PLATFORM,
            properties=found.properties,
        )
        for tensors, into in ((found.inputs, response.inputs), (found.outputs, response.outputs)):
            for tensor in tensors:
                into.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        return response

    async def ModelInfer(
        self, request: messages.ModelInferRequest, notes: RequestNotes, caller: Caller
    ) -> messages.ModelInferResponse:
        """Runs a model on tensors, which come back in the form in which they were sent."""
        asked = model_spec_of(request.model_name, request.model_version, notes)
        read = await self._converted(lambda: _read(request), notes, caller)
        is_large = notes.request_bytes >= LARGE_BYTES
        result = await infer(self._data_plane, asked, read, notes, caller, is_large=is_large)
        is_raw = bool(request.raw_input_contents)
        return await self._converted(lambda: _response(read, result, is_raw), notes, caller)

    async def _converted(
        self, convert: Callable[[], _Result], notes: RequestNotes, caller: Caller
    ) -> _Result:
        """Converts a message; one of a large request in a thread, so that others need not wait."""
        if notes.request_bytes < LARGE_BYTES:
            return convert()
        return await self._data_plane.in_thread(convert, caller)


def _read(request: messages.ModelInferRequest) -> InferRequest:
    for tensor in request.inputs:
        check_parameters(tensor.parameters, tensor.name)
    for output in request.outputs:
        check_parameters(output.parameters, output.name)
    names = [output.name for output in request.outputs]
    signature_key = _signature_key(request.parameters)
    return InferRequest(request.id, signature_key, read_inputs(request), names)


def _signature_key(parameters: Mapping[str, Any]) -> str:
    if SIGNATURE_NAME not in parameters:
        return ""
    parameter = parameters[SIGNATURE_NAME]
    if parameter.WhichOneof("parameter_choice") != "string_param":
        raise InvalidInputError(
            f"the parameter `{SIGNATURE_NAME}` must be a string. Received: "
            f"{parameter.WhichOneof('parameter_choice') or 'nothing'}."
        )
    name: str = parameter.string_param
    return name


def _response(
    request: InferRequest, result: PredictResult, is_raw: bool
) -> messages.ModelInferResponse:
    response = messages.ModelInferResponse(
        model_name=result.servable_id.name,
        model_version=str(result.servable_id.version),
        id=request.request_id,
    )
    outputs = result.outputs
    named = ((name, outputs[name]) for name in output_names(request, result))
    write_outputs(named, response, raw=is_raw)
    return response
