"""Builds ONNX graphs node by node."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]

BOOL, FLOAT, INT32, INT64 = (
    TensorProto.BOOL,
    TensorProto.FLOAT,
    TensorProto.INT32,
    TensorProto.INT64,
)

_IR_VERSION = 4  # the oldest in which weights are no inputs


class GraphBuilder:
    """Collects the inputs, nodes and initializers of a graph.

    Attributes:
        weights: The shape of each weight, by name.
    """

    def __init__(
        self, inputs: Mapping[str, tuple[int, Shape]], *, outer: "GraphBuilder | None" = None
    ) -> None:
        """Begins a graph.

        Args:
            inputs: Element type and shape of each input, by name.
            outer: The graph around a body of a loop, which holds the body's initializers.
        """
        self._inputs = dict(inputs)
        self._outer = outer
        self._prefix = "" if outer is None else "body_"
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self.weights: dict[str, Shape] = {}

    def add(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Adds a node with one output; returns the output's name."""
        output = output or self._new_name(op)
        return self.add_node(op, inputs, [output], **attributes)[0]

    def add_parts(self, op: str, *inputs: str, parts: int, **attributes: Any) -> list[str]:
        """Adds a node with several outputs; returns their names."""
        outputs = [f"{self._new_name(op)}_{part}" for part in range(parts)]
        return list(self.add_node(op, inputs, outputs, **attributes))

    def add_node(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> Sequence[str]:
        """Adds a node; returns the names of its outputs."""
        self._nodes.append(helper.make_node(op, inputs, outputs, **attributes))
        return outputs

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Adds an initializer, or reuses the initializer of the same name."""
        if self._outer is not None:
            return self._outer.constant(name, value)
        if name not in self._initializers:
            array = np.ascontiguousarray(value).reshape(value.shape)
            self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def weight(self, name: str, value: NDArray[np.float32]) -> str:
        """Adds a trained weight."""
        self.weights[name] = value.shape
        return self.constant(name, value)

    def serialized(self, outputs: Mapping[str, Shape], *, opset: int) -> bytes:
        """Returns the graph with the given float32 outputs as a serialized `ModelProto`."""
        network = helper.make_model(
            self.graph("lstm_sentiment", {name: (FLOAT, shape) for name, shape in outputs.items()}),
            opset_imports=[helper.make_opsetid("", opset)],
            ir_version=_IR_VERSION,
        )
        onnx.checker.check_model(network)
        serialized: bytes = network.SerializeToString()
        return serialized

    def graph(self, name: str, outputs: Mapping[str, tuple[int, Shape]]) -> Any:
        """Returns the graph as a `GraphProto`, which can be the body of a loop."""
        return helper.make_graph(
            self._nodes,
            name,
            _value_infos(self._inputs),
            _value_infos(outputs),
            list(self._initializers.values()),
        )

    def _new_name(self, op: str) -> str:
        return f"{self._prefix}{op.lower()}_{len(self._nodes)}"


def _value_infos(values: Mapping[str, tuple[int, Shape]]) -> list[Any]:
    return [
        helper.make_tensor_value_info(name, element_type, shape)
        for name, (element_type, shape) in values.items()
    ]
