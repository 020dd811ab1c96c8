"""How many threads TensorFlow computes with."""

from dataclasses import dataclass
from typing import Annotated

from lstm_sentiment.ranges import check_fields, from_zero

_THREADS = from_zero(1_024, is_integer=True)


@dataclass(frozen=True)
class TensorFlowThreads:
    """Threads of TensorFlow in this process; those of the first version that it loads hold for all.

    Attributes:
        intra_op: Threads that share an operation; 0 for as many as CPUs.
        inter_op: Operations that are computed at the same time; 0 for as many as CPUs.
    """

    intra_op: Annotated[int, _THREADS] = 0
    inter_op: Annotated[int, _THREADS] = 0

    def __post_init__(self) -> None:
        """Checks both numbers."""
        check_fields(self)
