"""What is known of a request once it is answered, for whoever counts and logs requests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class AnsweredRequest:
    """One request with its outcome.

    Attributes:
        entrypoint: The transport it came by.
        api: What was asked: `Predict`, `Classify`, `Regress`, `MultiInference`,
            `GetModelMetadata`, `GetModelStatus`, `HandleReloadConfigRequest`.
        model_name: The model asked; empty where the request names none.
        version: The version that answered; `None` where none did.
        label: The version label by which it was asked; `None` for none.
        signature_key: The signature asked; empty where there is none.
        status: Name of the canonical status code, such as `OK` or `INVALID_ARGUMENT`.
        message: What the caller was told is wrong; empty for `OK`.
        seconds: From the request being there in full until its answer was ready to send.
        batch_size: Rows, texts or examples in it; `None` if that did not become known.
        texts: The texts in it, as bytes, where the signature takes raw text; only to be counted
            and measured, never to be logged unless the user wants that.
        request_bytes: Its size on the wire, without headers.
        response_bytes: Size of the answer, likewise; 0 for an error over gRPC.
        peer: Who asked, such as `ipv4:127.0.0.1:50312`.
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


Observer = Callable[[AnsweredRequest], None]
"""Told of every request once it is answered, in the thread that answered it: must be quick, and
must not raise."""
