"""The parent of several workers: starts, watches, restarts and drains them.

It imports no NumPy, no gRPC and no engine, so that it costs little memory beside the workers.
"""

import logging
import pickle
import threading
import time
from contextlib import ExitStack

from lstm_sentiment.checks import in_range
from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from lstm_sentiment.serving.access.listening import check_port
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.workers.backoff import Backoff
from lstm_sentiment.serving.workers.orders import MAX_WORKERS, Address, MakeServer, Orders
from lstm_sentiment.serving.workers.outcomes import outcome_of, raise_outcome
from lstm_sentiment.serving.workers.posix import check_can_share_ports, reserve_port, unnamed_file
from lstm_sentiment.serving.workers.roster import Roster
from lstm_sentiment.serving.workers.states import VersionState
from lstm_sentiment.serving.workers.worker_process import WorkerProcess
from lstm_sentiment.timeouts import countable

logger = get_logger(__name__)

_SECONDS_TO_END = 2.0


class WorkerParent:
    """Serves with several processes while it is entered as a context.

    A worker that ends unasked is started again: at once, then after longer and longer pauses if it
    ends again soon.
    """

    def __init__(
        self,
        make_server: MakeServer,
        workers: int,
        address: Address,
        *,
        drain_seconds: float = 15.0,
        log_level: int = logging.INFO,
    ) -> None:
        """Checks the arguments; opens no port and starts no process yet.

        Args:
            make_server: Makes the server of each worker, in its process.
            workers: Number of processes.
            address: Where all of them listen; port 0 stands for any free one.
            drain_seconds: The longest that running requests may take at the end.
            log_level: Level of the workers' logs.

        Raises:
            InvalidInputError: If a number is out of its range, the platform cannot share ports, or
                the address is a UNIX socket, which only one process can listen on.
        """
        in_range(1, MAX_WORKERS, workers=workers)
        check_can_share_ports(workers)
        if address.grpc_socket_path is not None or address.port is None:
            raise InvalidInputError(
                "`--grpc-socket-path` needs `--workers 1`: several processes cannot share a "
                f"UNIX socket. Received: {workers} workers."
            )
        check_port("port", address.port)
        if address.rest_api_port is not None:
            check_port("rest_api_port", address.rest_api_port)
        self._make_server = pickle.dumps(make_server)
        self._size, self._log_level = workers, log_level
        self._drain_seconds = countable(drain_seconds)
        self._address = address
        # The sockets that hold the ports, and the file that the workers take turns by.
        self._open = ExitStack()
        self._lock = -1
        self._roster = Roster(workers)
        self._is_started = False
        self._refusal: bytes | None = None
        self._stopped = threading.Event()

    @property
    def address(self) -> Address:
        """Where the workers listen; the ports are known once the parent is started."""
        return self._address

    def states(self) -> list[VersionState]:
        """Returns the states of all versions, merged over the workers."""
        return self._roster.states()

    def start(self) -> "WorkerParent":
        """Starts the workers, and returns when all of them answer requests.

        Raises:
            InvalidInputError: If a port cannot be bound.
            LstmSentimentError: What the server of a worker raised at its start.
        """
        roster = self._roster
        try:
            self._reserve_ports()
            self._lock = self._open.enter_context(unnamed_file())
            for number in range(1, self._size + 1):
                self._spawn(number, Backoff())
            with roster.changed:
                roster.changed.wait_for(lambda: self._refusal is not None or roster.are_ready())
                self._is_started = self._refusal is None
            raise_outcome(self._refusal)
        except BaseException:
            self.stop()
            raise
        logger.info("serving with %s processes", self._size)
        return self

    def stop(self) -> None:
        """Drains all workers, and returns when they have ended."""
        roster = self._roster
        with roster.changed:
            roster.is_stopping = True
            roster.changed.notify_all()
            workers = list(roster.workers.values())
        for worker in workers:
            worker.drain()
        end = time.monotonic() + self._drain_seconds + _SECONDS_TO_END
        for worker in workers:
            worker.wait(max(end - time.monotonic(), 0))
        self._open.close()
        self._stopped.set()

    def kill(self) -> None:
        """Ends all workers at once; takes no lock, so that a signal handler may call it."""
        self._roster.is_stopping = True
        for worker in list(self._roster.workers.values()):
            worker.kill()

    def wait_for_termination(self) -> None:
        """Waits until the workers have been stopped, by another thread or a signal handler."""
        self._stopped.wait()

    def __enter__(self) -> "WorkerParent":
        """Starts the workers."""
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        """Stops the workers."""
        self.stop()

    def _reserve_ports(self) -> None:
        asked = self._address
        port = None if asked.port is None else self._reserve(asked.port)
        rest_api_port = None if asked.rest_api_port is None else self._reserve(asked.rest_api_port)
        self._address = Address(asked.host, port, rest_api_port)

    def _reserve(self, port: int) -> int:
        holder = self._open.enter_context(reserve_port(self._address.host, port))
        number: int = holder.getsockname()[1]
        return number

    def _spawn(self, number: int, backoff: Backoff) -> None:
        orders = Orders(
            number, self._make_server, self._address, self._log_level, self._drain_seconds
        )
        roster = self._roster
        with roster.changed:
            if not roster.is_stopping:
                roster.workers[number] = WorkerProcess(
                    orders,
                    backoff,
                    roster.handlers(),
                    self._worker_ended,
                    lock=self._lock,
                )

    def _worker_ended(self, worker: WorkerProcess) -> None:
        reason = worker.wait(self._drain_seconds + _SECONDS_TO_END)
        roster = self._roster
        with roster.changed:
            roster.remove(worker)
            if roster.is_stopping:
                return
            if not self._is_started:
                self._refusal = self._refusal or worker.outcome or _ended_early(worker, reason)
                return
        self._restart(worker, reason)

    def _restart(self, worker: WorkerProcess, reason: str) -> None:
        pause = worker.pause_before_next()
        logger.warning(
            "worker %s (process %s) has ended by %s; another takes its place %s",
            worker.number,
            worker.pid,
            reason,
            f"in {pause:g} seconds" if pause else "now",
        )
        roster = self._roster
        with roster.changed:
            if roster.changed.wait_for(lambda: roster.is_stopping, pause):
                return
            roster.restarts += 1
        self._spawn(worker.number, worker.backoff)


def _ended_early(worker: WorkerProcess, reason: str) -> bytes:
    return outcome_of(
        ServableUnavailableError(
            f"worker {worker.number} must start. Received: it ended by {reason}."
        )
    )
