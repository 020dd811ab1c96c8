"""Sends whole messages over gRPC and bytes over TCP, and counts the answers by their status."""

import socket
from collections import Counter
from collections.abc import Iterable

import grpc

from benchmarks.siege.attack import Target

_NO_ANSWER = "no answer"


def grpc_statuses(
    target: Target, method: str, messages: Iterable[bytes], patience_seconds: float
) -> Counter[str]:
    """Sends messages one after another on one connection; returns how often each status came.

    Args:
        target: The server.
        method: Path of the method.
        messages: Serialized.
        patience_seconds: Deadline of each.
    """
    answers: Counter[str] = Counter()
    with grpc.insecure_channel(target.grpc_address) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        for message in messages:
            try:
                call(message, timeout=patience_seconds)
                answers["OK"] += 1
            except grpc.RpcError as error:
                answers[status_of(error)] += 1
    return answers


def status_of(call: object) -> str:
    """Returns the name of the status of a call or an error, once it has ended."""
    assert isinstance(call, grpc.Call)
    code: grpc.StatusCode = call.code()
    return code.name


def rest_status(target: Target, request: bytes, patience_seconds: float) -> str:
    """Sends one HTTP request on a connection of its own; returns the status, such as `400`."""
    try:
        with socket.create_connection(target.rest_address, patience_seconds) as connection:
            connection.sendall(request)
            answer = connection.recv(1 << 16)
    except OSError:
        return _NO_ANSWER
    return answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/") else _NO_ANSWER
