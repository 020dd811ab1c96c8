"""Gathers what is known of one request and tells the observer when it is answered."""

import logging
import time
from collections.abc import Sequence
from typing import Literal

from lstm_sentiment.serving.canonical_code import Code
from lstm_sentiment.serving.inference.dataplane import Answer
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest, Observer

logger = logging.getLogger(__name__)


class RequestNotes:
    """What has become known of a request so far.

    Attributes:
        model_name: The model asked.
        label: The version label by which it was asked.
        signature_key: The signature asked.
        texts: The texts in it.
        request_bytes: Its size on the wire.
        response_bytes: Size of the answer.
    """

    def __init__(
        self, observer: Observer | None, entrypoint: Literal["GRPC", "REST"], api: str, peer: str
    ) -> None:
        """Begins with a request whose clock runs from now, or from when it has `arrived`.

        Args:
            observer: Who is told in the end, if anybody.
            entrypoint: The transport it came by.
            api: What is asked.
            peer: Who asks.
        """
        self._observer = observer
        self._entrypoint, self._api, self._peer = entrypoint, api, peer
        self._begin = time.perf_counter()
        self._version: int | None = None
        self._batch_size: int | None = None
        self.model_name = ""
        self.label: str | None = None
        self.signature_key = ""
        self.texts: Sequence[bytes] = ()
        self.request_bytes = 0
        self.response_bytes = 0

    @property
    def is_wanted(self) -> bool:
        """Whether there is an observer, for whom to look closer."""
        return self._observer is not None

    def arrived(self, request_bytes: int) -> None:
        """Notes that the request is there in full only now.

        Args:
            request_bytes: Its size.
        """
        self._begin = time.perf_counter()
        self.request_bytes = request_bytes

    def answered_by(self, answer: Answer) -> None:
        """Notes who answered.

        Args:
            answer: The answer.
        """
        self._version = answer.servable_id.version
        self.signature_key = answer.signature_key
        self._batch_size = answer.batch_size

    def told_of(self, version: int) -> None:
        """Notes which version told of itself.

        Args:
            version: Its number.
        """
        self._version = version

    def finish(self, code: Code, message: str = "") -> None:
        """Tells the observer; it cannot fail.

        Args:
            code: The outcome.
            message: What the caller is told is wrong; empty for `OK`.
        """
        if self._observer is None:
            return
        answered = AnsweredRequest(
            entrypoint=self._entrypoint,
            api=self._api,
            model_name=self.model_name,
            version=self._version,
            label=self.label,
            signature_key=self.signature_key,
            status=code.name,
            message=message,
            seconds=time.perf_counter() - self._begin,
            batch_size=self._batch_size,
            texts=self.texts,
            request_bytes=self.request_bytes,
            response_bytes=self.response_bytes,
            peer=self._peer,
        )
        try:
            self._observer(answered)
        except Exception:
            # A request that was answered is not to fail for being counted.
            logger.exception("an observer failed")
