"""A gRPC server on an event loop of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.grpc_api.server import GrpcServer
from lstm_sentiment.serving.inference.dataplane import DataPlane


@contextmanager
def served(plane: DataPlane, *, is_serving: bool = False, **options: Any) -> Iterator[str]:
    """Yields the address; `options` are those of `GrpcServer`."""
    loop = EventLoop()
    loop.start()
    try:
        server = GrpcServer(loop, plane, **options)
        port = server.add_port("127.0.0.1:0")
        server.start()
        if is_serving:
            server.set_serving()
        yield f"127.0.0.1:{port}"
        server.stop(None).result()
    finally:
        loop.stop()
