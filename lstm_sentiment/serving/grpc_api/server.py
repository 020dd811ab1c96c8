"""A gRPC server with TensorFlow Serving's services, on an event loop."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import grpc
import grpc.aio

from lstm_sentiment.protocol.services import (
    MODEL_SERVICE,
    OPEN_INFERENCE_SERVICE,
    PREDICTION_SERVICE,
    Method,
    methods_of,
)
from lstm_sentiment.serving.access.connection_limit import connection_limit
from lstm_sentiment.serving.access.crowding import Crowding
from lstm_sentiment.serving.access.unix_socket import SOCKET_SCHEME
from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.grpc_api.answering import Answer, handler
from lstm_sentiment.serving.grpc_api.health import GrpcHealth
from lstm_sentiment.serving.grpc_api.idle_connections import IdleConnections, Place
from lstm_sentiment.serving.grpc_api.open_inference.service import OpenInferenceService
from lstm_sentiment.serving.grpc_api.reflection import add_reflection
from lstm_sentiment.serving.grpc_api.service import (
    MOST_RELOADS,
    ModelService,
    PredictionService,
    Reload,
)
from lstm_sentiment.serving.inference.bytes_in_flight import BytesInFlight
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.monitoring.answered_request import Observer
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes

# TensorFlow Serving has no limit on messages; gRPC's own is 4 MiB.
_NO_LIMIT = -1
# Calls beyond wait in their client until others have ended.
_MOST_CALLS_A_CONNECTION = 2048
# Calls beyond are RESOURCE_EXHAUSTED: each takes some memory while it waits.
_MOST_CALLS = 8192
# gRPC's own two minutes would keep who says nothing for long.
_HANDSHAKE_MILLISECONDS = 20_000


class GrpcServer:
    """Serves TensorFlow Serving's two services, the Open Inference Protocol's, and health.

    Its methods may be called in any thread but that of the event loop.
    """

    def __init__(
        self,
        loop: EventLoop,
        data_plane: DataPlane,
        *,
        reload: Reload | None = None,
        is_ready: Callable[[], bool] = lambda: True,
        observer: Observer | None = None,
        interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
        max_request_bytes: int | None = None,
        in_flight: BytesInFlight | None = None,
        health: bool = False,
        reflection: bool = False,
        reuse_port: bool = False,
        max_connections: int | None = None,
        crowding: Crowding | None = None,
        channel_arguments: Sequence[tuple[str, int | str]] = (),
    ) -> None:
        """Makes a server that is bound to no port and not started.

        Args:
            loop: The event loop to answer on, running.
            data_plane: The data plane that answers.
            reload: Called with each config that HandleReloadConfigRequest brings, in a thread;
                `None` to answer UNIMPLEMENTED.
            is_ready: Decides what the Open Inference Protocol's ServerReady answers.
            observer: Called with every request to the two services, if there is one.
            interceptors: Called first for every request, in this order.
            max_request_bytes: Limit of a message; longer ones are RESOURCE_EXHAUSTED. `None` for
                no limit.
            in_flight: The bytes of requests, of other transports too; `None` for no limit.
            health: Whether to serve gRPC's health checking protocol.
            reflection: Whether clients may list the services and messages.
            reuse_port: Whether other processes of this user may listen on the port too.
            max_connections: Limit of connections of each address; near it, idle ones are closed for
                new ones. `None` for as many as the descriptors of the process allow.
            crowding: Told of what happens at the limit; `None` to log it alone.
            channel_arguments: Further arguments of gRPC's server, which win.
        """
        self._loop = loop
        self._reload_threads = ThreadPoolExecutor(MOST_RELOADS, thread_name_prefix="reload")
        self._health = GrpcHealth() if health else None
        self._max_connections = (
            connection_limit(None, 1) if max_connections is None else max_connections
        )
        self._crowding = crowding or Crowding("GRPC")
        self._places: list[Place] = []
        self._under_way: set[RequestNotes] = set()
        self._idle: IdleConnections | None = None
        options: dict[str, int | str] = {
            "grpc.max_receive_message_length": max_request_bytes or _NO_LIMIT,
            "grpc.max_send_message_length": _NO_LIMIT,
            "grpc.max_concurrent_streams": _MOST_CALLS_A_CONNECTION,
            # gRPC counts calls that have ended but are not freed yet, and resets new ones for them.
            "grpc.http.overload_protection": 0,
            # Of more than 1,000 calls that have come at once, gRPC would cancel some at random.
            "grpc.server.max_pending_requests": _MOST_CALLS,
            "grpc.server.max_pending_requests_hard_limit": _MOST_CALLS,
            # Otherwise two servers on one port would silently share its connections.
            "grpc.so_reuseport": int(reuse_port),
            "grpc.max_allowed_incoming_connections": self._max_connections,
            "grpc.server_handshake_timeout_ms": _HANDSHAKE_MILLISECONDS,
            **dict(channel_arguments),
        }
        services = {
            PREDICTION_SERVICE: PredictionService(data_plane),
            MODEL_SERVICE: ModelService(data_plane, reload, self._reload_threads),
            OPEN_INFERENCE_SERVICE: OpenInferenceService(data_plane, is_ready),
        }
        own, in_flight = self._health, in_flight or BytesInFlight()

        def make_handler(method: Method, answer: Answer, is_observed: bool) -> Any:
            observed_by = observer if is_observed else None
            in_thread = data_plane.in_thread
            return handler(method, answer, observed_by, self._under_way, in_flight, in_thread)

        self._server = loop.run(
            _make_server(services, make_handler, interceptors, [*options.items()], own, reflection)
        )

    def add_port(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Opens a port, before the server is started.

        Args:
            address: `host:port`; port 0 for any free one.
            credentials: TLS; `None` for plain text.

        Returns:
            The number of the port.

        Raises:
            RuntimeError: If the address cannot be bound.
        """

        async def add() -> int:
            if credentials is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, credentials)

        port = self._loop.run(add())
        is_socket = address.startswith(SOCKET_SCHEME)
        self._places.append(unquote(address.removeprefix(SOCKET_SCHEME)) if is_socket else port)
        return port

    def start(self) -> None:
        """Starts answering."""
        self._loop.run(self._server.start())
        self._idle = IdleConnections(
            self._max_connections, self._places, self._busy_peers, self._crowding
        )
        self._idle.start()

    def set_serving(self) -> None:
        """Sets the health status to SERVING."""
        if self._health is not None:
            self._loop.run(self._health.set_serving(True))

    def stop(self, grace_seconds: float | None) -> "Future[None]":
        """Begins to stop: refuses new requests, and sets the health status to NOT_SERVING.

        Args:
            grace_seconds: How long running requests may take; then they are cancelled. `None`
                to cancel them at once.

        Returns:
            Has a result once the server has stopped.
        """
        self._reload_threads.shutdown(wait=False)
        if self._idle is not None:
            self._idle.stop()
        return self._loop.submit(self._stop(grace_seconds))

    def _busy_peers(self) -> list[str]:
        return [notes.peer for notes in self._under_way.copy()]

    async def _stop(self, grace_seconds: float | None) -> None:
        if self._health is not None:
            await self._health.stop()
        await self._server.stop(grace_seconds)


async def _make_server(
    services: dict[str, Any],
    make_handler: Callable[[Method, Answer, bool], Any],
    interceptors: Sequence[grpc.aio.ServerInterceptor],
    options: Sequence[tuple[str, int | str]],
    health: GrpcHealth | None,
    reflection: bool,
) -> grpc.aio.Server:
    server = grpc.aio.server(
        interceptors=interceptors, options=options, maximum_concurrent_rpcs=_MOST_CALLS
    )
    for name, service in services.items():
        # A method of a service has the name of the protocol's.
        handlers = {
            method.name: make_handler(
                method, getattr(service, method.name), method.name not in service.unobserved
            )
            for method in methods_of(name)
        }
        # Registered handlers would cost more: grpc.aio waits for each registered method by itself,
        # with callbacks on all of them for each request.
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
    names = list(services)
    if health is not None:
        await health.add_to_server(server)
        names.append(health.service_name)
    if reflection:
        add_reflection(server, names)
    return server
