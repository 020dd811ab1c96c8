"""Over real sockets: idle connections of a gRPC server are closed for new ones, others never."""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from lstm_sentiment.serving.access.crowding import Crowding
from lstm_sentiment.serving.event_loop import EventLoop
from lstm_sentiment.serving.grpc_api.server import GrpcServer
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.manager.manager import Manager

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux' /proc")

LIMIT = 8
LONG = 60.0
CALL = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
# A request with an empty list of models.
NO_MODEL = b"\x0a\x02\x0a\x00"


def no_loader(*arguments: Any) -> Any:
    raise AssertionError("no version is loaded here")


class Held:
    """A reload that is answered once it is released."""

    def __init__(self) -> None:
        self.is_asked, self.is_released = threading.Event(), threading.Event()

    def __call__(self, config: Any, caller: Any) -> None:
        self.is_asked.set()
        assert self.is_released.wait(LONG)


@contextmanager
def served(places: list[str], reload: Held, events: list[str]) -> Iterator[list[int]]:
    loop = EventLoop()
    loop.start()
    manager = Manager(no_loader)
    try:
        server = GrpcServer(
            loop,
            DataPlane(manager),
            reload=reload,
            max_connections=LIMIT,
            crowding=Crowding("GRPC", lambda where, event, number: events.append(event)),
        )
        ports = [server.add_port(place) for place in places]
        server.start()
        yield ports
        reload.is_released.set()
        server.stop(None).result()
    finally:
        loop.stop()


def call(address: str) -> str:
    """Asks on a connection of its own; returns the status' name."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(address, options) as channel:
        grpc.channel_ready_future(channel).result(LONG)
        asking: Any = channel.unary_unary(CALL)
        try:
            asking(NO_MODEL, timeout=LONG, wait_for_ready=True)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


@pytest.mark.parametrize("kind", ["port", "socket"])
def test_idle_connections_are_closed_and_requests_under_way_are_answered(
    kind: str, tmp_path: Path
) -> None:
    held, events, results = Held(), list[str](), list[str]()
    path = str(tmp_path / "grpc.sock")
    with served(["127.0.0.1:0" if kind == "port" else f"unix:{path}"], held, events) as ports:
        target: tuple[str, int] | str = ("127.0.0.1", ports[0]) if kind == "port" else path
        address = f"127.0.0.1:{ports[0]}" if kind == "port" else f"unix:{path}"

        def connect() -> socket.socket:
            family = socket.AF_INET if kind == "port" else socket.AF_UNIX
            connection = socket.socket(family)
            connection.settimeout(LONG)
            connection.connect(target)
            return connection

        asking = threading.Thread(target=lambda: results.append(call(address)))
        if kind == "port":  # by a UNIX socket all callers have one name
            asking.start()
            held.is_asked.wait(LONG)
        with ExitStack() as connections:
            idle = [connections.enter_context(connect()) for _ in range(LIMIT - 1)]
            wait_until(lambda: any(map(is_closed, idle)))
            if kind == "socket":
                asking.start()
            assert held.is_asked.wait(LONG)
            held.is_released.set()
            asking.join(LONG)
    assert results == ["OK"]
    assert "closed" in events


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(1 << 16):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True
