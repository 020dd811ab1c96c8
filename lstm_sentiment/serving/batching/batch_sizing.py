"""How large the batches of a signature are, and how long a batch waits beside another one.

The size that keeps an objective of latency is found as in Crankshaw et al., "Clipper: A Low-Latency
Online Prediction Serving System", NSDI 2017, section 4.3.1: by additive increase and multiplicative
decrease.
"""

_PATIENCE = 2
_WEIGHT_OF_LAST = 0.1

QUANTILE = 0.99
"""Share of the batches that shall take no longer than the objective."""

_DECREASE = 0.05
# A size rises so slowly that half as many batches take too long as may: a machine is slower for
# moments, in which several do.
_RISE = _DECREASE * (1 - QUANTILE) * 0.5
_FASTEST = 128.0
_FULL_BATCHES_TO_RISE_FASTER = 200


class BatchSizing:
    """The sizes and times of a signature's batches, whatever version of its model runs them.

    Not safe to share among threads: the scheduler locks.

    Attributes:
        largest: Most rows of a batch.
    """

    def __init__(self, largest: int, objective_seconds: float | None = None) -> None:
        """Begins without a batch.

        Args:
            largest: Most rows of a batch.
            objective_seconds: What `QUANTILE` of the batches shall take at most; `None` for no
                objective.
        """
        self.largest = largest
        self._control = (
            None if objective_seconds is None else _LatencyControl(largest, objective_seconds)
        )
        if self._control is not None:
            self.largest = self._control.rows
        self._usual_seconds: float | None = None

    @property
    def found(self) -> int | None:
        """Most rows of a batch, where an objective sets it; else `None`."""
        return None if self._control is None else self.largest

    @property
    def patience_seconds(self) -> float:
        """How long tasks wait for more of them while another batch is computed, in seconds.

        A few large batches cost less than many small ones, so a batch that is not full gathers
        tasks meanwhile; but no longer than two usual batches take, so that short texts do not wait
        for very long ones.
        """
        return _PATIENCE * (self._usual_seconds or 0.0)

    def ran(self, rows: int, seconds: float) -> None:
        """Notes that a batch of so many rows was computed in so many seconds."""
        usual = seconds if self._usual_seconds is None else self._usual_seconds
        self._usual_seconds = usual + _WEIGHT_OF_LAST * (seconds - usual)
        if self._control is not None:
            self._control.ran(rows, seconds)
            self.largest = self._control.rows


class _LatencyControl:
    """Finds the largest batch whose time keeps an objective.

    The size doubles with each full batch until one takes too long. Then a full batch in time raises
    it by a little and one that takes too long lowers it by a twentieth; the step gets finer with
    each batch that takes too long, and coarser while none does, as after a change of the texts.
    """

    def __init__(self, largest: int, objective_seconds: float) -> None:
        self._largest, self._objective_seconds = largest, objective_seconds
        self._limit = 1.0
        self._is_doubling = True
        self._speed = _FASTEST
        self._full_in_time = 0

    @property
    def rows(self) -> int:
        return int(self._limit)

    def ran(self, rows: int, seconds: float) -> None:
        if rows > self.rows and rows > 1:
            return  # a request that is not split, or a batch begun before the size was lowered
        if seconds > self._objective_seconds:
            self._lower()
        elif rows == self.rows:
            self._raise()

    def _lower(self) -> None:
        self._limit = max(1.0, self._limit * (0.5 if self._is_doubling else 1 - _DECREASE))
        self._speed = max(1.0, self._speed / 2)
        self._is_doubling = False
        self._full_in_time = 0

    def _raise(self) -> None:
        self._full_in_time += 1
        if self._full_in_time % _FULL_BATCHES_TO_RISE_FASTER == 0:
            self._speed = min(_FASTEST, 2 * self._speed)
        factor = 2.0 if self._is_doubling else 1 + self._speed * _RISE
        self._limit = min(float(self._largest), self._limit * factor)
