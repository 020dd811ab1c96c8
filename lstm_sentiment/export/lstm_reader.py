"""An LSTM layer as it is served: all directions in one loop, several steps a round, no gradient.

The training loop in `model/lstm_loop.py` computes the same numbers. Here a direction that reads
backward is given its texts reversed, so that no step needs a mask; what the layer's states are
wanted for is gathered in the loop, which ends with the longest text; and a round of the loop can do
several steps, where a round costs more than a step's arithmetic.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from lstm_sentiment.model.lstm_loop import Weights, lstm_cell

STEPS_A_ROUND = 5
"""In plain ops. More make a longer graph and gain nothing measurable; XLA is best off with one."""

Gates = Callable[[Any, int], Any]
"""From the first step of a round and the number of its steps to what the inputs say to the gates,
which are halved as in `lstm_loop`: float32 `(steps, rows, 4 * units)`."""

_LOWEST = -1e4  # below any LSTM state


def whole_rounds(max_length: int) -> int:
    """The least number of steps, in whole rounds, for texts of up to `max_length` tokens."""
    return -(-max_length // STEPS_A_ROUND) * STEPS_A_ROUND


def steps_from(by_time: Any, step: Any, count: int) -> Any:
    """So many steps from `step` on: `(steps, ...)` to `(count, ...)`."""
    # Not by_time[step : step + count]: XLA would not know how many that are.
    rank = by_time.shape.rank
    return tf.slice(by_time, [step, *[0] * (rank - 1)], [count, *[-1] * (rank - 1)])


class Collector(Protocol):
    """What is made of the states of a layer while it reads."""

    def start(self, rows: Any, units: int) -> tuple[Any, ...]:
        """What there is before the first step."""
        ...

    def add(self, collected: tuple[Any, ...], step: Any, states: Any) -> tuple[Any, ...]:
        """Takes in one round.

        Args:
            collected: What there was before.
            step: The round's first step.
            states: Those of its steps, float32 `(count, rows, units)`.
        """
        ...


def read_texts(
    gates: Gates,
    layer: Sequence[Weights],
    rows: Any,
    longest: Any,
    collector: Collector,
    steps_a_round: int,
    lengths: Any = None,
) -> tuple[Any, ...]:
    """Runs a layer.

    Args:
        gates: What the inputs say.
        layer: The weights of each direction, halved.
        rows: How many texts there are, times the number of directions: first all texts as the
            first direction reads them, then as the second does.
        longest: The length of the longest text, at least 1.
        collector: What is made of the states.
        steps_a_round: How many steps a round of the loop does.
        lengths: Real steps of each row, int32 `(rows,)`, after which its state is to stay as it is;
            `None` lets it go on.

    Returns:
        The last states, float32 `(rows, units)`, and what the collector has in the end.
    """
    kernels = [weights.recurrent_kernel for weights in layer]
    units, directions = kernels[0].shape[1] // 4, len(kernels)

    def one_round(step: Any, state: Any, cell: Any, *collected: Any) -> Any:
        states = []
        for place, gate in enumerate(tf.unstack(gates(step, steps_a_round), num=steps_a_round)):
            products = [
                tf.matmul(part, kernel)
                for part, kernel in zip(tf.split(state, directions), kernels, strict=True)
            ]
            recurrent = products[0] if directions == 1 else tf.concat(products, axis=0)
            before = state
            cell, state = lstm_cell(tf.tanh(recurrent + gate), cell)
            if lengths is not None:
                state = tf.where((step + place < lengths)[:, tf.newaxis], state, before)
            states.append(state)
        collected = collector.add(collected, step, tf.stack(states))
        return step + steps_a_round, state, cell, *collected

    zeros = tf.zeros((rows, units))
    _, state, _, *collected = tf.while_loop(
        lambda step, *_: step < longest,
        one_round,
        (0, zeros, zeros, *collector.start(rows, units)),
        parallel_iterations=1,
    )
    return state, *collected


class Pooled(NamedTuple):
    """Pools the states over each row's real steps: a `Collector`.

    Attributes:
        pooling: `max`, `mean`, `max_mean` or `last`, as `ModelConfig` has them.
        lengths: Real steps of each row, int32 `(rows,)`.
    """

    pooling: str
    lengths: Any

    def start(self, rows: Any, units: int) -> tuple[Any, ...]:
        """As `Collector`."""
        zeros = tf.zeros((rows, units))
        highest = (zeros + _LOWEST,) if "max" in self.pooling else ()
        return (*highest, *(() if self.pooling == "max" else (zeros,)))

    def add(self, collected: tuple[Any, ...], step: Any, states: Any) -> tuple[Any, ...]:
        """As `Collector`."""
        steps = (step + tf.range(states.shape[0]))[:, tf.newaxis]
        if self.pooling == "last":
            wanted = (steps == self.lengths - 1)[:, :, tf.newaxis]
        else:
            wanted = (steps < self.lengths)[:, :, tf.newaxis]
        after = []
        if "max" in self.pooling:
            highest = tf.reduce_max(tf.where(wanted, states, _LOWEST), axis=0)
            after.append(tf.maximum(collected[0], highest))
        if self.pooling != "max":
            after.append(collected[-1] + tf.reduce_sum(tf.where(wanted, states, 0.0), axis=0))
        return tuple(after)

    def result(self, collected: tuple[Any, ...], directions: int) -> Any:
        """`(batch, width)`, as `MaskedPooling` and `FastLSTM` give it."""
        parts = list(collected)
        if "mean" in self.pooling:
            count = tf.cast(tf.maximum(self.lengths, 1), tf.float32)
            parts[-1] /= count[:, tf.newaxis]
        by_direction = [half for part in parts for half in tf.split(part, directions)]
        return tf.concat(by_direction, axis=1)


class Nothing(NamedTuple):
    """Makes nothing of the states: a `Collector`."""

    def start(self, rows: Any, units: int) -> tuple[Any, ...]:
        """As `Collector`."""
        return ()

    def add(self, collected: tuple[Any, ...], step: Any, states: Any) -> tuple[Any, ...]:
        """As `Collector`."""
        return ()


class Kept(NamedTuple):
    """Keeps all states: a `Collector`.

    Attributes:
        steps: How many there are at most.
    """

    steps: int

    def start(self, rows: Any, units: int) -> tuple[Any, ...]:
        """As `Collector`."""
        return (tf.zeros((self.steps, rows, units)),)

    def add(self, collected: tuple[Any, ...], step: Any, states: Any) -> tuple[Any, ...]:
        """As `Collector`."""
        places = (step + tf.range(states.shape[0]))[:, tf.newaxis]
        return (tf.tensor_scatter_nd_update(collected[0], places, states),)


class Reading:
    """How the directions of a layer read some texts.

    Attributes:
        lengths: Of each row, a text being a row for each direction: int32 `(rows,)`.
    """

    def __init__(self, lengths: Any, directions: int, steps: int, steps_a_round: int) -> None:
        """Fixes what all layers share.

        Args:
            lengths: Of each text, int32 `(batch,)`.
            directions: 1, or 2 to read backward too.
            steps: How many there are at most, in whole rounds.
            steps_a_round: As `read_texts` takes.
        """
        self._lengths, self._directions = lengths, directions
        self._steps, self._steps_a_round = steps, steps_a_round
        self.lengths = tf.tile(lengths, [directions])

    def mask(self) -> Any:
        """True at real tokens: bool `(batch, steps)`."""
        return tf.sequence_mask(self._lengths, self._steps)

    def read(self, gates: Gates, layer: Sequence[Weights], collector: Collector) -> Any:
        """Runs a layer: see `read_texts`."""
        rows, longest = tf.shape(self.lengths)[0], tf.reduce_max(self._lengths)
        _, *collected = read_texts(gates, layer, rows, longest, collector, self._steps_a_round)
        return tuple(collected)

    def last_states(self, gates: Gates, layer: Sequence[Weights]) -> Any:
        """The last state of each direction: `(batch, width)`."""
        if self._steps_a_round > 1:
            # In plain ops, holding a state in each step costs more than picking it in each round.
            pool = Pooled("last", self.lengths)
            return pool.result(self.read(gates, layer, pool), self._directions)
        rows, longest = tf.shape(self.lengths)[0], tf.reduce_max(self._lengths)
        (states,) = read_texts(gates, layer, rows, longest, Nothing(), 1, self.lengths)
        return tf.concat(tf.split(states, self._directions), axis=1)

    def all_states(self, gates: Gates, layer: Sequence[Weights]) -> Any:
        """Every state of a layer, in the order of the text: `(steps, batch, width)`."""
        (states,) = self.read(gates, layer, Kept(self._steps))
        if self._directions == 1:
            return states
        forward, backward = tf.split(states, 2, axis=1)
        return tf.concat([forward, self.turned(backward)], axis=2)

    def in_order_of_reading(self, by_text: Any) -> Any:
        """`(batch, steps)` to `(rows, steps)`."""
        if self._directions == 1:
            return by_text
        return tf.concat([by_text, tf.reverse_sequence(by_text, self._lengths, seq_axis=1)], axis=0)

    def turned(self, by_time: Any) -> Any:
        """Reverses each text: `(steps, batch, width)`."""
        return tf.reverse_sequence(by_time, self._lengths, seq_axis=0, batch_axis=1)
