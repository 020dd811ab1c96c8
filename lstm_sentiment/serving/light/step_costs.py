"""What the stages of the network with a table cost: see `export.light.table_graph`."""

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.light_twin.description import STEPS_AT_ONCE

# Microseconds, after what `python -m benchmarks.light.steps` printed: 9.7 a step of `Loop` and 0.9
# for each text, 3 a step and text of `LSTM`. Only their ratios matter, and not much: with ratios a
# third lower, batches of 1 to 64 texts took as long.
_TURN = 12.0
_STEP_OF_LOOP, _STEP_OF_LSTM = 8.2, 1.0
_PER_PRODUCT = 1 / 62_000  # of two numbers, in a product of matrices
_PER_UNIT = 0.003  # the gates of a unit


class StepCosts:
    """Estimates what it costs to compute the states of texts."""

    def __init__(self, readers: int, units: int) -> None:
        """Estimates what a step costs for each text; a reader is a direction of a member."""
        self._a_text = readers * units * (4 * units * _PER_PRODUCT + _PER_UNIT)
        self._a_word = readers * units * 4 * 4 * units * _PER_PRODUCT

    def turns(self, active: NDArray[np.intp], time: int) -> int:
        """Returns after how many turns `Loop` best leaves the rest to `LSTM`.

        Args:
            active: The number of texts that go on before each turn, and 0 after the last turn.
            time: Length of the longest text.
        """
        of_turn = _TURN + STEPS_AT_ONCE * (_STEP_OF_LOOP + self._a_text * active[:-1])
        steps = time - STEPS_AT_ONCE * np.arange(len(active))
        of_rest = steps * (_STEP_OF_LSTM + (self._a_text + self._a_word) * active)
        of_rest[-1] = 0
        of_rest[1:] += of_turn.cumsum()
        return int(of_rest.argmin())
