"""A model of how a step's time grows with the number of machines.

    seconds(N) = a + b * texts / N + 2 (N - 1) / N * bytes / bandwidth + 2 (N - 1) * latency

What a machine computes is a line in its own texts: `a` is what a step costs however few they are,
`b` what each adds. The rest is a ring all-reduce (Patarasuk and Yuan, "Bandwidth optimal all-reduce
algorithms for clusters of workstations", 2009): each machine sends its neighbour 2 (N - 1) parts,
each an N-th of all bytes. Nothing is computed meanwhile, as all gradients travel at once, after the
last is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Compute:
    """What one machine computes in a step.

    Attributes:
        fixed_seconds: However few texts there are.
        seconds_per_text: What each adds.
    """

    fixed_seconds: float
    seconds_per_text: float

    def seconds(self, texts: float) -> float:
        """How long a step with so many texts takes."""
        return self.fixed_seconds + self.seconds_per_text * texts


@dataclass(frozen=True)
class Network:
    """What lies between two machines.

    Attributes:
        bytes_per_second: That a machine can send, while it receives as many.
        latency_seconds: Before the first byte of a message is there.
    """

    bytes_per_second: float
    latency_seconds: float


def all_reduce_seconds(machines: int, size_bytes: float, network: Network) -> float:
    """How long a ring of machines takes to add up `size_bytes` of each; 0 for one."""
    messages = 2 * (machines - 1)
    return (
        messages / machines * size_bytes / network.bytes_per_second
        + messages * network.latency_seconds
    )


def step_seconds(
    machines: int, batch: int, compute: Compute, size_bytes: float, network: Network
) -> float:
    """How long a step takes.

    Args:
        machines: That share the batch.
        batch: Texts a step, over all machines.
        compute: What a machine computes.
        size_bytes: Of all gradients.
        network: What lies between them.
    """
    return compute.seconds(batch / machines) + all_reduce_seconds(machines, size_bytes, network)


def speed_up(
    machines: int, batch: int, compute: Compute, size_bytes: float, network: Network, *, weak: bool
) -> float:
    """How many times the texts a second of one machine.

    Args:
        machines: How many.
        batch: Texts a step of one machine alone.
        compute: What a machine computes.
        size_bytes: Of all gradients.
        network: What lies between them.
        weak: Whether each machine has `batch` texts a step, or all together.
    """
    texts = batch * machines if weak else batch
    alone = batch / compute.seconds(batch)
    return texts / step_seconds(machines, texts, compute, size_bytes, network) / alone


def fit_compute(batches: Sequence[int], seconds: Sequence[float]) -> Compute:
    """The line through the step times of one machine at several batch sizes.

    The squares of the relative errors are made least, so that small batches count too.
    """
    weights = 1 / np.asarray(seconds)
    slope, intercept = np.polyfit(batches, seconds, 1, w=weights)
    return Compute(float(intercept), float(slope))


def fit_network(
    machines: int, size_bytes: float, seconds: float, empty_seconds: float
) -> Network | None:
    """The network in which an all-reduce takes as long as it was seen to.

    Args:
        machines: That took part, at least two.
        size_bytes: What each brought.
        seconds: How long that took.
        empty_seconds: How long it took for next to nothing.

    Returns:
        The network, or `None` where all bytes took no longer than none.
    """
    if seconds <= empty_seconds:
        return None
    messages = 2 * (machines - 1)
    return Network(
        messages / machines * size_bytes / (seconds - empty_seconds), empty_seconds / messages
    )
