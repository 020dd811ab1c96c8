"""One worker, as the parent knows it."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from lstm_sentiment.serving.counts import Counts
from lstm_sentiment.serving.workers.backoff import Backoff
from lstm_sentiment.serving.workers.channel import Channel
from lstm_sentiment.serving.workers.orders import Orders
from lstm_sentiment.serving.workers.posix import exit_reason, socket_pair, spawn
from lstm_sentiment.serving.workers.states import VersionState

_MODULE = "lstm_sentiment.serving.workers.worker"

Handlers = Mapping[str, Callable[["WorkerProcess", Any], Any]]


class WorkerProcess:
    """The process of one worker, and what it has told.

    Attributes:
        orders: What the worker got at its start.
        backoff: The pauses of the workers of this number.
        channel: Messages to the worker and from it.
        states: The states of its versions.
        config: The serialized config that it serves.
        last_report: The number of the report that both are from.
        counts: What it counted, when it last told.
        has_loaded: It has its models loaded.
        is_serving: It may listen, and takes part in reloads.
        is_ready: It listens.
        outcome: The error that kept it from starting.
    """

    def __init__(
        self,
        orders: Orders,
        backoff: Backoff,
        handlers: Handlers,
        when_ended: Callable[["WorkerProcess"], None],
        *,
        lock: int,
    ) -> None:
        """Starts the process.

        Args:
            orders: What to tell it.
            backoff: The pauses of the workers of this number.
            handlers: Called with this object and the content of each message of a kind.
            when_ended: Called when the process has closed its channel.
            lock: An open file that all workers inherit.
        """
        self.orders, self.backoff = orders, backoff
        self.states: Sequence[VersionState] = ()
        self.config = b""
        self.last_report = 0
        self.counts = Counts()
        self.has_loaded = self.is_serving = self.is_ready = False
        self.outcome: bytes | None = None
        self._began = time.monotonic()
        own, its = socket_pair()
        with its:
            keep = [its.fileno(), lock]
            self._process = spawn(_MODULE, list(map(str, keep)), keep)
        self.channel = Channel(
            own,
            {kind: self._with_worker(handler) for kind, handler in handlers.items()},
            when_ended=lambda: when_ended(self),
        )
        self.channel.tell("orders", orders)
        self.channel.start()

    @property
    def number(self) -> int:
        """The worker's number, from 1; the worker that takes its place has the same."""
        return self.orders.number

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def drain(self) -> None:
        """Sends the worker the order to finish running requests and then to exit."""
        self.channel.tell("drain")

    def kill(self) -> None:
        """Ends the process at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def wait(self, timeout_seconds: float) -> str:
        """Waits for the process to end, and kills it if it does not.

        Args:
            timeout_seconds: The longest wait before that.

        Returns:
            How it ended.
        """
        try:
            code = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        return exit_reason(code)

    def pause_before_next(self) -> float:
        """Returns the pause before another worker takes the place of this one, in seconds."""
        return self.backoff.pause_after(time.monotonic() - self._began)

    def _with_worker(self, handler: Callable[["WorkerProcess", Any], Any]) -> Callable[[Any], Any]:
        return lambda content: handler(self, content)
