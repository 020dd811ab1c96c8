"""How large the batches of a signature are, and how long a batch waits beside another one."""

_PATIENCE = 2
_WEIGHT_OF_LAST = 0.1


class BatchSizing:
    """The sizes and times of a signature's batches, whatever version of its model runs them.

    Not safe to share among threads: the scheduler locks.

    Attributes:
        largest: Most rows of a batch.
    """

    def __init__(self, largest: int) -> None:
        """Begins without a batch."""
        self.largest = largest
        self._usual_seconds: float | None = None

    @property
    def patience_seconds(self) -> float:
        """How long tasks wait for more of them while another batch is computed, in seconds.

        A few large batches cost less than many small ones, so a batch that is not full gathers
        tasks meanwhile; but no longer than two usual batches take, so that short texts do not wait
        for very long ones.
        """
        return _PATIENCE * (self._usual_seconds or 0.0)

    def ran(self, seconds: float) -> None:
        """Notes that a batch was computed in so many seconds."""
        usual = seconds if self._usual_seconds is None else self._usual_seconds
        self._usual_seconds = usual + _WEIGHT_OF_LAST * (seconds - usual)
