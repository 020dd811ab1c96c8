"""Answers each method of the REST API in JSON.

After `tensorflow_serving/model_servers/http_rest_api_handler.cc`.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import SignatureNotFoundError
from lstm_sentiment.serving.inference.classification import Classifications
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.examples import serialized_examples
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.messages import examples_messages, predict_messages
from lstm_sentiment.serving.inference.metadata import SIGNATURE_DEF, metadata_to_json
from lstm_sentiment.serving.inference.model_status import (
    model_status_to_json,
    served_models_to_json,
)
from lstm_sentiment.serving.inference.results import Answer, ModelSpec
from lstm_sentiment.serving.rest_api.calls import Handler, RestCall
from lstm_sentiment.serving.rest_api.json_example import (
    JsonExamplesRequest,
    classifications_to_json,
    parse_examples_request,
    regressions_to_json,
)
from lstm_sentiment.serving.rest_api.json_tensor import (
    outputs_to_json,
    parse_predict_request,
)
from lstm_sentiment.serving.rest_api.responses import Response, json_response
from lstm_sentiment.serving.rest_api.text_hint import may_be_of_text, text_hint
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY

_Answer = TypeVar("_Answer", bound=Answer)
_Result = TypeVar("_Result")

# TensorFlow writes them into each version, to initialize it or to train it; nobody can run them.
_SIGNATURES_WITHOUT_INPUTS = ("__saved_model_init_op", "__saved_model_train_op")

# What takes the event loop longer than a switch of threads is left to one.
_MOST_BYTES_ON_LOOP = 16384
_MOST_VALUES_ON_LOOP = 4096


class RestAnswers:
    """Turns requests into calls of a data plane, and its answers into JSON.

    Attributes:
        handlers: What answers each route, by its `operation_id`.
    """

    def __init__(self, data_plane: DataPlane) -> None:
        """Answers from a data plane."""
        self._data_plane = data_plane
        self.handlers: dict[str, Handler] = {
            "predict": self._predict,
            "classify": self._classify,
            "regress": self._regress,
            "listModels": self._models,
            "getModelStatus": self._model_status,
            "getModelMetadata": self._model_metadata,
        }

    async def _classify(self, call: RestCall) -> Response:
        found = (await self._ask_examples(self._data_plane.classify, call)).classifications
        is_large = _size(found) > _MOST_VALUES_ON_LOOP
        convert = functools.partial(classifications_to_json, found)
        return json_response(await self._converted(is_large, convert, call.caller))

    async def _regress(self, call: RestCall) -> Response:
        found = (await self._ask_examples(self._data_plane.regress, call)).regressions
        is_large = len(found) > _MOST_VALUES_ON_LOOP
        convert = functools.partial(regressions_to_json, found)
        return json_response(await self._converted(is_large, convert, call.caller))

    async def _ask_examples(
        self, ask: Callable[..., Awaitable[_Answer]], call: RestCall
    ) -> _Answer:
        model_spec = call.model_spec()
        body, notes, caller = call.body, call.notes, call.caller
        read = functools.partial(_read_examples_request, body, self._data_plane.limits)
        request, examples = await self._converted(len(body) > _MOST_BYTES_ON_LOOP, read, caller)
        notes.signature_key = request.signature_key or DEFAULT_SIGNATURE_KEY
        result = await ask(model_spec, request.signature_key, examples, caller=caller)
        notes.examples_answered_by(result, request.input)
        notes.messages = functools.partial(
            examples_messages, model_spec, request.signature_key, request.input, result
        )
        return result

    async def _predict(self, call: RestCall) -> Response:
        model_spec = call.model_spec()
        body, notes, caller = call.body, call.notes, call.caller
        is_large = len(body) > _MOST_BYTES_ON_LOOP
        parse = functools.partial(parse_predict_request, body)
        request = await self._converted(is_large, parse, caller)
        notes.signature_key = request.signature_key or DEFAULT_SIGNATURE_KEY
        try:
            result = await self._data_plane.predict(
                model_spec,
                request.signature_key,
                functools.partial(request.inputs, limits=self._data_plane.limits),
                caller=caller,
                is_large=is_large,
            )
        except SignatureNotFoundError as error:
            # TensorFlow Serving's REST words this otherwise than its gRPC.
            key = error.signature_key
            raise InvalidInputError(
                f"Failed to get input map for signature: {key}"
                if key in _SIGNATURES_WITHOUT_INPUTS
                else f'Serving signature name: "{key}" not found in signature def'
            ) from error
        except InvalidInputError as error:
            if request.signature_key or not may_be_of_text(str(error)):
                raise
            hint = await asyncio.to_thread(self._text_hint, model_spec)
            raise InvalidInputError(f"{error}{hint}") from error
        notes.answered_by(result, result.texts)
        notes.messages = functools.partial(
            predict_messages, model_spec, request.signature_key, result
        )
        outputs, request_format = result.outputs, request.format
        is_large = sum(array.size for array in outputs.values()) > _MOST_VALUES_ON_LOOP
        convert = functools.partial(outputs_to_json, outputs, request_format)
        return json_response(await self._converted(is_large, convert, caller))

    def _text_hint(self, model_spec: ModelSpec) -> str:
        found = self._data_plane.model_metadata(model_spec, [SIGNATURE_DEF])
        return text_hint(found.signature_defs)

    async def _converted(
        self, is_large: bool, convert: Callable[[], _Result], caller: Caller
    ) -> _Result:
        """Reads or writes JSON, in a thread where it is so much that others would have to wait."""
        return await self._data_plane.in_thread(convert, caller) if is_large else convert()

    async def _model_status(self, call: RestCall) -> Response:
        model_spec = call.model_spec()

        def status() -> str:
            return model_status_to_json(self._data_plane.model_status(model_spec))

        return json_response(await asyncio.to_thread(status))

    async def _models(self, call: RestCall) -> Response:
        def models() -> str:
            return served_models_to_json(self._data_plane.served_models())

        return json_response(await asyncio.to_thread(models))

    async def _model_metadata(self, call: RestCall) -> Response:
        model_spec = call.model_spec()

        def metadata() -> tuple[int, str]:
            found = self._data_plane.model_metadata(model_spec, [SIGNATURE_DEF])
            text = metadata_to_json(found.servable_id, found.signature_defs)
            return found.servable_id.version, text

        call.notes.version, text = await asyncio.to_thread(metadata)
        return json_response(text)


def _read_examples_request(
    body: bytes, limits: RequestLimits
) -> tuple[JsonExamplesRequest, list[bytes]]:
    request = parse_examples_request(body)
    return request, serialized_examples(request.input, limits)


def _size(rows: Classifications) -> int:
    return sum(map(len, rows))
