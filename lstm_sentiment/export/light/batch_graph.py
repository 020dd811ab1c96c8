"""The network of a light twin for many texts at once: an ONNX graph without weights.

The words' part of the first layer's gates is looked up in a table, as in `InferenceNetwork`: ONNX's
`LSTM` would compute it for each token of each text, which takes longer than all the rest. And
states are pooled while the layer runs: memory for all of them would be new for each batch.
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
    add_lstm_layers,
    add_mean,
    add_pooling,
    joined,
    joined_last,
)
from lstm_sentiment.light_twin.description import (
    LENGTHS,
    LOGITS,
    REAL,
    RECURRENT,
    START,
    TABLE,
    TABLE_ROWS,
)
from lstm_sentiment.model.sentiment_model import SentimentModel

_OPSET = 10  # the oldest with `ReverseSequence`


def serialized_batch_network(model: SentimentModel) -> bytes:
    """Returns the form of a trained model's network as a serialized ONNX `ModelProto`.

    Inputs:
        `table_rows` int32 `(time, directions, batch)`, the rows of `table` in the order of reading:
        for the second direction, a text's real tokens are reversed. `lengths` int32 `(batch,)`, the
        number of real tokens. `real` float32 `(time, batch, 1)`, 1 at real tokens, 0 beyond a
        text's end. `start` float32 `(directions, batch, units)`, zeros.

        `table` float32 `(rows, 4 * units)`, the words' part of the first layer's gates with the
        bias. `recurrent` float32 `(directions, units, 4 * units)`, the layer's recurrent kernel,
        transposed. All other weights, as `serialized_network` outputs them.

    Outputs:
        `logits` float32 `(batch, classes)`.
    """
    first = model.lstm_layers[0]
    directions = 2 if first.bidirectional else 1
    of_state: Shape = (directions, "batch", first.units)
    inputs = {
        TABLE_ROWS: (INT32, ("time", directions, "batch")),
        LENGTHS: (INT32, ("batch",)),
        REAL: (FLOAT, ("time", "batch", 1)),
        START: (FLOAT, of_state),
        TABLE: (FLOAT, ("rows", 4 * first.units)),
        RECURRENT: (FLOAT, (directions, first.units, 4 * first.units)),
    }
    builder = GraphBuilder(inputs, feeds_weights=True)
    if len(model.lstm_layers) == 1 and model.config.pooling != "attention":
        pooled = _pooled_layer(builder, model.config.pooling, of_state)
    else:
        states, last = add_lstm_layers(builder, model, _states(builder, of_state), first=1)
        is_padding = builder.add("Less", REAL, _constant(builder, "half", 0.5))
        pooled = add_pooling(builder, model, states, last, is_padding)
    add_dense(builder, model, pooled)
    return builder.serialized({LOGITS: ("batch", model.num_classes)}, opset=_OPSET)


def _pooled_layer(builder: GraphBuilder, pooling: str, of_state: Shape) -> str:
    """Runs the only layer and pools its states: returns the name of `(batch, width)`."""
    collected, sequences = {}, {TABLE_ROWS: "rows"}
    if "max" in pooling:
        collected["highest"] = builder.add("Add", START, _constant(builder, "lowest", LOWEST))
        padding = builder.add("Sub", _constant(builder, "one", 1), REAL)
        penalties = builder.add("Mul", padding, _constant(builder, "lowest", LOWEST))
        sequences[penalties] = "penalty"
    if "mean" in pooling:
        collected["total"] = START
        sequences[REAL] = "real"
    if pooling == "last":
        sequences[builder.add("Less", _constant(builder, "half", 0.5), REAL)] = "is_real"
    last, _, *results = builder.add_node(
        "Scan",
        [START, START, *collected.values(), *sequences],
        ["last_state", "last_cell", *(f"last_{name}" for name in collected)],
        body=_step(of_state, tuple(collected), tuple(sequences.values())),
        num_scan_inputs=len(sequences),
    )
    parts = [joined_last(builder, result) for result in results or [last]]
    if "mean" in pooling:
        parts[-1] = add_mean(builder, parts[-1])
    return parts[0] if len(parts) == 1 else builder.add("Concat", *parts, axis=1)


def _states(builder: GraphBuilder, of_state: Shape) -> str:
    """Runs the first layer; returns the name of all states, `(time, batch, width)`."""
    _, _, by_reading = builder.add_node(
        "Scan",
        [START, START, TABLE_ROWS],
        ["last_state", "last_cell", "by_reading"],
        body=_step(of_state, (), ("rows",), outputs_state=True),
        num_scan_inputs=1,
    )
    if of_state[0] == 1:
        return joined(builder, by_reading)
    forward, backward = builder.add_node(
        "Split", [by_reading], ["forward", "backward"], axis=1, split=[1, 1]
    )
    turned = builder.add(
        "ReverseSequence",
        builder.add("Squeeze", backward, axes=[1]),
        builder.add("Cast", LENGTHS, to=INT64),
        batch_axis=1,
        time_axis=0,
    )
    return builder.add("Concat", builder.add("Squeeze", forward, axes=[1]), turned, axis=2)


def _step(
    of_state: Shape,
    collected: Sequence[str],
    sequences: Sequence[str],
    *,
    outputs_state: bool = False,
) -> Any:
    """Returns the graph of one step of an LSTM, gates in the order i, o, f, c.

    Args:
        of_state: Shape of a state.
        collected: `highest` state, `total` of states, or both.
        sequences: `rows` of the table; and what the collected need, `penalty` or `real`; or
            `is_real`, to keep the last real state.
        outputs_state: Outputs the state of each step.
    """
    directions, batch, units = of_state
    types = {"rows": (INT32, (directions, batch)), "is_real": (BOOL, (batch, 1))}
    inputs = {
        **{name: (FLOAT, of_state) for name in ("state", "cell", *collected)},
        **{name: types.get(name, (FLOAT, (batch, 1))) for name in sequences},
    }
    step = GraphBuilder(inputs, feeds_weights=True)
    of_words = step.add("Gather", TABLE, "rows")
    gates = step.add("Add", step.add("MatMul", "state", RECURRENT), of_words)
    sigmoids, candidate = step.add_node(
        "Split", [gates], ["sigmoids", "candidate"], axis=2, split=[3 * int(units), units]
    )
    i, o, f = step.add_node(
        "Split", [step.add("Sigmoid", sigmoids)], ["i", "o", "f"], axis=2, split=[units] * 3
    )
    kept = step.add("Mul", f, "cell")
    cell = step.add("Add", kept, step.add("Mul", i, step.add("Tanh", candidate)))
    state = step.add("Mul", o, step.add("Tanh", cell))
    if "is_real" in sequences:
        state = step.add("Where", "is_real", state, "state")
    outputs = [state, cell]
    if "highest" in collected:
        outputs.append(step.add("Max", "highest", step.add("Add", state, "penalty")))
    if "total" in collected:
        outputs.append(step.add("Add", "total", step.add("Mul", state, "real")))
    if outputs_state:
        outputs.append(step.add("Identity", state))
    return step.graph("step", dict.fromkeys(outputs, (FLOAT, of_state)))


def _constant(builder: GraphBuilder, name: str, value: float) -> str:
    return builder.constant(name, np.array(value, np.float32))
