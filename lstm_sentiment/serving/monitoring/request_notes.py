"""Collects the outcome of a request for the observer."""

import time
from collections.abc import Sequence
from typing import Literal

from lstm_sentiment.protocol.prediction_pb2 import Input
from lstm_sentiment.serving.canonical_code import Code
from lstm_sentiment.serving.inference.examples import texts_of_examples
from lstm_sentiment.serving.inference.results import Answer
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest, Observer
from lstm_sentiment.serving.request_log.request_log import Messages

logger = get_logger(__name__)


class RequestNotes:
    """The known part of a request's outcome; the attributes are those of `AnsweredRequest`.

    Attributes:
        peer: Address of the caller.
        is_wanted: Whether there is an observer; without one, nothing costly need be noted.
        model_name: The model asked.
        label: The version label asked for.
        signature_key: The signature asked.
        version: The version that answered.
        texts: The texts in the request.
        request_bytes: Size as transferred.
        response_bytes: Size of the answer.
        messages: The request and its response.
    """

    def __init__(
        self, observer: Observer | None, entrypoint: Literal["GRPC", "REST"], api: str, peer: str
    ) -> None:
        """Begins with a request whose clock runs from now, or from when it has `arrived`.

        Args:
            observer: Called in the end, if there is one.
            entrypoint: The transport.
            api: The API, such as `Predict`.
            peer: Address of the caller.
        """
        self._observer = observer
        self._entrypoint, self._api, self.peer = entrypoint, api, peer
        self._begin = time.perf_counter()
        self._batch_size: int | None = None
        self.is_wanted = observer is not None
        self.model_name = ""
        self.label: str | None = None
        self.signature_key = ""
        self.version: int | None = None
        self.texts: Sequence[bytes] = ()
        self._answer: Answer | None = None
        self.request_bytes = 0
        self.response_bytes = 0
        self.messages: Messages | None = None

    def arrived(self, request_bytes: int) -> None:
        """Restarts the clock for a request whose body took time to arrive.

        Args:
            request_bytes: Size of the body.
        """
        self._begin = time.perf_counter()
        self.request_bytes = request_bytes

    def answered_by(self, answer: Answer, texts: Sequence[bytes] = ()) -> None:
        """Notes the version that answered.

        Args:
            answer: The answer.
            texts: The texts in the request.
        """
        self.version = answer.servable_id.version
        self.signature_key = answer.signature_key
        self._batch_size = answer.batch_size
        self._answer = answer
        self.texts = texts

    def examples_answered_by(self, answer: Answer, examples: Input) -> None:
        """Notes the version that answered a request of examples, and the texts in them.

        Args:
            answer: The answer.
            examples: The examples in the request.
        """
        self.answered_by(answer, texts_of_examples(examples) if self.is_wanted else ())

    def finish(self, code: Code, message: str = "") -> None:
        """Calls the observer; never raises.

        Args:
            code: The outcome.
            message: The error message for the caller; empty for `OK`.
        """
        if self._observer is None:
            return
        answered = AnsweredRequest(
            entrypoint=self._entrypoint,
            api=self._api,
            model_name=self.model_name,
            version=self.version,
            label=self.label,
            signature_key=self.signature_key,
            status=code.name,
            message=message,
            seconds=time.perf_counter() - self._begin,
            batch_size=self._batch_size,
            texts=self.texts,
            request_bytes=self.request_bytes,
            response_bytes=self.response_bytes,
            peer=self.peer,
            counts=None if self._answer is None else self._answer.counts,
            answer=self._answer,
            messages=self.messages,
        )
        try:
            self._observer(answered)
        except Exception:
            # The caller's request has succeeded and must not fail for being counted.
            logger.exception("an observer failed")
