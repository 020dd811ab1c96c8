"""Asks a model server over gRPC: ours or TensorFlow Serving.

Requests and answers follow the signatures `text`, `tokens` and `serving_default` of an exported
version, by `tensorflow_serving/apis/prediction_service.proto`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import grpc
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)

TextSignature = Literal["text", "tokens"]

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

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_CHANNEL_OPTIONS = (
    # Texts and scores of one request are not limited to gRPC's 4 MiB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


@dataclass(frozen=True)
class Prediction:
    """What the model says of one text.

    Attributes:
        label: The most probable label.
        classification: Its index among the classes.
        probabilities: One for each class; they sum to 1.
        model_version: The version that answered, if the server told.
    """

    label: str
    classification: int
    probabilities: tuple[float, ...]
    model_version: int | None


@dataclass(frozen=True)
class IdPrediction:
    """What `serving_default` says of one row of token ids.

    Attributes:
        predict_classification: Index of the highest score.
        predict_scores: One logit for each class.
        model_version: The version that answered, if the server told.
    """

    predict_classification: int
    predict_scores: tuple[float, ...]
    model_version: int | None


class PredictClient:
    """Asks one model of one server; safe to share among threads.

        with PredictClient("localhost:8500", model="sentiment") as client:
            client.predict(["房间很干净"])

    The connection is made by the first request, and made again after it was lost.
    """

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        """Prepares to ask; connects later.

        Args:
            address: The server's gRPC address, `host:port`.
            model: The model's name on the server.
            version: Ask this version; `None` for the highest available.
            label: Ask the version with this label, instead of a number.
            timeout_seconds: How long one request may take.

        Raises:
            InvalidInputError: If an argument breaks a rule, or both version and label are given.
        """
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
        self, texts: Sequence[str], *, signature: TextSignature = "text"
    ) -> list[Prediction]:
        """Classifies texts, all in one request.

        A text is sent as UTF-8. A lone surrogate, which UTF-8 cannot hold, is sent as U+FFFD.

        Args:
            texts: The texts; at least one. For `tokens` each is already segmented, its tokens
                separated by spaces.
            signature: `text` for raw text, `tokens` for segmented text.

        Returns:
            One prediction for each text, in order.

        Raises:
            InvalidInputError: If the arguments break a rule, or the model has no such signature.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        if signature not in get_args(TextSignature):
            raise InvalidInputError(
                f"`signature` must be one of 'text', 'tokens'. Received: signature={signature!r}."
            )
        outputs, version = self._ask(
            signature,
            {signature: _string_tensor(texts)},
            ("label", "classification", "probabilities"),
        )
        rows = zip(
            outputs["label"].tolist(),
            outputs["classification"].tolist(),
            outputs["probabilities"].tolist(),
            strict=True,
        )
        return [
            Prediction(label.decode("utf-8", "replace"), classification, tuple(scores), version)
            for label, classification, scores in rows
        ]

    def predict_ids(self, ids: NDArray[np.integer[Any]]) -> list[IdPrediction]:
        """Scores rows of token ids by `serving_default`, as the original recipe did.

        Args:
            ids: Integers of shape `(batch, time)`, neither of them 0, padded with 0 on either
                side; sent as int64.

        Returns:
            One answer for each row, in order.

        Raises:
            InvalidInputError: If `ids` has another shape or dtype, or the model refuses it.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        outputs, version = self._ask(
            "serving_default",
            {"input_sentence": _ids_tensor(ids)},
            ("predict_classification", "predict_scores"),
        )
        rows = zip(
            outputs["predict_classification"].tolist(),
            outputs["predict_scores"].tolist(),
            strict=True,
        )
        return [IdPrediction(index, tuple(scores), version) for index, scores in rows]

    def close(self) -> None:
        """Closes the connection; a second call does nothing."""
        self._is_closed = True
        self._channel.close()

    def __enter__(self) -> "PredictClient":
        """Gives the client itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Closes the connection."""
        self.close()

    def _ask(
        self,
        signature: str,
        inputs: Mapping[str, tensor_pb2.TensorProto],
        wanted: tuple[str, ...],
    ) -> tuple[dict[str, Any], int | None]:
        if self._is_closed:
            raise ServableUnavailableError(f"{self._address}: the client is closed.")
        request = predict_pb2.PredictRequest(inputs=inputs)
        request.model_spec.name = self._model
        request.model_spec.signature_name = signature
        if self._version is not None:
            request.model_spec.version.value = self._version
        if self._label is not None:
            request.model_spec.version_label = self._label
        try:
            response = self._stub.Predict(request, timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            raise self._error(error) from error
        missing = [name for name in wanted if name not in response.outputs]
        if missing:
            raise InvalidInputError(
                f"{self._address}: signature {signature!r} of model {self._model!r} must answer "
                f"{', '.join(wanted)}. Received: {', '.join(sorted(response.outputs))}."
            )
        spec = response.model_spec
        version = spec.version.value if spec.HasField("version") else None
        return {name: tf.make_ndarray(response.outputs[name]) for name in wanted}, version

    def _error(self, error: grpc.RpcError) -> LstmSentimentError:
        code = error.code()
        kind = ERRORS.get(code, LstmSentimentError)
        return kind(f"{self._address}: {error.details() or code.name}")


def _string_tensor(texts: Sequence[str]) -> tensor_pb2.TensorProto:
    if isinstance(texts, str | bytes):
        raise InvalidInputError(
            f"`texts` must be a list of texts. Received: one {type(texts).__name__}."
        )
    values = [_utf8(text) for text in texts]
    if not values:
        raise InvalidInputError("`texts` must not be empty. Received: no text.")
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=values)
    proto.tensor_shape.dim.add(size=len(values))
    return proto


def _utf8(text: str) -> bytes:
    if not isinstance(text, str):
        raise InvalidInputError(
            f"each of `texts` must be a string. Received: {type(text).__name__}."
        )
    return _LONE_SURROGATE.sub("\ufffd", text).encode("utf-8")


def _ids_tensor(ids: NDArray[np.integer[Any]]) -> tensor_pb2.TensorProto:
    array = np.asarray(ids)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "iu":
        raise InvalidInputError(
            "`ids` must be integers of shape (batch, time), neither of them 0. "
            f"Received: dtype {array.dtype}, shape {array.shape}."
        )
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = array.astype("<i8").tobytes()
    return proto
