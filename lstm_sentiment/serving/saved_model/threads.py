"""How many threads TensorFlow computes with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorFlowThreads:
    """Threads of TensorFlow in this process; those of the first version that it loads hold for all.

    Attributes:
        intra_op: Threads that share an operation; 0 for as many as CPUs.
        inter_op: Operations that are computed at the same time; 0 for as many as CPUs.
    """

    intra_op: int = 0
    inter_op: int = 0
