"""`serve --workers N`: the same server in several processes."""

from functools import partial
from typing import TYPE_CHECKING

from lstm_sentiment.cli.serve_server import ServeFlags, make_server
from lstm_sentiment.cli.verbosity import be_quiet, log_level
from lstm_sentiment.serving.workers.orders import Address
from lstm_sentiment.serving.workers.parent import WorkerParent

if TYPE_CHECKING:
    from lstm_sentiment.serving.peers import Peers
    from lstm_sentiment.serving.server import ModelServer


def worker_parent(flags: ServeFlags, address: Address, workers: int) -> WorkerParent:
    """Makes the parent of the workers, which is not started.

    Args:
        flags: The flags of `serve`.
        address: Where the workers listen.
        workers: Number of processes.

    Raises:
        InvalidInputError: If the platform cannot share ports.
    """
    return WorkerParent(
        partial(_worker_server, flags),
        workers,
        address,
        drain_seconds=flags.drain_seconds,
        log_level=log_level(),
    )


def _worker_server(flags: ServeFlags, address: Address, peers: "Peers") -> "ModelServer":
    # What a worker has to say, it says in the log.
    be_quiet()
    return make_server(flags, address, peers)
