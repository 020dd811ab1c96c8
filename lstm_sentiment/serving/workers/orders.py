"""Defines the message that the parent sends a worker at its start."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstm_sentiment.serving.peers import Peers
    from lstm_sentiment.serving.server import ModelServer

MakeServer = Callable[["Address", "Peers"], "ModelServer"]
"""Makes a server that is not started. It is pickled, so it must be a function of a module, or a
`functools.partial` of one; what it imports, the parent does not."""


MAX_WORKERS = 256
"""Limit of the number of workers: each has a whole server in memory."""


@dataclass(frozen=True)
class Address:
    """Where a server, or all workers, listen.

    Attributes:
        host: The address.
        port: The port for gRPC; `None` for none.
        rest_api_port: The port for REST; `None` for no REST.
        grpc_socket_path: The UNIX socket for gRPC; `None` for none.
    """

    host: str
    port: int | None
    rest_api_port: int | None
    grpc_socket_path: Path | None = None


@dataclass(frozen=True)
class Orders:
    """What one worker needs to know.

    Attributes:
        number: The worker's number, from 1.
        make_server: The pickled `MakeServer`.
        address: Where the workers listen.
        log_level: The level of the log.
        drain_seconds: The longest that running requests may take when the worker stops.
    """

    number: int
    make_server: bytes
    address: Address
    log_level: int
    drain_seconds: float
