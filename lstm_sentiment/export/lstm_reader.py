"""An LSTM layer for inference: all directions in one loop, several steps a round, no gradient.

The training loop in `model/lstm_loop.py` computes the same numbers. Here a backward direction gets
reversed texts, so that no step needs a mask; the loop collects only the states that are used, and
ends with the longest text. A round of the loop can compute several steps, as a round costs more
than a step's arithmetic.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from lstm_sentiment.model.lstm_loop import Weights, lstm_cell

STEPS_A_ROUND = 5
"""For plain ops: more steps make a longer graph without measurable gain. XLA is fastest with 1."""

Gates = Callable[[Any, int], Any]
"""Maps the first step of a round and its number of steps to the inputs' part of the gates, float32
`(steps, rows, 4 * units)`, halved as in `lstm_loop`."""

_LOWEST = -1e4  # below any LSTM state


def whole_rounds(max_length: int) -> int:
    """Returns the smallest number of steps, in whole rounds, for `max_length` tokens."""
    return -(-max_length // STEPS_A_ROUND) * STEPS_A_ROUND


def steps_from(by_time: Any, step: Any, count: int) -> Any:
    """Slices `count` steps from `step` on: `(steps, ...)` to `(count, ...)`."""
    # Not by_time[step : step + count]: XLA would not know the length.
    rank = by_time.shape.rank
    return tf.slice(by_time, [step, *[0] * (rank - 1)], [count, *[-1] * (rank - 1)])


class Collector(Protocol):
    """Collects states of a layer while it runs."""

    def start(self, rows: Any, units: int) -> tuple[Any, ...]:
        """Returns the collection before the first step."""
        ...

    def add(self, collected: tuple[Any, ...], step: Any, states: Any) -> tuple[Any, ...]:
        """Adds a round's states, float32 `(count, rows, units)`; `step` is the first step."""
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
        gates: The inputs' part of the gates.
        layer: The weights of each direction, halved.
        rows: Number of texts times directions: first all texts as the first direction reads them,
            then as the second does.
        longest: Length of the longest text, at least 1.
        collector: Collects the states.
        steps_a_round: Steps in a round of the loop.
        lengths: Real steps of each row, int32 `(rows,)`, after which its state stays; `None` lets
            states change.

    Returns:
        The last states, float32 `(rows, units)`, and the collection.
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


class PooledStates(NamedTuple):
    """A `Collector` that pools the states over each row's real steps.

    Attributes:
        pooling: `max`, `mean`, `max_mean` or `last`, as in `ModelConfig`.
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
        """Returns `(batch, width)`, as `MaskedPooling` and `FastLSTM` do."""
        parts = list(collected)
        if "mean" in self.pooling:
            count = tf.cast(tf.maximum(self.lengths, 1), tf.float32)
            parts[-1] /= count[:, tf.newaxis]
        by_direction = [half for part in parts for half in tf.split(part, directions)]
        return tf.concat(by_direction, axis=1)


class NoStates(NamedTuple):
    """A `Collector` that drops the states."""

    def start(self, rows: Any, units: int) -> tuple[Any, ...]:
        """As `Collector`."""
        return ()

    def add(self, collected: tuple[Any, ...], step: Any, states: Any) -> tuple[Any, ...]:
        """As `Collector`."""
        return ()


class AllStates(NamedTuple):
    """A `Collector` that keeps all states, up to `steps` of them."""

    steps: int

    def start(self, rows: Any, units: int) -> tuple[Any, ...]:
        """As `Collector`."""
        return (tf.zeros((self.steps, rows, units)),)

    def add(self, collected: tuple[Any, ...], step: Any, states: Any) -> tuple[Any, ...]:
        """As `Collector`."""
        places = (step + tf.range(states.shape[0]))[:, tf.newaxis]
        return (tf.tensor_scatter_nd_update(collected[0], places, states),)


class Reading:
    """Reads some texts with the directions of each layer.

    Attributes:
        lengths: Length of each row, a text being a row for each direction: int32 `(rows,)`.
    """

    def __init__(self, lengths: Any, directions: int, steps: int, steps_a_round: int) -> None:
        """Sets the texts' lengths, int32 `(batch,)`, directions, and steps in whole rounds."""
        self._lengths, self._directions = lengths, directions
        self._steps, self._steps_a_round = steps, steps_a_round
        self.lengths = tf.tile(lengths, [directions])

    def mask(self) -> Any:
        """Returns True at real tokens, bool `(batch, steps)`."""
        return tf.sequence_mask(self._lengths, self._steps)

    def read(self, gates: Gates, layer: Sequence[Weights], collector: Collector) -> Any:
        """Runs a layer with `read_texts`; returns the collection."""
        rows, longest = tf.shape(self.lengths)[0], tf.reduce_max(self._lengths)
        _, *collected = read_texts(gates, layer, rows, longest, collector, self._steps_a_round)
        return tuple(collected)

    def last_states(self, gates: Gates, layer: Sequence[Weights]) -> Any:
        """Returns the last state of each direction, `(batch, width)`."""
        if self._steps_a_round > 1:
            # In plain ops, `where` in each step costs more than a choice in each round.
            pool = PooledStates("last", self.lengths)
            return pool.result(self.read(gates, layer, pool), self._directions)
        rows, longest = tf.shape(self.lengths)[0], tf.reduce_max(self._lengths)
        (states,) = read_texts(gates, layer, rows, longest, NoStates(), 1, self.lengths)
        return tf.concat(tf.split(states, self._directions), axis=1)

    def all_states(self, gates: Gates, layer: Sequence[Weights]) -> Any:
        """Returns every state of a layer, in the order of the text, `(steps, batch, width)`."""
        (states,) = self.read(gates, layer, AllStates(self._steps))
        if self._directions == 1:
            return states
        forward, backward = tf.split(states, 2, axis=1)
        return tf.concat([forward, self.turned(backward)], axis=2)

    def in_order_of_reading(self, by_text: Any) -> Any:
        """Returns `(rows, steps)` from `(batch, steps)`: the texts, and then reversed ones."""
        if self._directions == 1:
            return by_text
        return tf.concat([by_text, tf.reverse_sequence(by_text, self._lengths, seq_axis=1)], axis=0)

    def turned(self, by_time: Any) -> Any:
        """Reverses each text of `(steps, batch, width)`."""
        return tf.reverse_sequence(by_time, self._lengths, seq_axis=0, batch_axis=1)
