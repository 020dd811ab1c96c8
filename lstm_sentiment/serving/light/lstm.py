"""An LSTM layer in NumPy with its gradient, for explanations.

As in `model/lstm_loop.py`, one tanh computes all four gates: `sigmoid(x) = (tanh(x / 2) + 1) / 2`,
with the weights of the three sigmoids halved beforehand. Both directions run in one loop, the
second over reversed steps: arrays "in order of reading" have the shape
`(time, directions, batch, ...)`, and their second direction begins with the last step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LstmTrace:
    """Intermediate results of a forward run for the gradient, float32, in order of reading.

    Attributes:
        activations: The tanh of the halved gates i, o, f, c,
            `(time, directions, batch, 4 * units)`.
        cells: Cell state before each step and after the last one,
            `(time + 1, directions, batch, units)`.
    """

    activations: Floats
    cells: Floats

    def of(self, batch: int) -> "LstmTrace":
        """Returns the part of the first `batch` texts."""
        return LstmTrace(self.activations[:, :, :batch], self.cells[:, :, :batch])


class LstmLayer:
    """One or two directions of an LSTM over texts of one length."""

    def __init__(self, kernel: Floats, recurrent_kernel: Floats, bias: Floats) -> None:
        """Halves the weights of the sigmoids.

        Args:
            kernel: float32 `(directions, 4 * units, input_dim)`, gates i, o, f, c as in ONNX.
            recurrent_kernel: float32 `(directions, 4 * units, units)`.
            bias: float32 `(directions, 8 * units)`, two that are added up.
        """
        self._units = recurrent_kernel.shape[2]
        halves = np.repeat(np.array([0.5, 0.5, 0.5, 1], np.float32), self._units)
        self._kernel = kernel.transpose(0, 2, 1) * halves
        self._recurrent_kernel = recurrent_kernel.transpose(0, 2, 1) * halves
        both = bias.reshape(len(bias), 2, -1).sum(axis=1)
        self.bias: Floats = (both * halves)[:, np.newaxis]

    def projected(self, inputs: Floats) -> Floats:
        """Computes the inputs' part of the gates, without the bias, in order of reading.

        Args:
            inputs: `(time, batch, input_dim)`.

        Returns:
            `(time, directions, batch, 4 * units)`.
        """
        return np.stack([_turned(inputs, d) @ w for d, w in enumerate(self._kernel)], axis=1)

    def run(self, gates: Floats) -> tuple[Floats, LstmTrace]:
        """Runs the layer.

        Args:
            gates: The inputs' part of the gates with the bias, in order of reading; overwritten.

        Returns:
            All states in the order of the text, `(time, batch, directions * units)`, and what the
            gradient needs.
        """
        time, directions, batch, _ = gates.shape
        states = np.empty((time, directions, batch, self._units), np.float32)
        cells = np.zeros((time + 1, directions, batch, self._units), np.float32)
        for step, activation in enumerate(gates):
            if step:
                activation += states[step - 1] @ self._recurrent_kernel
            np.tanh(activation, out=activation)
            i, o, f, g = np.split(activation, 4, axis=-1)
            cell = cells[step]
            after = np.add(cell + f * cell, g + i * g, out=cells[step + 1])
            after *= 0.5
            squashed = np.tanh(after)
            np.add(squashed, o * squashed, out=states[step])
            states[step] *= 0.5
        return _in_order_of_text(states), LstmTrace(gates, cells)

    def gates_gradient(self, gradient: Floats, trace: LstmTrace) -> Floats:
        """Computes the gradient of the halved gates.

        Args:
            gradient: The gradient of the states, `(time, batch, directions * units)`.
            trace: Of the forward run.

        Returns:
            `(time, directions, batch, 4 * units)`, in order of reading.
        """
        from_above = 0.5 * _in_order_of_reading(gradient, len(self._kernel))
        # `run` halves a sum to get a state: `half_d_state` is half of the gradient of a state.
        transposed = 0.5 * self._recurrent_kernel.transpose(0, 2, 1)
        d_gates = np.empty_like(trace.activations)
        d_cell = np.zeros_like(trace.cells[0])
        half_d_state = np.zeros_like(trace.cells[0])
        for step in reversed(range(len(from_above))):
            i, o, f, g = np.split(trace.activations[step], 4, axis=-1)
            squashed = np.tanh(trace.cells[step + 1])
            half_d_state += from_above[step]
            d_cell += (half_d_state + half_d_state * o) * (1 - squashed * squashed)
            half = 0.5 * d_cell
            d_i, d_o, d_f, d_g = np.split(d_gates[step], 4, axis=-1)
            np.multiply(half, g, out=d_i)
            np.multiply(half_d_state, squashed, out=d_o)
            np.multiply(half, trace.cells[step], out=d_f)
            np.add(half, half * i, out=d_g)
            d_gates[step] *= 1 - trace.activations[step] ** 2
            d_cell = half + half * f
            half_d_state = d_gates[step] @ transposed
        return d_gates

    def inputs_gradient(self, d_gates: Floats) -> Floats:
        """Computes the gradient of the inputs, `(time, batch, input_dim)`, from that of gates."""
        parts = [_turned(d_gates[:, d], d) @ w.T for d, w in enumerate(self._kernel)]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _turned(by_time: Floats, direction: int) -> Floats:
    """Reverses the steps for the second direction."""
    return by_time[::-1] if direction else by_time


def _in_order_of_text(states: Floats) -> Floats:
    """Joins the directions: `(time, directions, batch, units)` to `(time, batch, width)`."""
    return np.concatenate([_turned(states[:, d], d) for d in range(states.shape[1])], axis=-1)


def _in_order_of_reading(states: Floats, directions: int) -> Floats:
    """Reverts `_in_order_of_text`."""
    parts = np.split(states, directions, axis=-1)
    return np.stack([_turned(part, d) for d, part in enumerate(parts)], axis=1)
