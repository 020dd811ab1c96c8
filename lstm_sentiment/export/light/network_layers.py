"""LSTM layers, pooling and the dense layer in an ONNX graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.export.light.graph_builder import FLOAT, GraphBuilder
from lstm_sentiment.light_twin.description import (
    BIAS,
    DENSE_BIAS,
    DENSE_KERNEL,
    KERNEL,
    LENGTHS,
    LOGITS,
    QUERY,
    RECURRENT_KERNEL,
    of_member,
)
from lstm_sentiment.model.sentiment_model import Member, SentimentModel

LOWEST = -1e4
"""A number below any LSTM state and any attention score, as in `MaskedPooling`."""


def add_members(builder: GraphBuilder, model: SentimentModel, vectors: str, padding: str) -> None:
    """Adds all members, from word vectors to the output `logits`.

    Args:
        builder: Builds the graph.
        model: The trained model.
        vectors: Name of the word vectors, `(time, batch, embedding_dim)`.
        padding: Name of a bool array that is true at padding, `(time, batch, 1)`.
    """
    pooled = []
    for number, member in enumerate(model.members):
        states, last = _add_lstm_layers(builder, member, number, vectors)
        pooled.append(_add_pooling(builder, member, number, (states, last), padding))
    add_dense(builder, model, pooled)


def _add_lstm_layers(
    builder: GraphBuilder, member: Member, member_number: int, states: str
) -> tuple[str, str]:
    """Adds the LSTM layers of a member.

    Returns:
        The names of the last layer's states, `(time, batch, width)`, and of its last states,
        `(batch, width)`.
    """
    last = ""
    for number, layer in enumerate(member.lstm_layers):
        kernel, recurrent_kernel, bias = onnx_weights(layer)
        inputs = [
            states,
            builder.weight(of_member(KERNEL.format(number), member_number), kernel),
            builder.weight(
                of_member(RECURRENT_KERNEL.format(number), member_number), recurrent_kernel
            ),
            builder.weight(of_member(BIAS.format(number), member_number), bias),
            LENGTHS,
        ]
        states, last = builder.add_node(
            "LSTM",
            inputs,
            [
                of_member(f"states_{number}", member_number),
                of_member(f"last_states_{number}", member_number),
            ],
            hidden_size=layer.units,
            direction="bidirectional" if layer.bidirectional else "forward",
        )
        states = joined(builder, states)
        last = joined_last(builder, last)
    return states, last


def joined(builder: GraphBuilder, states: str) -> str:
    """Joins the directions: `(time, directions, batch, units)` to `(time, batch, width)`."""
    by_text = builder.add("Transpose", states, perm=[0, 2, 1, 3])
    shape = builder.constant("joined", np.array([0, 0, -1], np.int64))  # 0 keeps a dimension
    return builder.add("Reshape", by_text, shape)


def joined_last(builder: GraphBuilder, states: str) -> str:
    """Joins the directions: `(directions, batch, units)` to `(batch, width)`."""
    by_text = builder.add("Transpose", states, perm=[1, 0, 2])
    shape = builder.constant("joined_last", np.array([0, -1], np.int64))
    return builder.add("Reshape", by_text, shape)


def add_dense(builder: GraphBuilder, model: SentimentModel, pooled: Sequence[str]) -> None:
    """Adds the dense layers, from each member's `(batch, width)` to the output `logits`."""
    logits = []
    for number, (member, each) in enumerate(zip(model.members, pooled, strict=True)):
        kernel, bias = member.logits.get_weights()
        kernel = builder.weight(of_member(DENSE_KERNEL, number), kernel)
        product = builder.add("MatMul", each, kernel)
        bias = builder.weight(of_member(DENSE_BIAS, number), bias)
        output = LOGITS if len(pooled) == 1 else ""
        logits.append(builder.add("Add", product, bias, output=output))
    if len(logits) > 1:
        builder.add("Mean", *logits, output=LOGITS)


def _add_pooling(
    builder: GraphBuilder,
    member: Member,
    member_number: int,
    states_and_last: tuple[str, str],
    is_padding: str,
) -> str:
    """Adds the pooling of a member's states over real tokens.

    Args:
        builder: Builds the graph.
        member: The member.
        member_number: Its number, from 0.
        states_and_last: Names of the last layer's states, `(time, batch, width)`, and of its last
            states, `(batch, width)`.
        is_padding: Name of a bool array, `(time, batch, 1)`.

    Returns:
        The name of `(batch, width)`, or twice that width.
    """
    states, last = states_and_last
    if member.pooling is None:
        return last
    pooling = member.pooling.pooling
    lowest = builder.constant("lowest", np.array(LOWEST, np.float32))
    if pooling == "attention":
        (vector,) = member.pooling.get_weights()
        query = builder.weight(of_member(QUERY, member_number), vector[:, np.newaxis])
        scores = builder.add("MatMul", states, query)
        scores = builder.add("Where", is_padding, lowest, scores)
        highest = builder.add("ReduceMax", scores, axes=[0], keepdims=1)
        powers = builder.add("Exp", builder.add("Sub", scores, highest))
        shares = builder.add("Div", powers, builder.add("ReduceSum", powers, axes=[0], keepdims=1))
        weighted = builder.add("Mul", shares, states)
        return builder.add("ReduceSum", weighted, axes=[0], keepdims=0)
    pooled = []
    if "max" in pooling:
        masked = builder.add("Where", is_padding, lowest, states)
        pooled.append(builder.add("ReduceMax", masked, axes=[0], keepdims=0))
    if "mean" in pooling:
        zero = builder.constant("zero", np.array(0, np.float32))
        masked = builder.add("Where", is_padding, zero, states)
        total = builder.add("ReduceSum", masked, axes=[0], keepdims=0)
        pooled.append(add_mean(builder, total))
    return pooled[0] if len(pooled) == 1 else builder.add("Concat", *pooled, axis=1)


def add_mean(builder: GraphBuilder, total: str) -> str:
    """Divides the sum of each text's states by the number of its tokens: `(batch, width)`."""
    count = builder.add("Cast", LENGTHS, to=FLOAT)
    return builder.add("Div", total, builder.add("Unsqueeze", count, axes=[1]))


def onnx_weights(layer: Any) -> tuple[NDArray[np.float32], ...]:
    """Returns kernel, recurrent kernel and bias of an LSTM layer in ONNX's layout.

    Directions come first, and gates are in the order i, o, f, c.
    """
    weights = layer.get_weights()  # kernel, recurrent kernel and bias of each direction
    kernels, recurrent_kernels, biases = (weights[place::3] for place in range(3))
    bias = np.stack([_onnx_gates(each) for each in biases])
    return (
        np.stack([_onnx_gates(each).T for each in kernels]),
        np.stack([_onnx_gates(each).T for each in recurrent_kernels]),
        np.concatenate([bias, np.zeros_like(bias)], axis=1),  # ONNX adds up two biases
    )


def _onnx_gates(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reorders the last axis from Keras' gates i, f, c, o."""
    i, f, c, o = np.split(weight, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)
