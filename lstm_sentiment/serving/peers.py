"""The other processes that serve together with a server, as the server knows them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.counts import Counts
from lstm_sentiment.serving.servable import ServableState


@dataclass(frozen=True)
class Gathered:
    """What all processes together have counted, beside the process that asked.

    Attributes:
        others: The counts of each other living process.
        ended: The counts of all processes that have ended.
        started: When the first process started, in seconds since 1970.
        parent: The process id of the processes' parent.
        workers: What `/state` shows of the processes.
    """

    others: Sequence[Counts]
    ended: Counts
    started: float
    parent: int
    workers: Mapping[str, Any]


class Local(Protocol):
    """What the others may ask a server."""

    def states(self) -> list[ServableState]:
        """Returns the states of the server's versions."""

    def config_in_force(self) -> ModelServerConfig:
        """Returns the config that the server serves."""

    def reload_here(self, config: ModelServerConfig, timeout_seconds: float | None) -> None:
        """Serves the models of another config, in this process alone."""

    def counts(self) -> Counts:
        """Returns what the server has counted."""


class Peers(Protocol):
    """The other processes that serve together with a server."""

    def join(self, server: Local) -> None:
        """Lets the others ask a server that has its models loaded.

        Returns when the server may listen: it serves the config that the others serve, and what
        they have available.
        """

    def opening_ports(self) -> AbstractContextManager[None]:
        """Returns a context in which the server opens its ports, after `join`."""

    def changed(self) -> None:
        """Tells the others that a state or the config of the server has changed."""

    def merged(self, states: Sequence[ServableState]) -> list[ServableState]:
        """Returns the states of versions in all processes, from those in this one."""

    def reload(self, config: ModelServerConfig, timeout_seconds: float | None) -> None:
        """Makes all processes serve the models of another config; raises what any of them does."""

    def gather(self, own: Counts) -> Gathered:
        """Returns what all processes have counted."""
