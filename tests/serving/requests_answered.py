"""Requests as the transports tell observers of them, and an observer that remembers."""

import threading
from dataclasses import replace
from typing import Any

from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest

PREDICT = AnsweredRequest(
    entrypoint="GRPC",
    api="Predict",
    model_name="sentiment",
    version=3,
    label=None,
    signature_key="text",
    status="OK",
    message="",
    seconds=0.002,
    batch_size=2,
    texts=("房间很好".encode(), b"fine"),
    request_bytes=120,
    response_bytes=90,
    peer="ipv4:127.0.0.1:50312",
)


def answered(**changes: Any) -> AnsweredRequest:
    return replace(PREDICT, **changes)


class Observed:
    """An observer that remembers, and can be waited for."""

    def __init__(self) -> None:
        self._requests: list[AnsweredRequest] = []
        self._is_told = threading.Event()

    def __call__(self, answered: AnsweredRequest) -> None:
        self._requests.append(answered)
        self._is_told.set()

    def the_only(self) -> AnsweredRequest:
        assert self._is_told.wait(30)
        [answered] = self._requests
        return answered
