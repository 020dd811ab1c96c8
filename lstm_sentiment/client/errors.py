"""What the clients raise where no answer comes."""

from typing import Any

import grpc

from lstm_sentiment.client.access import AccessRefusedError
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
    grpc.StatusCode.UNAUTHENTICATED: AccessRefusedError,
    grpc.StatusCode.PERMISSION_DENIED: AccessRefusedError,
    grpc.StatusCode.UNIMPLEMENTED: InvalidInputError,
}
"""From a server's status code to what the client raises; `LstmSentimentError` for the rest."""

_PREFACES = {
    grpc.StatusCode.UNAUTHENTICATED: "the server asks for a valid `token` or client certificate: ",
    grpc.StatusCode.PERMISSION_DENIED: "the server does not allow this caller to ask: ",
    grpc.StatusCode.UNIMPLEMENTED: "the server does not answer requests of this kind: ",
}
# What gRPC itself says when the time it was given is over.
_GRPC_DEADLINE_DETAILS = "Deadline Exceeded"


def client_error(address: str, error: grpc.RpcError, timeout_seconds: float) -> LstmSentimentError:
    """Says what became of a request.

    Args:
        address: Of the server that was asked.
        error: What gRPC raised.
        timeout_seconds: How long the whole call was allowed to take.

    Returns:
        The error, to be raised; its message starts with the address.
    """
    code = error.code()
    details = error.details() or code.name
    if code is grpc.StatusCode.DEADLINE_EXCEEDED and details == _GRPC_DEADLINE_DETAILS:
        return ServableUnavailableError(
            f"{address}: the answer did not come, or not all of it, within {timeout_seconds:g} "
            "seconds."
        )
    return ERRORS.get(code, LstmSentimentError)(f"{address}: {_PREFACES.get(code, '')}{details}")


def closed_error(address: str) -> ServableUnavailableError:
    """Says that the client was closed."""
    return ServableUnavailableError(f"{address}: the client is closed.")


def trailing_value(error: grpc.RpcError, key: str) -> str | None:
    """Looks into the trailing metadata of a refusal.

    Args:
        error: What gRPC raised.
        key: In lower case.

    Returns:
        The first value of that key; `None` where there is none.
    """
    metadata: Any = error.trailing_metadata() or ()
    for name, value in metadata:
        if name == key and isinstance(value, str):
            return value
    return None
