"""A request with its outcome, as observers count and log it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lstm_sentiment.serving.inference.results import Answer
from lstm_sentiment.serving.inference.text_counts import TextCounts
from lstm_sentiment.serving.request_log.request_log import Messages


# A frozen one of so many fields would take some microseconds of each request to make.
@dataclass(slots=True)
class AnsweredRequest:
    """A request with its outcome, which observers must not change.

    Attributes:
        entrypoint: The transport.
        api: `Predict`, `Classify`, `Regress`, `MultiInference`, `GetModelMetadata`,
            `GetModelStatus` or `HandleReloadConfigRequest`; `ModelInfer`, `ModelMetadata` or
            `ModelReady` of the Open Inference Protocol.
        model_name: The model asked; empty where the request names none.
        version: The version that answered; `None` where none did.
        label: The version label in the request; `None` for none.
        signature_key: The signature asked; empty where there is none.
        status: Name of the canonical status code, such as `OK` or `INVALID_ARGUMENT`.
        message: The error message; empty for `OK`.
        seconds: Time from the arrival of the whole request until the answer was ready to send.
        batch_size: Rows, texts or examples in the request; `None` if unknown.
        texts: The texts in the request, as bytes, where the signature takes raw text. They may be
            counted and measured, but logged only if the user wants that.
        request_bytes: Size of the request as transferred, without headers.
        response_bytes: Size of the answer, without headers; 0 for an error over gRPC.
        peer: Address of the caller, such as `ipv4:127.0.0.1:50312`.
        counts: Counts of `texts`, where the engine has made them with the answer.
        answer: The answer, where there is one.
        messages: The request and its response; `None` where there was no answer.
    """

    entrypoint: Literal["GRPC", "REST"]
    api: str
    model_name: str
    version: int | None
    label: str | None
    signature_key: str
    status: str
    message: str
    seconds: float
    batch_size: int | None
    texts: Sequence[bytes] = field(repr=False)
    request_bytes: int
    response_bytes: int
    peer: str
    counts: TextCounts | None = field(default=None, repr=False)
    answer: Answer | None = field(default=None, repr=False)
    messages: Messages | None = field(default=None, repr=False)


Observer = Callable[[AnsweredRequest], None]
"""Called with every request once it is answered, in the thread that answered it: must be quick, and
must not raise."""
