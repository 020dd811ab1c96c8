"""The classifier that is compared with peers, as ONNX."""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_OPSET, _IR_VERSION = 17, 10  # what every ONNX Runtime since 1.18 knows


def serialized_onnx(weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Gather, LSTM, MatMul and Add.

    Args:
        weights: As `files.WEIGHTS` holds them.

    Returns:
        A model of `token_ids` int64 `(batch, time)` and `lengths` int32 `(batch,)` to `logits`
        float32 `(batch, classes)`.
    """
    units = len(weights["recurrent_kernel"])
    bias = _gates(weights["bias"])
    tables = {
        "embedding": weights["embedding"],
        # First axis: the directions. ONNX adds up two biases.
        "kernel": _gates(weights["kernel"]).T[np.newaxis],
        "recurrent_kernel": _gates(weights["recurrent_kernel"]).T[np.newaxis],
        "bias": np.concatenate([bias, np.zeros_like(bias)])[np.newaxis],
        "dense_kernel": weights["dense_kernel"],
        "dense_bias": weights["dense_bias"],
        "first_axis": np.array([0]),
    }
    lstm_inputs = ["vectors", "kernel", "recurrent_kernel", "bias", "lengths"]
    nodes = [
        helper.make_node("Transpose", ["token_ids"], ["by_time"], perm=[1, 0]),
        helper.make_node("Gather", ["embedding", "by_time"], ["vectors"]),
        helper.make_node("LSTM", lstm_inputs, ["", "last"], hidden_size=units),
        helper.make_node("Squeeze", ["last", "first_axis"], ["state"]),
        helper.make_node("MatMul", ["state", "dense_kernel"], ["product"]),
        helper.make_node("Add", ["product", "dense_bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [
            helper.make_tensor_value_info("token_ids", TensorProto.INT64, ["batch", "time"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["batch"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", None])],
        [
            numpy_helper.from_array(np.ascontiguousarray(table), name)
            for name, table in tables.items()
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def _gates(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """From Keras' order of gates, input, forget, cell, output, to ONNX's: i, o, f, c."""
    i, f, c, o = np.split(weights, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)
