"""A model server's transports, as its options want them: gRPC and REST."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lstm_sentiment.serving.access.authentication import (
    BearerTokenInterceptor,
    BearerTokenMiddleware,
)
from lstm_sentiment.serving.access.browsers import BrowserCheckMiddleware
from lstm_sentiment.serving.access.cors import CorsMiddleware
from lstm_sentiment.serving.access.crowding import Crowding, Entrypoint
from lstm_sentiment.serving.access.hosts import ServedHosts
from lstm_sentiment.serving.access.listening import address_of, cannot_listen
from lstm_sentiment.serving.access.unix_socket import cannot_listen as cannot_listen_on_socket
from lstm_sentiment.serving.access.unix_socket import make_way, socket_address
from lstm_sentiment.serving.asgi import AsgiApp
from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.grpc_api.server import GrpcServer
from lstm_sentiment.serving.grpc_api.service import Reload
from lstm_sentiment.serving.inference.bytes_in_flight import BytesInFlight
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.monitoring.observability import MetricsPage, Observability
from lstm_sentiment.serving.rest_api.about import About
from lstm_sentiment.serving.rest_api.app import rest_app
from lstm_sentiment.serving.rest_api.uvicorn_server import RestServer
from lstm_sentiment.serving.server_options import ServerOptions
from lstm_sentiment.timeouts import timeout_or_none

logger = get_logger(__name__)


def make_rest_server(
    loop: EventLoop,
    data_plane: DataPlane,
    options: ServerOptions,
    observer: Observability,
    listener: socket.socket,
    host: str,
    *,
    is_ready: Callable[[], bool],
    state: Callable[[], dict[str, Any]],
    metrics_page: MetricsPage | None,
    about: About,
    max_connections: int,
    in_flight: BytesInFlight,
) -> RestServer:
    """Makes a REST server, which is not started.

    Args:
        loop: The event loop to answer on.
        data_plane: The data plane that answers.
        options: The model server's options.
        observer: Called with every request.
        listener: The socket to answer on.
        host: The name or address to listen on, as it was given.
        is_ready: Returns whether the server is ready.
        state: Returns the server's statistics.
        metrics_page: The page of metrics; `None` for none.
        about: Returns the facts of a version for the web page.
        max_connections: Limit of connections.
        in_flight: The bytes of all requests.
    """
    api = rest_app(
        data_plane,
        timeout_seconds=timeout_or_none(options.rest_api_timeout_seconds),
        max_request_bytes=options.limits.max_request_bytes,
        in_flight=in_flight,
        observer=observer,
        is_ready=is_ready,
        state=state,
        metrics_page=metrics_page,
        ui=options.ui,
        with_tokens=options.auth_tokens is not None,
        about=about,
    )
    app: AsgiApp = api
    if options.auth_tokens is not None:
        app = BearerTokenMiddleware(app, options.auth_tokens, api.router.roles_of)
    if options.cors_origins is not None:
        # A preflight has no token, and errors are read by the page too.
        app = CorsMiddleware(app, options.cors_origins, with_tokens=options.auth_tokens is not None)
    hosts = ServedHosts(host, listener.getsockname()[0], options.allowed_hosts)
    app = BrowserCheckMiddleware(app, hosts, options.cors_origins)
    context = options.credentials.ssl_context() if options.credentials is not None else None
    return RestServer(
        loop,
        app,
        listener,
        ssl_context=context,
        keep_alive_seconds=options.rest_api_keep_alive_seconds,
        max_connections=max_connections,
        crowding=_crowding("REST", observer),
    )


def make_grpc_server(
    loop: EventLoop,
    data_plane: DataPlane,
    options: ServerOptions,
    observer: Observability,
    *,
    reload: Reload,
    is_ready: Callable[[], bool],
    in_flight: BytesInFlight,
    reuse_port: bool,
    max_connections: int,
) -> GrpcServer:
    """Makes a gRPC server, which has no port and is not started.

    Args:
        loop: The event loop to answer on, running.
        data_plane: The data plane that answers.
        options: The model server's options.
        observer: Called with every request.
        reload: Called with each config that a request brings.
        is_ready: Returns whether the server is ready.
        in_flight: The bytes of all requests.
        reuse_port: Whether other processes of this user may listen on the port too.
        max_connections: Limit of connections of each address.
    """
    tokens = options.auth_tokens
    return GrpcServer(
        loop,
        data_plane,
        reload=reload,
        is_ready=is_ready,
        observer=observer,
        interceptors=[BearerTokenInterceptor(tokens)] if tokens is not None else [],
        max_request_bytes=options.limits.max_request_bytes,
        in_flight=in_flight,
        health=options.grpc_health,
        reflection=options.grpc_reflection,
        reuse_port=reuse_port,
        max_connections=max_connections,
        crowding=_crowding("GRPC", observer),
        channel_arguments=options.grpc_channel_arguments,
    )


def _crowding(entrypoint: Entrypoint, observer: Observability) -> Crowding:
    metrics = observer.metrics
    return Crowding(entrypoint) if metrics is None else Crowding(entrypoint, metrics.crowded)


def open_grpc_port(server: GrpcServer, options: ServerOptions, host: str, port: int) -> int:
    """Opens the port of a gRPC server that is not started; returns its number.

    Raises:
        InvalidInputError: If the port cannot be bound.
    """
    credentials = options.credentials
    try:
        return server.add_port(address_of(host, port), credentials.grpc() if credentials else None)
    except RuntimeError as error:
        raise cannot_listen(host, port, "address is in use") from error


def open_grpc_socket(
    server: GrpcServer, options: ServerOptions, path: Path, *, is_needed: bool
) -> Path | None:
    """Opens the UNIX socket of a gRPC server that is not started.

    The socket has the permissions that the umask leaves. gRPC removes it when the server stops.

    Args:
        server: The server.
        options: The model server's options.
        path: Where the socket is to be. A socket that nobody listens on is replaced.
        is_needed: Whether the server has no other address.

    Returns:
        The path; `None` if another server listens there and `is_needed` is not set, which is
        logged.

    Raises:
        InvalidInputError: If the socket cannot be made, or is needed and another's.
    """
    if not make_way(path, is_needed=is_needed):
        logger.error(
            "another server listens on %s: its socket stays, and gRPC is served on the port alone",
            path,
        )
        return None
    credentials = options.credentials
    try:
        server.add_port(socket_address(path), credentials.grpc() if credentials else None)
    except RuntimeError as error:
        raise cannot_listen_on_socket(path, "the folder must be writable") from error
    return path
