"""The gRPC client of a model server: this package's or TensorFlow Serving.

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
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY

__all__ = ["Explanation", "IdPrediction", "PredictClient", "Prediction", "TextSignature"]


class PredictClient(ClientBase):
    """Queries one model of one server; safe to share among threads.

        with PredictClient("localhost:8500", model="sentiment") as client:
            client.predict(["房间很干净"])

    The connection is opened by the first request, and again after it was lost. The parts of a
    divided batch are requested one after the other and their answers joined in order; as the server
    may change versions in between, each answer has its own `model_version`. `AsyncPredictClient`
    is the client for coroutines.

    The argument `timeout_seconds` of a method is the deadline of its call, by default the client's.

    Raises:
        InvalidInputError: If an argument breaks a rule, more than one of `version`,
            `version_label` and `label` is given, or a file of `tls` cannot be used; from a method,
            if an argument or an answer breaks a rule, the model has no such signature, or the
            server refuses the request, the token or the certificate.
        ServableNotFoundError: From a method, if the server has no such model or version.
        ServableUnavailableError: From a method, if the server cannot be reached or does not answer
            in time.
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

        Args:
            texts: At least one, sent as UTF-8; a lone surrogate, which UTF-8 cannot hold, becomes
                U+FFFD. For `tokens`, each has its tokens separated by spaces.
            signature: `text` for raw text, `tokens` for segmented text.
            timeout_seconds: Deadline of this call.

        Returns:
            One prediction for each text, in order.
        """
        return self._ask(self._questions.predict(texts, signature), timeout_seconds)

    def predict_ids(
        self,
        ids: Ids,
        *,
        signature: str = DEFAULT_SIGNATURE_KEY,
        timeout_seconds: float | None = None,
    ) -> list[IdPrediction]:
        """Scores rows of token ids by `serving_default`, as the original recipe did.

        Args:
            ids: Integers of shape `(batch, time)`, neither of them 0, padded with 0 on either
                side; or a list of rows of any lengths, which are padded here: an empty row counts
                as one unknown token, id 1. Sent as int64.
            signature: `serving_default`, or `ids` of a version whose default is `text`.
            timeout_seconds: Deadline of this call.

        Returns:
            One answer for each row, in order.
        """
        return self._ask(self._questions.predict_ids(ids, signature), timeout_seconds)

    def classify(
        self, texts: Sequence[str], *, timeout_seconds: float | None = None
    ) -> list[Prediction]:
        """Classifies texts through the Classify API.

        Args:
            texts: At least one; each is sent as a `tf.Example` with the bytes feature `text`.
            timeout_seconds: Deadline of this call.

        Returns:
            One prediction for each text, in order: the class of the highest score, and the scores
            in the server's order.
        """
        return self._ask(self._questions.classify(texts), timeout_seconds)

    def label_names(self, *, timeout_seconds: float | None = None) -> tuple[str, ...]:
        """Returns the names of the classes, in the order of the probabilities.

        They are those of an answer to an empty text, which is sent through the Classify API.
        """
        return self._ask(self._questions.label_names(), timeout_seconds)[0]

    def explain(
        self, texts: Sequence[str], *, timeout_seconds: float | None = None
    ) -> list[Explanation]:
        """Classifies texts and weighs their tokens, by the signature `explain`.

        Args:
            texts: At least one, sent as by `predict`.
            timeout_seconds: Deadline of this call.

        Returns:
            One explanation for each text, in order.
        """
        return self._ask(self._questions.explain(texts), timeout_seconds)

    def model_status(self, *, timeout_seconds: float | None = None) -> list[VersionStatus]:
        """Returns the state of the model's versions.

        The versions come in the server's order; a client of one version or label gets that one.
        """
        request = self._questions.model_status()
        response = self._call("GetModelStatus", request, self._deadline(timeout_seconds))
        return read_version_statuses(response)

    def metadata(self, *, timeout_seconds: float | None = None) -> dict[str, SignatureInfo]:
        """Returns inputs and outputs of the model's signatures, in the order of their keys."""
        request = self._questions.metadata()
        response = self._call("GetModelMetadata", request, self._deadline(timeout_seconds))
        return read_signatures(response, self._address)

    def close(self) -> None:
        """Closes the connection, which may be closed already; running requests fail."""
        with self._lock:
            self._is_closed = True
            if self._channel is not None:
                self._channel.close()

    def __enter__(self) -> "PredictClient":
        """Returns the client."""
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
