"""The network of a light twin: an ONNX graph of token ids to logits."""

from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lstm_sentiment.light_twin.description import (
    BIAS,
    DENSE_BIAS,
    DENSE_KERNEL,
    KERNEL,
    LENGTHS,
    LOGITS,
    QUERY,
    RECURRENT_KERNEL,
    TOKEN_IDS,
    VECTORS,
)
from lstm_sentiment.model.embedding_storage import store_matrix
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.version_folder import PAD_ID

# As old as the ops allow, for other runtimes: `Where` came with opset 9, and weights that are no
# inputs with version 4 of the format.
_OPSET, _IR_VERSION = 9, 4

MAX_BYTES = 2**31 - 2**20
"""Size of the largest network: a protocol buffer holds less than 2 GiB."""

_LOWEST = -1e4  # below any LSTM state and any attention score, as in `MaskedPooling`


def network_bytes(model: SentimentModel) -> int:
    """Returns the size of a model's weights in its network, in bytes."""
    bytes_a_row = {
        "int8": model.embedding_dim + 4,
        "float16": 2 * model.embedding_dim,
        "float32": 4 * model.embedding_dim,
    }[model.config.embedding_storage]
    others = [*model.layers_below_logits(), model.logits]
    return model.vocabulary_size * bytes_a_row + 4 * sum(map(keras.Layer.count_params, others))


def serialized_network(model: SentimentModel) -> bytes:
    """Returns a trained model, but for its n-grams, as a serialized ONNX `ModelProto`.

    Inputs:
        `token_ids` int32 `(batch, time)`, padded on the right, with a real token in each row and
        in the last column; `lengths` int32 `(batch,)`, the number of real tokens of each row.

    Outputs:
        `logits` float32 `(batch, classes)`; `vectors` float32 `(time, batch, embedding_dim)`, the
        word vectors of `token_ids`; and the weights, float32, by the names in `light_twin`, in
        ONNX's layout: gates in the order i, o, f, c. These are there for explanations: a runtime
        holds each weight once, and returns it when asked.
    """
    builder = _GraphBuilder()
    states = _add_lstm_layers(builder, model, _add_embedding(builder, model))
    pooled = _add_pooling(builder, model, *states)
    kernel, bias = model.logits.get_weights()
    product = builder.add("MatMul", pooled, builder.weight(DENSE_KERNEL, kernel))
    builder.add("Add", product, builder.weight(DENSE_BIAS, bias), output=LOGITS)
    return builder.serialized(model.embedding_dim, model.num_classes)


class _GraphBuilder:
    """Collects nodes and initializers of a graph."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []
        self._weights: dict[str, NDArray[Any]] = {}

    def add(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Adds a node with one output; returns the output's name."""
        output = output or f"{op.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def add_lstm(self, inputs: list[str], **attributes: Any) -> tuple[str, str]:
        """Adds an `LSTM`; returns the names of all states and of the last states."""
        outputs = (f"states_{len(self._nodes)}", f"last_states_{len(self._nodes)}")
        self._nodes.append(helper.make_node("LSTM", inputs, outputs, **attributes))
        return outputs

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Adds an initializer, or reuses that of the same name."""
        if name not in {initializer.name for initializer in self._initializers}:
            self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str, value: NDArray[np.float32]) -> str:
        """Adds an initializer that is an output too."""
        self._weights[name] = value
        return self.constant(name, value)

    def serialized(self, embedding_dim: int, classes: int) -> bytes:
        describe = helper.make_tensor_value_info
        graph = helper.make_graph(
            self._nodes,
            "lstm_sentiment",
            [
                describe(TOKEN_IDS, TensorProto.INT32, ["batch", "time"]),
                describe(LENGTHS, TensorProto.INT32, ["batch"]),
            ],
            [
                describe(LOGITS, TensorProto.FLOAT, ["batch", classes]),
                describe(VECTORS, TensorProto.FLOAT, ["time", "batch", embedding_dim]),
                *(
                    describe(name, TensorProto.FLOAT, value.shape)
                    for name, value in self._weights.items()
                ),
            ],
            self._initializers,
        )
        network = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
        )
        onnx.checker.check_model(network)
        serialized: bytes = network.SerializeToString()
        return serialized


def _add_embedding(builder: _GraphBuilder, model: SentimentModel) -> str:
    """Looks up word vectors `(time, batch, embedding_dim)`."""
    stored = store_matrix(model.embedding.merged_matrix(), model.config.embedding_storage)
    by_time = builder.add("Transpose", TOKEN_IDS, perm=[1, 0], output="by_time")
    values = builder.constant("embedding_values", stored.values)
    if stored.values.dtype == np.float32:
        return builder.add("Gather", values, by_time, output=VECTORS)
    rows = builder.add("Gather", values, by_time)
    if stored.scales is None:
        return builder.add("Cast", rows, to=TensorProto.FLOAT, output=VECTORS)
    scales = builder.add("Gather", builder.constant("embedding_scales", stored.scales), by_time)
    floats = builder.add("Cast", rows, to=TensorProto.FLOAT)
    return builder.add("Mul", floats, scales, output=VECTORS)


def _add_lstm_layers(builder: _GraphBuilder, model: SentimentModel, states: str) -> tuple[str, str]:
    """Adds the LSTM layers.

    Returns:
        The names of the last layer's states, `(time, batch, width)`, zero at padding, and of its
        last states, `(batch, width)`.
    """
    # A reshape that joins directions and units: 0 keeps a dimension.
    joined = builder.constant("joined", np.array([0, 0, -1], np.int64))
    joined_last = builder.constant("joined_last", np.array([0, -1], np.int64))
    last = ""
    for number, layer in enumerate(model.lstm_layers):
        kernel, recurrent_kernel, bias = _onnx_weights(layer)
        inputs = [
            states,
            builder.weight(KERNEL.format(number), kernel),
            builder.weight(RECURRENT_KERNEL.format(number), recurrent_kernel),
            builder.weight(BIAS.format(number), bias),
            LENGTHS,
        ]
        direction = "bidirectional" if layer.bidirectional else "forward"
        states, last = builder.add_lstm(inputs, hidden_size=layer.units, direction=direction)
        by_text = builder.add("Transpose", states, perm=[0, 2, 1, 3])
        states = builder.add("Reshape", by_text, joined)
        last = builder.add("Transpose", last, perm=[1, 0, 2])
        last = builder.add("Reshape", last, joined_last)
    return states, last


def _add_pooling(builder: _GraphBuilder, model: SentimentModel, states: str, last: str) -> str:
    """Pools states over real tokens: `(time, batch, width)` to `(batch, width)`, or twice that."""
    pooling = model.config.pooling
    if model.pooling is None:
        return last
    padding = builder.add(
        "Equal", "by_time", builder.constant("padding", np.array(PAD_ID, np.int32))
    )
    is_padding = builder.add("Unsqueeze", padding, axes=[2])
    lowest = builder.constant("lowest", np.array(_LOWEST, np.float32))
    if pooling == "attention":
        (vector,) = model.pooling.get_weights()
        query = builder.weight(QUERY, vector[:, np.newaxis])
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
        count = builder.add("Cast", LENGTHS, to=TensorProto.FLOAT)
        pooled.append(builder.add("Div", total, builder.add("Unsqueeze", count, axes=[1])))
    return pooled[0] if len(pooled) == 1 else builder.add("Concat", *pooled, axis=1)


def _onnx_weights(layer: Any) -> tuple[NDArray[np.float32], ...]:
    """Returns kernel, recurrent kernel and bias of an LSTM layer, directions first."""
    weights = layer.get_weights()  # kernel, recurrent kernel and bias of each direction
    kernels, recurrent_kernels, biases = (weights[place::3] for place in range(3))
    bias = np.stack([_onnx_gates(each) for each in biases])
    return (
        np.stack([_onnx_gates(each).T for each in kernels]),
        np.stack([_onnx_gates(each).T for each in recurrent_kernels]),
        np.concatenate([bias, np.zeros_like(bias)], axis=1),  # ONNX adds up two biases
    )


def _onnx_gates(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reorders the last axis from Keras' gates i, f, c, o to ONNX's i, o, f, c."""
    i, f, c, o = np.split(weight, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)
