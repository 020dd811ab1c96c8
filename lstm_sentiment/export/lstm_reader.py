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
        layer: The weights of each reader, halved. A reader is a direction of a member.
        rows: Number of texts times readers: first all texts as the first reader reads them, then
            as the next does.
        longest: Length of the longest text, at least 1.
        collector: Collects the states.
        steps_a_round: Steps in a round of the loop.
        lengths: Real steps of each row, int32 `(rows,)`, after which its state stays; `None` lets
            states change.

    Returns:
        The last states, float32 `(rows, units)`, and the collection.
    """
    kernels = [weights.recurrent_kernel for weights in layer]
    units, readers = kernels[0].shape[1] // 4, len(kernels)

    def one_round(step: Any, state: Any, cell: Any, *collected: Any) -> Any:
        states = []
        for place, gate in enumerate(tf.unstack(gates(step, steps_a_round), num=steps_a_round)):
            products = [
                tf.matmul(part, kernel)
                for part, kernel in zip(tf.split(state, readers), kernels, strict=True)
            ]
            recurrent = products[0] if readers == 1 else tf.concat(products, axis=0)
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

    def result(self, collected: tuple[Any, ...], members: int, directions: int) -> list[Any]:
        """Returns `(batch, width)` of each member, as `MaskedPooling` and `FastLSTM` do."""
        parts = list(collected)
        if "mean" in self.pooling:
            count = tf.cast(tf.maximum(self.lengths, 1), tf.float32)
            parts[-1] /= count[:, tf.newaxis]
        by_reader = [tf.split(part, members * directions) for part in parts]
        return [
            tf.concat([half for part in by_reader for half in part[at : at + directions]], axis=1)
            for at in range(0, members * directions, directions)
        ]


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
    """Reads some texts with the members and directions of each layer.

    Attributes:
        lengths: Length of each row, a text being a row for each direction of each member: int32
            `(rows,)`.
    """

    def __init__(
        self, lengths: Any, members: int, directions: int, steps: int, steps_a_round: int
    ) -> None:
        """Sets the texts' lengths, int32 `(batch,)`, the readers, and steps in whole rounds."""
        self._lengths, self._members, self._directions = lengths, members, directions
        self._steps, self._steps_a_round = steps, steps_a_round
        self.lengths = tf.tile(lengths, [members * directions])

    def mask(self) -> Any:
        """Returns True at real tokens, bool `(batch, steps)`."""
        return tf.sequence_mask(self._lengths, self._steps)

    def read(self, gates: Gates, layer: Sequence[Weights], collector: Collector) -> Any:
        """Runs a layer with `read_texts`; returns the collection."""
        rows, longest = tf.shape(self.lengths)[0], tf.reduce_max(self._lengths)
        _, *collected = read_texts(gates, layer, rows, longest, collector, self._steps_a_round)
        return tuple(collected)

    def pooled_states(self, gates: Gates, layer: Sequence[Weights], pooling: str) -> list[Any]:
        """Returns each member's pooled states, `(batch, width)`."""
        pool = PooledStates(pooling, self.lengths)
        return pool.result(self.read(gates, layer, pool), self._members, self._directions)

    def last_states(self, gates: Gates, layer: Sequence[Weights]) -> list[Any]:
        """Returns each member's last state of each direction, `(batch, width)`."""
        if self._steps_a_round > 1:
            # In plain ops, `where` in each step costs more than a choice in each round.
            return self.pooled_states(gates, layer, "last")
        rows, longest = tf.shape(self.lengths)[0], tf.reduce_max(self._lengths)
        (states,) = read_texts(gates, layer, rows, longest, NoStates(), 1, self.lengths)
        return [
            tf.concat(tf.split(of_member, self._directions), axis=1)
            for of_member in tf.split(states, self._members)
        ]

    def all_states(self, gates: Gates, layer: Sequence[Weights]) -> list[Any]:
        """Returns each member's states of a layer, in the order of the text.

        Their shape is `(steps, batch, width)`.
        """
        (states,) = self.read(gates, layer, AllStates(self._steps))
        of_members = tf.split(states, self._members, axis=1)
        if self._directions == 1:
            return list(of_members)
        halves = [tf.split(each, 2, axis=1) for each in of_members]
        return [
            tf.concat([forward, self._turned(backward)], axis=2) for forward, backward in halves
        ]

    def in_order_of_reading(self, by_text: Any) -> Any:
        """Returns `(rows, steps)` from `(batch, steps)`: a member's texts and reversed texts."""
        rows = [by_text]
        if self._directions > 1:
            rows.append(tf.reverse_sequence(by_text, self._lengths, seq_axis=1))
        rows *= self._members
        return rows[0] if len(rows) == 1 else tf.concat(rows, axis=0)

    def rows_of_states(self, states: Sequence[Any]) -> Any:
        """Returns `(steps, rows, width)` from each member's states, `(steps, batch, width)`."""
        rows = [
            part
            for each in states
            for part in ([each] if self._directions == 1 else [each, self._turned(each)])
        ]
        return rows[0] if len(rows) == 1 else tf.concat(rows, axis=1)

    def _turned(self, by_time: Any) -> Any:
        """Reverses each text of `(steps, batch, width)`."""
        return tf.reverse_sequence(by_time, self._lengths, seq_axis=0, batch_axis=1)
