"""Passes messages that cannot be parsed on to the service, to be refused like other bad requests.

gRPC for Python itself answers INTERNAL, logs a traceback for each, and bypasses the observer.
"""

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

_SERVICES = "/tensorflow.serving."


class Unparsed:
    """Stands in for a message that cannot be parsed; has the size of the message and no fields."""

    def __init__(self, serialized: bytes) -> None:
        """Measures the bytes that came."""
        self._bytes = len(serialized)

    def ByteSize(self) -> int:
        """Returns the number of bytes, as a message does."""
        return self._bytes


class ParsingInterceptor(grpc.ServerInterceptor):
    """Passes `Unparsed` to TensorFlow Serving's services where a message cannot be parsed."""

    def __init__(self) -> None:
        """Knows no method yet."""
        self._lenient: dict[str, Any] = {}

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Returns the handler of a call, with its parser replaced."""
        method: str = handler_call_details.method
        if method in self._lenient:
            return self._lenient[method]
        handler = continuation(handler_call_details)
        if handler is None or not method.startswith(_SERVICES):
            return handler
        # Methods that a service has, so no more than there are.
        self._lenient[method] = grpc.unary_unary_rpc_method_handler(
            handler.unary_unary,
            request_deserializer=_lenient(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )
        return self._lenient[method]


def _lenient(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def parsed(serialized: bytes) -> Any:
        try:
            return parse(serialized)
        except DecodeError:
            return Unparsed(serialized)

    return parsed
