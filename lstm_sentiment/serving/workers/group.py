"""The peers of a server that is one of several workers."""

import itertools
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.counts import Counts
from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.peers import Gathered, Local
from lstm_sentiment.serving.servable import ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.workers.channel import Channel
from lstm_sentiment.serving.workers.outcomes import outcome_of, raise_outcome
from lstm_sentiment.serving.workers.posix import high_descriptors
from lstm_sentiment.serving.workers.states import Report, VersionState, merged_states

logger = get_logger(__name__)

_SECONDS_BETWEEN_COUNTS = 1.0
_SECONDS_TO_GATHER = 5.0


class WorkerGroup:
    """Asks the other workers through the parent, and answers them: `Peers`.

    The states of the others are kept here, so that a request for a status waits for nobody.
    """

    def __init__(self) -> None:
        """Knows no parent yet: see `connect`."""
        self._channel: Channel | None = None
        self._server: Local | None = None
        self._others: Sequence[Sequence[VersionState]] = ()
        # Held while a report is made, so that the one of the higher number is the newer one.
        self._reporting = threading.Lock()
        self._numbers = itertools.count(1)
        self._stopped = threading.Event()
        self._counting = threading.Thread(target=self._tell_counts, name="counts", daemon=True)

    def handlers(self) -> dict[str, Any]:
        """Returns what is called for the messages of the parent."""
        return {"others": self._set_others, "counts": self._counts, "reload": self._reload}

    def connect(self, channel: Channel) -> None:
        """Takes the channel to the parent, whose handlers are those of this object."""
        self._channel = channel

    def join(self, server: Local) -> None:
        """Lets the others ask the server; returns when it may listen.

        Raises:
            LstmSentimentError: If the config that the others serve cannot be served here.
            ServableUnavailableError: If the parent has ended.
        """
        self._server = server
        self._counting.start()
        while True:
            config: bytes | None = self._parent.ask("join", self._report())
            if config is None:
                return
            server.reload_here(ModelServerConfig.FromString(config), None)

    def opening_ports(self) -> AbstractContextManager[None]:
        """Returns a context in which ports are opened so that they are closed first."""
        return high_descriptors()

    def changed(self) -> None:
        """Tells the others that a state or the config of the server has changed."""
        if self._server is not None:
            self._parent.tell("changed", self._report())

    def merged(self, states: Sequence[ServableState]) -> list[ServableState]:
        """Returns the states of versions in all workers, from those in this one."""
        return [
            ServableState(
                ServableId(state.name, state.version),
                state.state,
                None if state.error is None else ServableLoadError(state.error),
                state.engine,
            )
            for state in merged_states([_plain(states), *self._others])
        ]

    def reload(self, config: ModelServerConfig, timeout_seconds: float | None) -> None:
        """Makes all workers serve the models of another config.

        Raises:
            LstmSentimentError: If a worker does not take it; all keep the config of before.
            ServableUnavailableError: If the parent has ended.
        """
        patience = None if timeout_seconds is None else timeout_seconds + _SECONDS_TO_GATHER
        raise_outcome(self._parent.ask("reload", (_serialized(config), timeout_seconds), patience))

    def gather(self, own: Counts) -> Gathered:
        """Returns what all workers have counted."""
        try:
            found: Gathered = Gathered(*self._parent.ask("gather", own, _SECONDS_TO_GATHER))
        except ServableUnavailableError:
            # A page must still be there while all of them stop.
            return Gathered([], Counts(), 0.0, 0, {})
        return found

    def stop(self) -> None:
        """Tells the parent the last counts."""
        self._stopped.set()
        if self._channel is not None:
            self._channel.tell("counted", self._counts())

    @property
    def _parent(self) -> Channel:
        if self._channel is None:
            raise ServableUnavailableError("the parent of this process is not known yet.")
        return self._channel

    def _report(self) -> Report:
        with self._reporting:
            number, server = next(self._numbers), self._server
            if server is None:
                return Report(number, [], b"")
            config = _serialized(server.config_in_force())
            return Report(number, _plain(server.states()), config)

    def _set_others(self, states: Sequence[Sequence[VersionState]]) -> None:
        self._others = states

    def _counts(self, content: object = None) -> Counts:
        return Counts() if self._server is None else self._server.counts()

    def _reload(self, content: tuple[bytes, float | None]) -> Any:
        """Reloads here, and returns what came of it, with the states and the config after it."""
        config, timeout_seconds = content
        if self._server is None:
            return outcome_of(
                ServableUnavailableError("the server is not started.")
            ), self._report()
        try:
            self._server.reload_here(ModelServerConfig.FromString(config), timeout_seconds)
        except Exception as error:
            return outcome_of(error), self._report()
        return None, self._report()

    def _tell_counts(self) -> None:
        # What a worker that is killed has counted since is lost.
        while not self._stopped.wait(_SECONDS_BETWEEN_COUNTS):
            self._parent.tell("counted", self._counts())


def _plain(states: Sequence[ServableState]) -> list[VersionState]:
    return [
        VersionState(
            state.id.name,
            state.id.version,
            state.state,
            None if state.error is None else str(state.error),
            state.engine,
        )
        for state in states
    ]


def _serialized(config: ModelServerConfig) -> bytes:
    return config.SerializeToString(deterministic=True)
