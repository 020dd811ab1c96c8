"""Messages that cannot be parsed reach the service, which refuses them as it refuses others.

gRPC for Python itself answers INTERNAL, logs a traceback for each, and tells no observer.
"""

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

_SERVICES = "/tensorflow.serving."


class Unparsed:
    """Stands for a message that is none."""

    def __init__(self, serialized: bytes) -> None:
        """Keeps the size alone.

        Args:
            serialized: What came instead of a message.
        """
        self._bytes = len(serialized)

    def ByteSize(self) -> int:
        """Tells its size, as a message does."""
        return self._bytes


class ParsingInterceptor(grpc.ServerInterceptor):
    """Gives the services of TensorFlow Serving an `Unparsed` for what is no message of theirs."""

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Changes how the message of one call is read."""
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_SERVICES):
            return handler
        return grpc.unary_unary_rpc_method_handler(
            handler.unary_unary,
            request_deserializer=_lenient(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )


def _lenient(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def parsed(serialized: bytes) -> Any:
        try:
            return parse(serialized)
        except DecodeError:
            return Unparsed(serialized)

    return parsed
