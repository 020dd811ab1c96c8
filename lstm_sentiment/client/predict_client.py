"""Asks a model server over gRPC: ours or TensorFlow Serving.

Requests and answers follow the signatures `text`, `tokens`, `classify`, `explain` and
`serving_default` of an exported version, by `tensorflow_serving/apis/prediction_service.proto` and
`model_service.proto`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import grpc

from lstm_sentiment.client.answers import Explanation, IdPrediction, Prediction
from lstm_sentiment.client.connection import ClientBase, server_methods
from lstm_sentiment.client.messages import Ids
from lstm_sentiment.client.model_info import (
    SignatureInfo,
    VersionStatus,
    read_signatures,
    read_version_statuses,
)
from lstm_sentiment.client.questions import RPC, Answer, Question, TextSignature
from lstm_sentiment.client.retries import Deadline
from lstm_sentiment.errors import InvalidInputError

__all__ = ["Explanation", "IdPrediction", "PredictClient", "Prediction", "TextSignature"]


class PredictClient(ClientBase):
    """Asks one model of one server; safe to share among threads.

        with PredictClient("localhost:8500", model="sentiment") as client:
            client.predict(["房间很干净"])

    The connection is made by the first request, and made again after it was lost. The parts of a
    divided batch are asked for one after the other, their answers joined in order; as the server
    may change versions in between, each answer says its own `model_version`. `AsyncPredictClient`
    does the same in coroutines, and asks for parts at the same time.

    Each method takes `timeout_seconds`, the deadline of this call; without it, the client's holds.
    """

    _channel: grpc.Channel | None = None
    _methods: dict[RPC, Callable[..., Any]] | None = None

    def predict(
        self,
        texts: Sequence[str],
        *,
        signature: TextSignature = "text",
        timeout_seconds: float | None = None,
    ) -> list[Prediction]:
        """Classifies texts.

        A text is sent as UTF-8. A lone surrogate, which UTF-8 cannot hold, is sent as U+FFFD.

        Args:
            texts: The texts; at least one. For `tokens` each is already segmented, its tokens
                separated by spaces.
            signature: `text` for raw text, `tokens` for segmented text.
            timeout_seconds: The deadline of this call.

        Returns:
            One prediction for each text, in order.

        Raises:
            InvalidInputError: If the arguments break a rule, the model has no such signature, or
                the server wants to know better who asks.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        return self._ask(self._questions.predict(texts, signature), timeout_seconds)

    def predict_ids(self, ids: Ids, *, timeout_seconds: float | None = None) -> list[IdPrediction]:
        """Scores rows of token ids by `serving_default`, as the original recipe did.

        Args:
            ids: Integers of shape `(batch, time)`, neither of them 0, padded with 0 on either
                side; or a list of rows of any lengths, which are padded here: an empty one counts
                as one unknown token, id 1. Sent as int64.
            timeout_seconds: The deadline of this call.

        Returns:
            One answer for each row, in order.

        Raises:
            InvalidInputError: If `ids` has another shape or dtype, or the model refuses it.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        return self._ask(self._questions.predict_ids(ids), timeout_seconds)

    def classify(
        self, texts: Sequence[str], *, timeout_seconds: float | None = None
    ) -> list[Prediction]:
        """Classifies texts through the Classify API.

        Each is sent as a `tf.Example` with the bytes feature `text`, otherwise as by `predict`.

        Args:
            texts: The texts; at least one.
            timeout_seconds: The deadline of this call.

        Returns:
            One prediction for each text, in order: the class of the highest score, and the scores
            in the order in which the server gave them.

        Raises:
            InvalidInputError: If `texts` breaks a rule, or the model has no signature `classify`.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        return self._ask(self._questions.classify(texts), timeout_seconds)

    def explain(
        self, texts: Sequence[str], *, timeout_seconds: float | None = None
    ) -> list[Explanation]:
        """Classifies texts and tells which tokens spoke for it.

        Args:
            texts: The texts; at least one. Sent as by `predict`.
            timeout_seconds: The deadline of this call.

        Returns:
            One explanation for each text, in order.

        Raises:
            InvalidInputError: If `texts` breaks a rule, or the model has no signature `explain`.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        return self._ask(self._questions.explain(texts), timeout_seconds)

    def model_status(self, *, timeout_seconds: float | None = None) -> list[VersionStatus]:
        """Tells where the model's versions stand.

        Args:
            timeout_seconds: The deadline of this call.

        Returns:
            The versions in the server's order; if the client asks a version or a label, that one.

        Raises:
            InvalidInputError: If the server refuses the request.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        request = self._questions.model_status()
        response = self._call("GetModelStatus", request, self._deadline(timeout_seconds))
        return read_version_statuses(response)

    def metadata(self, *, timeout_seconds: float | None = None) -> dict[str, SignatureInfo]:
        """Tells what the model's signatures take and give.

        Args:
            timeout_seconds: The deadline of this call.

        Returns:
            The signatures by key, in order of their keys.

        Raises:
            InvalidInputError: If the server refuses the request, or answers something else.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        request = self._questions.metadata()
        response = self._call("GetModelMetadata", request, self._deadline(timeout_seconds))
        return read_signatures(response, self._address)

    def close(self) -> None:
        """Closes the connection; a second call does nothing. What is under way fails."""
        with self._lock:
            self._is_closed = True
            if self._channel is not None:
                self._channel.close()

    def __enter__(self) -> "PredictClient":
        """Gives the client itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Closes the connection."""
        self.close()

    def _ask(self, question: Question[Answer], timeout_seconds: float | None) -> list[Answer]:
        return self._answers(question, self._deadline(timeout_seconds))

    def _answers(self, question: Question[Answer], deadline: Deadline) -> list[Answer]:
        if question.fits(self._batch_limit.rows):
            try:
                return question.answers(self._call(question.rpc, question.request(), deadline))
            except InvalidInputError as error:
                if not self._batch_limit.learn(error, len(question.rows)):
                    raise
        return [
            answer
            for part in question.parts(self._batch_limit.rows)
            for answer in self._answers(part, deadline)
        ]

    def _call(self, rpc: RPC, request: Any, deadline: Deadline) -> Any:
        attempts = self._attempts(deadline)
        while True:
            try:
                return self._method(rpc)(request, **self._options(deadline))
            except grpc.RpcError as error:
                pause = attempts.pause_after(error)
                if pause is None:
                    raise self._error(error, deadline) from error
            except ValueError as error:
                # Closed by another thread after the method was looked up.
                if not self._is_closed:
                    raise
                raise self._closed() from error
            self._timing.sleep(pause)

    def _method(self, rpc: RPC) -> Callable[..., Any]:
        with self._lock:
            if self._is_closed:
                raise self._closed()
            if self._methods is None:
                self._channel = self._endpoint.channel()
                self._methods = server_methods(self._channel)
            return self._methods[rpc]
