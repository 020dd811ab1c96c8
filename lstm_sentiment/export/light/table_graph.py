"""The network of a light twin that looks words up in a table, as an ONNX graph.

The table holds the words' part of the gates for the whole vocabulary, as in `InferenceNetwork`:
ONNX's `LSTM` would compute it for each token of each text, which takes longer than all the rest.

Texts, the longest first, go through the graph side by side, in two stages:

- `Loop` computes `STEPS_AT_ONCE` steps of the texts that are not at their end in each turn, by
  small ops. A step costs nearly the same for any number of texts.
- `LSTM` computes the rest of the longest texts. Its kernel for the words is the identity. It costs
  little a step and more a text, so it is what few texts take from their beginning.

States are pooled while they are computed. A text that ends within a turn goes on with the first row
of the table, which makes each state `-tanh(1)`. No state of a first token is below that, since it
is `o * tanh(i * g)`: it never changes a maximum, and what it adds to a sum is known.

The members of an ensemble go through the graph side by side too: a reader is a direction of a
member, the first member's directions first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lstm_sentiment.export.light.graph_builder import (
    BOOL,
    FLOAT,
    INT32,
    INT64,
    GraphBuilder,
    Shape,
)
from lstm_sentiment.export.light.network_layers import (
    LOWEST,
    add_dense,
    joined_last,
    onnx_weights,
)
from lstm_sentiment.light_twin.description import (
    ACTIVE,
    EXCESS,
    LENGTHS,
    LOGITS,
    REST_REAL,
    REST_ROWS,
    START,
    STEPS_AT_ONCE,
    TABLE,
    TABLE_ROWS,
)
from lstm_sentiment.model.sentiment_model import SentimentModel

_OPSET = 11  # the oldest with `Loop` as it is used here
_POOLED = {"highest": "max", "total": "mean"}
_END = 2**31 - 1


def serialized_table_network(model: SentimentModel) -> bytes:
    """Returns the network of a model with one layer a member that pools maxima, means or both.

    Inputs, the texts being in descending order of their lengths:
        `table` float32 `(rows, 4 * units)`, gates in the order i, o, f, c, with the bias. Its first
        row is that of padding: see `PADDING_GATE`.
        `table_rows` int32 `(turns, STEPS_AT_ONCE, readers, batch)`, the rows of the table for
        each turn of `Loop`, in the order of reading: for the second direction, a text's tokens are
        reversed. Zeros beyond a text's end.
        `active` int64 `(turns + 1, 1)`, the number of texts that each turn and then `LSTM`
        computes, descending and at least 1.
        `rest_rows` int32 `(time, readers, rest)`, the rows for `LSTM`, at least one step.
        `rest_real` float32 `(time, 1, rest, 1)`, 1 where `rest_rows` are of tokens, else 0.
        `lengths` float32 `(batch, 1)`, the number of tokens. `excess` float32 `(batch, 1)`, the
        number of steps that `Loop` computes beyond a text's end.
        `start` float32 `(readers, batch, units)`, zeros.

    Outputs:
        `logits` float32 `(batch, classes)`.
    """
    layer = model.lstm_layers[0]
    readers, units = len(model.members) * (2 if layer.bidirectional else 1), layer.units
    of_state: Shape = (readers, "batch", units)
    has_mean = "mean" in model.config.pooling
    inputs = {
        TABLE: (FLOAT, ("rows", 4 * units)),
        TABLE_ROWS: (INT32, ("turns", STEPS_AT_ONCE, readers, "batch")),
        ACTIVE: (INT64, ("stages", 1)),
        REST_ROWS: (INT32, ("time", readers, "rest")),
        START: (FLOAT, of_state),
    }
    if has_mean:
        inputs |= {
            REST_REAL: (FLOAT, ("time", 1, "rest", 1)),
            LENGTHS: (FLOAT, ("batch", 1)),
            EXCESS: (FLOAT, ("batch", 1)),
        }
    builder = GraphBuilder(inputs)
    graph = _TableGraph(builder, model, of_state)
    by_kind = [_of_members(builder, each, len(model.members)) for each in graph.pooled()]
    if has_mean:
        by_kind[-1] = [_mean(builder, each) for each in by_kind[-1]]
    pooled = [
        kinds[0] if len(kinds) == 1 else _concat(builder, kinds, 1)
        for kinds in zip(*by_kind, strict=True)
    ]
    add_dense(builder, model, pooled)
    return builder.serialized({LOGITS: ("batch", model.num_classes)}, opset=_OPSET)


class _TableGraph:
    """Adds the two stages to a graph."""

    def __init__(self, builder: GraphBuilder, model: SentimentModel, of_state: Shape) -> None:
        """Adds the weights."""
        self._builder, self._of_state = builder, of_state
        self._readers, _, self._units = int(of_state[0]), of_state[1], int(of_state[2])
        self._kinds = [kind for kind, name in _POOLED.items() if name in model.config.pooling]
        self._recurrent = np.concatenate(
            [onnx_weights(member.lstm_layers[0])[1] for member in model.members]
        )
        self._nothing = builder.constant(
            "nothing", np.zeros((self._readers, 0, self._units), np.float32)
        )

    def pooled(self) -> list[str]:
        """Runs both stages: returns names of `(readers, batch, units)` for each pooling."""
        builder = self._builder
        starts = {"highest": builder.add("Add", START, _number(builder, "lowest", LOWEST))}
        turns = builder.add(
            "Gather", builder.add("Shape", TABLE_ROWS), _numbers(builder, "zero", [0])
        )
        state, cell, *pooled = builder.add_node(
            "Loop",
            [
                turns,
                builder.constant("true", np.array(True)),
                *(START, START),
                *(starts.get(kind, START) for kind in self._kinds),
                *(self._nothing for _ in self._kinds),
            ],
            ["last_state", "last_cell", *self._kinds, *(f"{kind}_ended" for kind in self._kinds)],
            body=self._turn(),
        )
        active = builder.add("Gather", ACTIVE, turns)
        active = builder.add("Reshape", active, _numbers(builder, "flat", [-1]))
        first = [self._first(builder, each, active) for each in (state, cell)]
        rest = self._rest(*first)
        results = []
        for place, kind in enumerate(self._kinds):
            here, ended = pooled[place], pooled[len(self._kinds) + place]
            op = "Max" if kind == "highest" else "Sum"
            going_on = builder.add(op, self._first(builder, here, active), rest[kind])
            parts = [going_on, self._others(builder, here, active), ended]
            results.append(_concat(builder, parts, 1))
        return results

    def _turn(self) -> Any:
        """Returns the graph of one turn of `Loop`."""
        float_state = (FLOAT, (self._readers, "some", self._units))
        float_ended = (FLOAT, (self._readers, "ended", self._units))
        names = [*("state", "cell", *self._kinds)]
        ended = [f"{kind}_before" for kind in self._kinds]
        turn = GraphBuilder(
            {
                "turn": (INT64, ()),
                "goes_on": (BOOL, ()),
                **dict.fromkeys(names, float_state),
                **dict.fromkeys(ended, float_ended),
            },
            outer=self._builder,
        )
        active = turn.add("Gather", ACTIVE, "turn", axis=0)
        rows = turn.add("Gather", TABLE_ROWS, "turn", axis=0)
        rows = turn.add("Slice", rows, _numbers(turn, "zero", [0]), active, _axis(turn, 2))
        rows = turn.add("Reshape", rows, _numbers(turn, "flat", [-1]))
        places = turn.add_parts("Split", rows, parts=STEPS_AT_ONCE * self._readers, axis=0)
        state, cell = (self._flat(turn, self._first(turn, each, active)) for each in names[:2])
        states = []
        for step in range(STEPS_AT_ONCE):
            of_step = places[step * self._readers : (step + 1) * self._readers]
            state, cell = self._step(turn, of_step, state, cell)
            states.append(state)
        shape = _numbers(turn, "by_reader", [self._readers, -1, self._units])
        outputs = [turn.add("Reshape", each, shape) for each in (state, cell)]
        for kind in self._kinds:
            pool = self._flat(turn, self._first(turn, kind, active))
            pool = turn.add("Max" if kind == "highest" else "Sum", pool, *states)
            outputs.append(turn.add("Reshape", pool, shape))
        for kind, before in zip(self._kinds, ended, strict=True):
            outputs.append(_concat(turn, [self._others(turn, kind, active), before], 1))
        goes_on = turn.add("Identity", "goes_on")
        types = [float_state] * len(names) + [float_ended] * len(ended)
        return turn.graph("turn", {goes_on: (BOOL, ()), **dict(zip(outputs, types, strict=True))})

    def _step(self, turn: GraphBuilder, rows: list[str], state: str, cell: str) -> tuple[str, str]:
        """Adds a step: state and cell have the shape `(readers * some, units)`."""
        gates = self._gates(turn, rows, state)
        units = self._units
        sigmoids, candidate = turn.add_parts(
            "Split", gates, parts=2, axis=1, split=[3 * units, units]
        )
        i, o, f = turn.add_parts("Split", turn.add("Sigmoid", sigmoids), parts=3, axis=1)
        kept = turn.add("Mul", f, cell)
        cell = turn.add("Add", kept, turn.add("Mul", i, turn.add("Tanh", candidate)))
        return turn.add("Mul", o, turn.add("Tanh", cell)), cell

    def _gates(self, turn: GraphBuilder, rows: list[str], state: str) -> str:
        """Adds the gates: one product a reader, whose weights the runtime packs at load time."""
        states = (
            turn.add_parts("Split", state, parts=len(rows), axis=0) if len(rows) > 1 else [state]
        )
        gates = [
            turn.add("Gemm", of_reader, kernel, turn.add("Gather", TABLE, row))
            for of_reader, row, kernel in zip(states, rows, self._kernels(turn), strict=True)
        ]
        return gates[0] if len(gates) == 1 else _concat(turn, gates, 0)

    def _kernels(self, turn: GraphBuilder) -> list[str]:
        return [
            turn.constant(f"recurrent_{reader}", np.ascontiguousarray(kernel.T))
            for reader, kernel in enumerate(self._recurrent)
        ]

    def _rest(self, state: str, cell: str) -> dict[str, str]:
        """Adds the second stage: returns names of `(readers, rest, units)` by pooling."""
        builder = self._builder
        gates = builder.add("Gather", TABLE, REST_ROWS)
        parts = [self._split(gates, 1), self._split(state, 0), self._split(cell, 0)]
        states = []
        for reader, (of_words, at_first, cell_at_first) in enumerate(zip(*parts, strict=True)):
            inputs = [
                builder.add("Squeeze", of_words, axes=[1]),
                self._identity(),
                builder.constant(f"kernel_{reader}", self._recurrent[reader : reader + 1]),
                *("", "", at_first, cell_at_first),
            ]
            states.append(builder.add("LSTM", *inputs, hidden_size=self._units))
        by_time = _concat(builder, states, 1) if len(states) > 1 else states[0]
        pooled = {"highest": builder.add("ReduceMax", by_time, axes=[0], keepdims=0)}
        if "total" in self._kinds:
            real = builder.add("Mul", by_time, REST_REAL)
            pooled["total"] = builder.add("ReduceSum", real, axes=[0], keepdims=0)
        return pooled

    def _identity(self) -> str:
        """Adds the kernel of `LSTM` for the words: the runtime computes it at load time."""
        width = 4 * self._units
        shape = _numbers(self._builder, "width", [width, width])
        matrix = self._builder.add("EyeLike", self._builder.add("ConstantOfShape", shape))
        return self._builder.add("Unsqueeze", matrix, axes=[0])

    def _split(self, array: str, axis: int) -> list[str]:
        """Splits the readers, each still with their axis."""
        if self._readers == 1:
            return [array]
        return self._builder.add_parts("Split", array, parts=self._readers, axis=axis)

    def _flat(self, builder: GraphBuilder, array: str) -> str:
        """Joins the first two axes: to `(readers * some, units)`."""
        return builder.add("Reshape", array, _numbers(builder, "rows", [-1, self._units]))

    def _first(self, builder: GraphBuilder, array: str, active: str) -> str:
        zero = _numbers(builder, "zero", [0])
        return builder.add("Slice", array, zero, active, _axis(builder, 1))

    def _others(self, builder: GraphBuilder, array: str, active: str) -> str:
        end = _numbers(builder, "end", [_END])
        return builder.add("Slice", array, active, end, _axis(builder, 1))


def _of_members(builder: GraphBuilder, pooled: str, members: int) -> list[str]:
    """Splits pooled states `(readers, batch, units)` into each member's `(batch, width)`."""
    parts = [pooled] if members == 1 else builder.add_parts("Split", pooled, parts=members, axis=0)
    return [joined_last(builder, each) for each in parts]


def _mean(builder: GraphBuilder, total: str) -> str:
    """Divides the sum of each text's states, `(batch, width)`, by the number of its tokens."""
    beyond = builder.add("Tanh", _number(builder, "beyond", 1.0))
    total = builder.add("Add", total, builder.add("Mul", EXCESS, beyond))
    return builder.add("Div", total, LENGTHS)


def _concat(builder: GraphBuilder, arrays: Sequence[str], axis: int) -> str:
    return builder.add("Concat", *arrays, axis=axis)


def _number(builder: GraphBuilder, name: str, value: float) -> str:
    return builder.constant(name, np.array(value, np.float32))


def _numbers(builder: GraphBuilder, name: str, values: Sequence[int]) -> str:
    return builder.constant(name, np.array(values, np.int64))


def _axis(builder: GraphBuilder, axis: int) -> str:
    return _numbers(builder, f"axis_{axis}", [axis])
