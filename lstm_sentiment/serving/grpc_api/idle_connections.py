"""Closes idle connections of a gRPC server for new ones.

gRPC refuses connections beyond its limit, whoever has the others and however long they have been
idle, and tells nobody which there are. On Linux the process can see its sockets: those of the
server are found among its open files, and the kernel knows when each received something last. A
socket that is shut down here looks to gRPC like one whose caller has gone.
"""

import contextlib
import os
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from lstm_sentiment.serving.access.connection_limit import is_short_of_descriptors
from lstm_sentiment.serving.access.crowding import Crowding
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.system import descriptor_limit

logger = get_logger(__name__)

Place = int | str
"""Where a server listens: a port, or the path of a UNIX socket."""

_FILES = Path("/proc/self/fd")
_PAUSE_SECONDS = 0.25
# A look costs some microseconds for each open file, and must not cost much of the CPU.
_PAUSE_FOR_EACH_SECOND = 50.0
_SECONDS_TO_BEGIN = 0.25
# Above the first share of the limit idle ones are closed, down to the second.
_FULL, _ROOMY = 7 / 8, 3 / 4
_ROOM_WHEN_SHORT = 16
_MOST_GUESSED = 2**16
# `tcpi_last_data_sent` and `tcpi_last_data_recv` of `struct tcp_info` of linux/tcp.h, milliseconds.
_LAST_SENT_AND_RECEIVED = struct.Struct("=44xI4xI")


class _Connection(NamedTuple):
    place: Place
    idle_seconds: float
    inode: int
    is_busy: bool
    number: int


class IdleConnections:
    """Closes the connections of a gRPC server that have been idle longest, near its limit.

    Where the system does not show a process its open files, nothing is done.
    """

    def __init__(
        self,
        limit: int,
        places: Collection[Place],
        busy_peers: Callable[[], Collection[str]],
        crowding: Crowding,
        *,
        is_short: Callable[[], bool] = is_short_of_descriptors,
    ) -> None:
        """Makes a thread that is not started.

        Args:
            limit: Most connections of each place.
            places: Where the server listens.
            busy_peers: Returns the peers, as gRPC names them, whose requests are running.
            crowding: Told of what is closed.
            is_short: Returns whether the process is short of descriptors, which is another limit.
        """
        self._limit, self._places = limit, frozenset(places)
        self._busy_peers, self._crowding, self._is_short = busy_peers, crowding, is_short
        # When a UNIX socket was seen first: the kernel does not tell when it received something.
        self._seen: dict[int, float] = {}
        # Whose requests were under way at the last look; `None` where that was not asked.
        self._busy_before: frozenset[str] | None = None
        self._looking_glass = _LookingGlass()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="idle-connections", daemon=True)

    def start(self) -> None:
        """Starts to look, where that is possible."""
        if sys.platform == "linux" and _FILES.is_dir():
            self._thread.start()

    def stop(self) -> None:
        """Looks no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._looking_glass.close()

    def look(self) -> int:
        """Closes idle connections where there are too many; returns how many it closed."""
        self._crowding.look()
        files = _file_numbers()
        is_short = self._is_short()
        if not is_short and len(files) < self._limit * _FULL:
            self._busy_before = None
            return 0
        busy = frozenset(peer.rpartition(":")[2] for peer in self._busy_peers())
        # An answer may be on its way still when its request is no longer under way.
        before, self._busy_before = self._busy_before, busy
        if before is None:
            return 0
        found = self._connections(files, busy | before)
        self._seen = {
            each.inode: self._seen[each.inode] for each in found if each.inode in self._seen
        }
        return sum(self._close_in(place, found, is_short) for place in self._places)

    def _close_in(self, place: Place, found: list[_Connection], is_short: bool) -> int:
        here = [each for each in found if each.place == place]
        why = f"there are {len(here):,} connections, and at most {self._limit:,} may be"
        surplus = len(here) - int(self._limit * _ROOMY)
        if len(here) < self._limit * _FULL:
            if not is_short:
                return 0
            surplus, why = min(_ROOM_WHEN_SHORT, len(here)), "few file descriptors are left"
        idle = [e for e in here if not e.is_busy and e.idle_seconds >= _SECONDS_TO_BEGIN]
        idle.sort(key=lambda each: -each.idle_seconds)
        closed = sum(map(self._shut_down, idle[:surplus]))
        if closed:
            self._crowding.closed(why, closed)
        elif len(here) >= self._limit and all(each.is_busy for each in here):
            self._crowding.paused(f"{why}; each is in use, and new ones are refused")
        return closed

    def _connections(self, files: Collection[int], busy: Collection[str]) -> list[_Connection]:
        found = []
        for number in files:
            with self._looking_glass.socket(number) as twin:
                connection = None if twin is None else self._connection(number, twin, busy)
            if connection is not None:
                found.append(connection)
        return found

    def _connection(
        self, number: int, twin: socket.socket, busy: Collection[str]
    ) -> _Connection | None:
        place, peer = _place_and_peer(twin)
        if place not in self._places:
            return None
        inode = os.fstat(twin.fileno()).st_ino
        if _is_unix_socket(twin):
            idle = time.monotonic() - self._seen.setdefault(inode, time.monotonic())
            # All peers have the same name: while one of them asks, none is closed.
            return _Connection(place, idle, inode, bool(peer in busy), number)
        return _Connection(place, _idle_seconds(twin), inode, peer in busy, number)

    def _shut_down(self, connection: _Connection) -> bool:
        with self._looking_glass.socket(connection.number) as twin:
            # Another file may have got the number since.
            if twin is None or os.fstat(twin.fileno()).st_ino != connection.inode:
                return False
            with contextlib.suppress(OSError):
                twin.shutdown(socket.SHUT_RDWR)
        return True

    def _run(self) -> None:
        pause = _PAUSE_SECONDS
        while not self._stopped.wait(pause):
            began = time.thread_time()
            try:
                self.look()
            except Exception:
                logger.exception("looking for idle connections failed")
            pause = max(_PAUSE_SECONDS, _PAUSE_FOR_EACH_SECOND * (time.thread_time() - began))


def _file_numbers() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_FILES)]
    except OSError:  # there is no descriptor left to read the folder by
        return list(range(min(descriptor_limit(), _MOST_GUESSED)))


class _LookingGlass:
    """Shows sockets of this process under a number of its own, which is kept for that.

    No descriptor is needed for it when none is left, and a number that is closed and given to
    another file meanwhile does no harm.
    """

    def __init__(self) -> None:
        self._nothing = os.open(os.devnull, os.O_RDONLY)
        self._number = os.dup(self._nothing)

    @contextlib.contextmanager
    def socket(self, number: int) -> Iterator[socket.socket | None]:
        """Yields a twin of a socket; `None` for what is none, or is closed already."""
        try:
            is_socket = stat.S_ISSOCK(os.fstat(number).st_mode)
            twin = socket.socket(fileno=os.dup2(number, self._number)) if is_socket else None
        except OSError:
            twin = None
        try:
            yield twin
        finally:
            if twin is not None:
                twin.detach()
            os.dup2(self._nothing, self._number)

    def close(self) -> None:
        """Gives both numbers back."""
        os.close(self._nothing)
        os.close(self._number)


def _place_and_peer(twin: socket.socket) -> tuple[Place | None, str]:
    """Returns where a socket was accepted, and the end of its peer's name for gRPC."""
    try:
        name, peer = twin.getsockname(), twin.getpeername()
    except OSError:  # it listens, or its caller has gone
        return None, ""
    if twin.family in (socket.AF_INET, socket.AF_INET6):
        return name[1], str(peer[1])
    return (name, "") if _is_unix_socket(twin) and isinstance(name, str) else (None, "")


def _is_unix_socket(twin: socket.socket) -> bool:
    return sys.platform != "win32" and twin.family == socket.AF_UNIX


def _idle_seconds(twin: socket.socket) -> float:
    """Returns how long nothing has been sent or received on a connection of TCP."""
    if sys.platform != "linux":
        return 0.0
    else:
        size = _LAST_SENT_AND_RECEIVED.size
        info = twin.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
        return min(_LAST_SENT_AND_RECEIVED.unpack(info)) / 1e3
