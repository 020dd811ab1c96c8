"""Answers the Open Inference Protocol's questions to models in JSON."""

import asyncio
import functools
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.results import ModelSpec, PredictResult
from lstm_sentiment.serving.open_inference.datatypes import datatype_of_array
from lstm_sentiment.serving.open_inference.inference import (
    InferRequest,
    infer,
    model_spec_of,
    output_names,
)
from lstm_sentiment.serving.open_inference.models import PLATFORM, is_model_ready, model_metadata
from lstm_sentiment.serving.open_inference.signature_choice import SIGNATURE_NAME
from lstm_sentiment.serving.rest_api.body import header
from lstm_sentiment.serving.rest_api.calls import Handler, RestCall
from lstm_sentiment.serving.rest_api.open_inference.json_data import write_data
from lstm_sentiment.serving.rest_api.open_inference.json_request import (
    BINARY_REFUSED,
    read_infer_request,
)
from lstm_sentiment.serving.rest_api.responses import Response, json_response

_Result = TypeVar("_Result")

# What takes the event loop longer than a switch of threads is left to one.
_MOST_BYTES_ON_LOOP = 16384
_MOST_VALUES_ON_LOOP = 4096
_HEADER_OF_BINARY_DATA = b"inference-header-content-length"

_encode = json.JSONEncoder(ensure_ascii=False).encode


class OpenInferenceAnswers:
    """Turns requests into calls of a data plane, and its answers into JSON.

    Attributes:
        handlers: What answers each route, by its `operation_id`.
    """

    def __init__(self, data_plane: DataPlane) -> None:
        """Answers from a data plane."""
        self._data_plane = data_plane
        self.handlers: dict[str, Handler] = {
            "modelInfer": self._infer,
            "modelMetadata": self._metadata,
            "modelReady": self._ready,
        }

    async def _infer(self, call: RestCall) -> Response:
        body, notes, caller = call.body, call.notes, call.caller
        model_spec = _model_spec(call)
        if header(call.headers, _HEADER_OF_BINARY_DATA):
            raise InvalidInputError(BINARY_REFUSED)
        is_large = len(body) > _MOST_BYTES_ON_LOOP
        read = functools.partial(read_infer_request, body)
        request = await self._converted(is_large, read, caller)
        result = await infer(
            self._data_plane, model_spec, request, notes, caller, is_large=is_large
        )
        is_large = sum(array.size for array in result.outputs.values()) > _MOST_VALUES_ON_LOOP
        write = functools.partial(_answer_to_json, request, result)
        return json_response(await self._converted(is_large, write, caller))

    async def _converted(
        self, is_large: bool, convert: Callable[[], _Result], caller: Caller
    ) -> _Result:
        """Reads or writes JSON, in a thread where it is so much that others would have to wait."""
        return await self._data_plane.in_thread(convert, caller) if is_large else convert()

    async def _metadata(self, call: RestCall) -> Response:
        model_spec = _model_spec(call)
        asked = parse_qs(call.query.decode("latin-1")).get(SIGNATURE_NAME, [""])
        found = await asyncio.to_thread(model_metadata, self._data_plane, model_spec, asked[0])
        call.notes.version = found.servable_id.version
        document = {
            "name": found.servable_id.name,
            "versions": found.versions,
            "platform": PLATFORM,
            "inputs": [asdict(tensor) for tensor in found.inputs],
            "outputs": [asdict(tensor) for tensor in found.outputs],
            "properties": found.properties,
        }
        return json_response(_encode(document))

    async def _ready(self, call: RestCall) -> Response:
        model_spec = _model_spec(call)
        ready = await asyncio.to_thread(is_model_ready, self._data_plane, model_spec)
        document = _encode({"name": model_spec.name, "ready": ready})
        return json_response(document, 200 if ready else 503)


def _model_spec(call: RestCall) -> ModelSpec:
    parameters = call.target.match.groupdict()
    version = parameters["version_or_label"]
    name, version = unquote(parameters["model"]), "" if version is None else unquote(version)
    return model_spec_of(name, version, call.notes)


def _answer_to_json(request: InferRequest, result: PredictResult) -> str:
    document: dict[str, Any] = {
        "model_name": result.servable_id.name,
        "model_version": str(result.servable_id.version),
    }
    if request.request_id:
        document["id"] = request.request_id
    outputs = result.outputs
    document["outputs"] = [_output(name, outputs[name]) for name in output_names(request, result)]
    return _encode(document)


def _output(name: str, array: Any) -> dict[str, Any]:
    return {
        "name": name,
        "datatype": datatype_of_array(array, name),
        "shape": list(array.shape),
        "data": write_data(array),
    }
