"""Answers each method of the REST API in JSON.

After `tensorflow_serving/model_servers/http_rest_api_handler.cc`.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from anyio import from_thread
from google.protobuf import json_format

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import SignatureNotFoundError
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.examples import serialized_examples
from lstm_sentiment.serving.inference.metadata import SIGNATURE_DEF, metadata_to_json
from lstm_sentiment.serving.inference.model_status import model_status_to_proto
from lstm_sentiment.serving.inference.results import Answer, ModelSpec
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.rest_api.json_example import (
    classifications_to_json,
    parse_examples_request,
    regressions_to_json,
)
from lstm_sentiment.serving.rest_api.json_tensor import outputs_to_json, parse_predict_request
from lstm_sentiment.serving.rest_api.path import RestTarget
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY

_Answer = TypeVar("_Answer", bound=Answer)


class RestAnswers:
    """Turns request bodies into calls of a data plane, and its answers into JSON."""

    def __init__(self, data_plane: DataPlane) -> None:
        """Answers from a data plane."""
        self._data_plane = data_plane
        self._methods = {
            "Classify": self._classify,
            "Regress": self._regress,
            "Predict": self._predict,
            "GetModelStatus": self._model_status,
            "GetModelMetadata": self._model_metadata,
        }

    def answer(self, target: RestTarget, body: bytes, notes: RequestNotes, caller: Caller) -> str:
        """Answers one request.

        Args:
            target: The API and the model.
            body: Body of the request, decompressed.
            notes: The notes of the request.
            caller: The caller who waits for the answer.

        Returns:
            JSON.

        Raises:
            LstmSentimentError: If the request cannot be answered.
        """
        model_spec = target.model_spec()
        notes.model_name, notes.label = model_spec.name, model_spec.label
        return self._methods[target.api](model_spec, body, notes, caller)

    def _classify(
        self, model_spec: ModelSpec, body: bytes, notes: RequestNotes, caller: Caller
    ) -> str:
        result = self._ask_examples(self._data_plane.classify, model_spec, body, notes, caller)
        return classifications_to_json(result.classifications)

    def _regress(
        self, model_spec: ModelSpec, body: bytes, notes: RequestNotes, caller: Caller
    ) -> str:
        result = self._ask_examples(self._data_plane.regress, model_spec, body, notes, caller)
        return regressions_to_json(result.regressions)

    def _ask_examples(
        self,
        ask: Callable[..., Awaitable[_Answer]],
        model_spec: ModelSpec,
        body: bytes,
        notes: RequestNotes,
        caller: Caller,
    ) -> _Answer:
        request = parse_examples_request(body)
        notes.signature_key = request.signature_key or DEFAULT_SIGNATURE_KEY
        examples = serialized_examples(request.input)
        result = _awaited(ask(model_spec, request.signature_key, examples, caller=caller))
        notes.examples_answered_by(result, request.input)
        return result

    def _predict(
        self, model_spec: ModelSpec, body: bytes, notes: RequestNotes, caller: Caller
    ) -> str:
        request = parse_predict_request(body)
        notes.signature_key = request.signature_key or DEFAULT_SIGNATURE_KEY
        try:
            result = _awaited(
                self._data_plane.predict(
                    model_spec, request.signature_key, request.inputs, caller=caller
                )
            )
        except SignatureNotFoundError as error:
            # TensorFlow Serving's REST words this otherwise than its gRPC.
            raise InvalidInputError(
                f'Serving signature name: "{error.signature_key}" not found in signature def'
            ) from error
        notes.answered_by(result, result.texts)
        return outputs_to_json(result.outputs, request.format)

    def _model_status(
        self, model_spec: ModelSpec, body: bytes, notes: RequestNotes, caller: Caller
    ) -> str:
        return json_format.MessageToJson(
            model_status_to_proto(self._data_plane.model_status(model_spec)),
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )

    def _model_metadata(
        self, model_spec: ModelSpec, body: bytes, notes: RequestNotes, caller: Caller
    ) -> str:
        found = self._data_plane.model_metadata(model_spec, [SIGNATURE_DEF])
        notes.version = found.servable_id.version
        return metadata_to_json(found.servable_id, found.signature_defs)


def _awaited(answer: Awaitable[_Answer]) -> _Answer:
    """Awaits an answer on the REST server's event loop, from one of its worker threads."""

    async def awaited() -> _Answer:
        return await answer

    return from_thread.run(awaited)
