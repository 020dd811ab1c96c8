"""Who `PredictClient` asks, how it asks, and what it raises where no answer comes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    input_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)

ERRORS: dict[grpc.StatusCode, type[LstmSentimentError]] = {
    grpc.StatusCode.NOT_FOUND: ServableNotFoundError,
    grpc.StatusCode.UNAVAILABLE: ServableUnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: ServableUnavailableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ServableUnavailableError,
    grpc.StatusCode.CANCELLED: ServableUnavailableError,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInputError,
    grpc.StatusCode.FAILED_PRECONDITION: InvalidInputError,
}
"""From a server's status code to what the client raises; `LstmSentimentError` for the rest."""

_CHANNEL_OPTIONS = (
    # Texts and scores of one request are not limited to gRPC's 4 MiB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


class Connection:
    """A channel to one server, for requests to one model; safe to share among threads."""

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None,
        label: str | None,
        timeout_seconds: float,
    ) -> None:
        """Prepares to ask; connects later. The arguments are those of `PredictClient`."""
        if not address or not model:
            raise InvalidInputError(
                "`address` and `model` must not be empty. "
                f"Received: address={address!r}, model={model!r}."
            )
        if version is not None and label is not None:
            raise InvalidInputError(
                "at most one of `version` and `label` may be given. "
                f"Received: version={version}, label={label!r}."
            )
        if not timeout_seconds > 0:
            raise InvalidInputError(
                f"`timeout_seconds` must be positive. Received: timeout_seconds={timeout_seconds}."
            )
        self._address = address
        self._model = model
        self._version = version
        self._label = label
        self._timeout_seconds = timeout_seconds
        self._is_closed = False
        self._channel = grpc.insecure_channel(address, options=_CHANNEL_OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, tensor_pb2.TensorProto],
        wanted: Sequence[str],
    ) -> tuple[dict[str, Any], int | None]:
        """Asks a signature through the Predict API.

        Args:
            signature: Its key.
            inputs: A tensor for each of its inputs, by name.
            wanted: The outputs the answer must have.

        Returns:
            An `np.ndarray` for each output wanted, by name; and the version that answered, if the
            server told.

        Raises:
            InvalidInputError: If the server refuses the request, or an output is missing.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        request = predict_pb2.PredictRequest(model_spec=self._model_spec(signature), inputs=inputs)
        response = self._call(self._stub.Predict, request)
        if any(name not in response.outputs for name in wanted):
            raise self.unexpected_answer(
                signature, ", ".join(wanted), ", ".join(sorted(response.outputs))
            )
        arrays = {name: tf.make_ndarray(response.outputs[name]) for name in wanted}
        return arrays, _version(response)

    def classify(
        self, signature: str, examples: input_pb2.Input
    ) -> tuple[list[Sequence[classification_pb2.Class]], int | None]:
        """Asks a signature through the Classify API.

        Args:
            signature: Its key.
            examples: What to classify.

        Returns:
            The classes of each example, in order; and the version that answered, if the server
            told.

        Raises:
            InvalidInputError: If the server refuses the request.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        request = classification_pb2.ClassificationRequest(
            model_spec=self._model_spec(signature), input=examples
        )
        response = self._call(self._stub.Classify, request)
        return [answer.classes for answer in response.result.classifications], _version(response)

    def unexpected_answer(self, signature: str, wanted: str, received: str) -> InvalidInputError:
        """Says that a signature is not the one of that name which this package exports.

        Args:
            signature: Its key.
            wanted: What it must answer.
            received: What it answered.

        Returns:
            The error, to be raised.
        """
        return InvalidInputError(
            f"{self._address}: signature {signature!r} of model {self._model!r} must answer "
            f"{wanted}. Received: {received}."
        )

    def close(self) -> None:
        """Closes the channel; a second call does nothing."""
        self._is_closed = True
        self._channel.close()

    def _model_spec(self, signature: str) -> model_pb2.ModelSpec:
        spec = model_pb2.ModelSpec(name=self._model, signature_name=signature)
        if self._version is not None:
            spec.version.value = self._version
        if self._label is not None:
            spec.version_label = self._label
        return spec

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        if self._is_closed:
            raise ServableUnavailableError(f"{self._address}: the client is closed.")
        try:
            return method(request, timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            raise self._error(error) from error

    def _error(self, error: grpc.RpcError) -> LstmSentimentError:
        code = error.code()
        kind = ERRORS.get(code, LstmSentimentError)
        return kind(f"{self._address}: {error.details() or code.name}")


def _version(response: Any) -> int | None:
    spec = response.model_spec
    return spec.version.value if spec.HasField("version") else None
