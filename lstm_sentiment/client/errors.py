"""Errors of the clients, by gRPC's status codes."""

import re
from collections.abc import Callable
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
"""The error of each status code; `LstmSentimentError` for the rest."""

_PREFACES = {
    grpc.StatusCode.UNAUTHENTICATED: "the server requires a valid `token` (flag "
    "`--auth-token-file`) or client certificate: ",
    grpc.StatusCode.PERMISSION_DENIED: "the server does not allow this caller to do so: ",
    grpc.StatusCode.UNIMPLEMENTED: "the server does not answer requests of this kind: ",
}
# gRPC's own message for a deadline that passed.
_GRPC_DEADLINE_DETAILS = "Deadline Exceeded"
_NO_CONNECTION = re.compile(
    r"failed to connect|errors resolving|DNS resolution|Socket closed|recvmsg|Connection reset"
    r"|HTTP proxy|(Ssl|Tls) handshake|empty address list|Endpoint closing"
)


def client_error(
    address: str,
    error: grpc.RpcError,
    timeout_seconds: float,
    hint: Callable[[], str] | None = None,
) -> LstmSentimentError:
    """Returns the client's error for gRPC's.

    Args:
        address: The server's address, which begins the message.
        error: gRPC's error.
        timeout_seconds: The deadline of the whole call, for the message.
        hint: Called if the connection failed: what to do about it, which the message begins with.
    """
    code = error.code()
    details = error.details() or code.name
    if code is grpc.StatusCode.DEADLINE_EXCEEDED and details == _GRPC_DEADLINE_DETAILS:
        return ServableUnavailableError(
            f"{address}: the answer did not come, or not all of it, within {timeout_seconds:g} "
            "seconds."
        )
    if hint is not None and is_failed_connection(error) and (told := hint()):
        return ServableUnavailableError(f"{address}: cannot be reached. {told} ({details})")
    return ERRORS.get(code, LstmSentimentError)(f"{address}: {_PREFACES.get(code, '')}{details}")


def is_failed_connection(error: grpc.RpcError) -> bool:
    """Returns whether gRPC itself reports that there is no connection, and not a server."""
    is_unavailable = error.code() is grpc.StatusCode.UNAVAILABLE
    return is_unavailable and _NO_CONNECTION.match(error.details() or "") is not None


def closed_error(address: str) -> ServableUnavailableError:
    """Returns the error of a closed client."""
    return ServableUnavailableError(f"{address}: the client is closed.")


def trailing_value(error: grpc.RpcError, key: str) -> str | None:
    """Returns the first value of a lower-case key in the trailing metadata, or `None`."""
    metadata: Any = error.trailing_metadata() or ()
    for name, value in metadata:
        if name == key and isinstance(value, str):
            return value
    return None
