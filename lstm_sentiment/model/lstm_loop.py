"""One LSTM direction over time on a CPU, with a hand-written gradient.

The LSTM of Hochreiter and Schmidhuber (1997) with forget gates, as `keras.layers.LSTM` computes it.
Products that do not depend on the previous state are computed for all steps at once: the projection
of the inputs, and in the gradient the products of the weights. The loop is left with one matrix
product a step and a few cheap operations.

One tanh computes all four gates, because `sigmoid(x) = (tanh(x / 2) + 1) / 2`. The weights of the
three sigmoids are halved beforehand, which is exact. "Activations" below are the results of tanh.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from lstm_sentiment.system import usable_cpus

_LEAST_TEXTS = 16  # a slice: with fewer, a step costs more than a second core saves

# TensorFlow runs a loop of small operations on one core. Functions that are not inlined run in
# threads of their own, so that slices of a batch use the other cores.
_ON_ITS_OWN_THREAD = {"_noinline": True}


class Weights(NamedTuple):
    """The weights of one direction.

    Attributes:
        kernel: float `(input_dim, 4 * units)`, gates i, f, c, o in the order of Keras.
        recurrent_kernel: float `(units, 4 * units)`.
        bias: float `(4 * units,)`.
    """

    kernel: Any
    recurrent_kernel: Any
    bias: Any

    def halved(self, dtype: tf.DType) -> "Weights":
        """Halves the columns of the three sigmoid gates and casts to the dtype of the products."""
        units = self.recurrent_kernel.shape[0]
        halves = tf.repeat(tf.constant([0.5, 0.5, 1.0, 0.5], self.kernel.dtype), units)
        return Weights(*(tf.cast(weight * halves, dtype) for weight in self))


def run_direction(
    inputs: Any,
    lengths: Any,
    weights: Weights,
    *,
    reverse: bool,
    dropped: Any = None,
    keep_for_gradient: bool,
    slices: int,
) -> Any:
    """Runs one direction over a batch, in parallel slices.

    Args:
        inputs: float32 or bfloat16 `(batch, time, input_dim)`. Products use this dtype; gates and
            cell state are float32.
        lengths: Number of real steps of each text, all in front, int32 `(batch,)`. `None` if all
            steps are real.
        weights: The Keras layer's weights.
        reverse: Reads from the last real step to the first.
        dropped: Recurrent dropout: factors of the state where the next step reads it, float
            `(batch, units)`. `None` drops nothing.
        keep_for_gradient: Stores activations for the gradient, which else repeats the forward run.
        slices: Number of slices of a large batch.

    Returns:
        States in the dtype of `inputs`, `(batch, time, units)`; zero after the end of a text.
    """
    halved = weights.halved(inputs.dtype)
    rows = tf.maximum(-(-tf.shape(inputs)[0] // slices), _LEAST_TEXTS) if slices > 1 else None
    parts = []
    for index in range(slices):
        part = slice(None) if rows is None else slice(index * rows, (index + 1) * rows)
        loop = _Loop(
            reverse,
            None if lengths is None else lengths[part],
            None if dropped is None else dropped[part],
            keep_for_gradient,
        )
        parts.append(loop(inputs[part], *halved))
    return parts[0] if slices == 1 else tf.concat(parts, axis=0)


def usable_cores() -> int:
    """Returns the number of threads that TensorFlow may run operations on at the same time."""
    return int(tf.config.threading.get_inter_op_parallelism_threads() or usable_cpus())


@dataclass(frozen=True)
class _Loop:
    """One direction over a slice of a batch; the fields have no gradient."""

    reverse: bool
    lengths: Any
    dropped: Any
    keep_for_gradient: bool

    def __call__(self, inputs: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        """Computes states `(batch, time, units)` from inputs and halved weights."""

        @tf.custom_gradient
        def run(inputs: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
            arguments = (inputs, self.lengths, self.dropped, kernel, recurrent_kernel, bias)
            sizes = _Sizes(kernel.shape[0], recurrent_kernel.shape[0], self.reverse)
            forward = _forward(*arguments, sizes=sizes, keep=self.keep_for_gradient)

            def gradient(upstream: Any) -> Any:
                kept = (
                    forward
                    if self.keep_for_gradient
                    else _forward(*arguments, sizes=sizes, keep=True)
                )
                gates, *weights = _backward(
                    upstream, *kept[1:], self.lengths, self.dropped, recurrent_kernel, sizes
                )
                # Outside of the function that is not inlined, so that TensorFlow can leave the
                # product out if the inputs need no gradient (frozen embeddings).
                steps = tf.transpose(tf.tensordot(gates, kernel, [[2], [1]]), (1, 0, 2))
                return steps, *weights

            return forward[0], gradient

        return run(inputs, kernel, recurrent_kernel, bias)


class _Sizes(NamedTuple):
    """Static sizes that select a trace of the loop.

    With `reduce_retracing`, shapes alone would give layers of different widths one generic trace.
    """

    input_dim: int
    units: int
    reverse: bool


class _Steps:
    """A list of `(batch, width)` tensors, one for each step.

    The gradient rebuilds the list from its handle and shape, which `tf.TensorArray` does not allow.
    """

    def __init__(self, shape: Any, dtype: tf.DType, handle: Any) -> None:
        self.shape, self.dtype, self.handle = shape, dtype, handle

    @classmethod
    def empty(cls, shape: Any, dtype: tf.DType, count: Any) -> "_Steps":
        handle = tf.raw_ops.TensorListReserve(
            element_shape=shape, num_elements=count, element_dtype=dtype
        )
        return cls(shape, dtype, handle)

    def read(self, index: Any) -> Any:
        return tf.raw_ops.TensorListGetItem(
            input_handle=self.handle,
            index=index,
            element_shape=self.shape,
            element_dtype=self.dtype,
        )

    def stack(self) -> Any:
        """Returns `(time, batch, width)`."""
        return tf.raw_ops.TensorListStack(
            input_handle=self.handle, element_shape=self.shape, element_dtype=self.dtype
        )


def _write(handle: Any, index: Any, item: Any) -> Any:
    return tf.raw_ops.TensorListSetItem(input_handle=handle, index=index, item=item)


def _real(lengths: Any, steps: Any) -> Any:
    """Returns 1 at real steps, else 0, float32 `(time, batch, 1)`."""
    return tf.transpose(tf.sequence_mask(lengths, steps, tf.float32))[:, :, tf.newaxis]


@tf.function(autograph=False, reduce_retracing=True, experimental_attributes=_ON_ITS_OWN_THREAD)
def _forward(
    inputs: Any,
    lengths: Any,
    dropped: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    *,
    sizes: "_Sizes",
    keep: bool,
) -> Any:
    """Computes states `(batch, time, units)` and, with `keep`, the inputs of `_backward`."""
    dtype, units, reverse = inputs.dtype, sizes.units, sizes.reverse
    by_time = tf.transpose(inputs, (1, 0, 2))
    steps, texts = tf.shape(by_time)[0], tf.shape(by_time)[1]
    flat = tf.reshape(by_time, (-1, sizes.input_dim))
    projected = tf.reshape(tf.nn.bias_add(tf.matmul(flat, kernel), bias), (steps, texts, 4 * units))
    real = None if lengths is None else _real(lengths, steps)
    wide, narrow = (texts, 4 * units), (texts, units)

    def body(step: Any, state: Any, cell: Any, states: Any, *kept: Any) -> Any:
        time = steps - 1 - step if reverse else step
        read = state if dropped is None else state * dropped
        gates = projected[time] + tf.matmul(read, recurrent_kernel)
        activations = tf.tanh(tf.cast(gates, tf.float32))
        if keep:
            kept = (_write(kept[0], step, activations), _write(kept[1], step, cell))
        cell, state = lstm_cell(activations, cell, None if real is None else real[time])
        state = tf.cast(state, dtype)
        return step + 1, state, cell, _write(states, time, state), *kept

    states = _Steps.empty(narrow, dtype, steps)
    kept = (
        (
            _Steps.empty(wide, tf.float32, steps).handle,
            _Steps.empty(narrow, tf.float32, steps).handle,
        )
        if keep
        else ()
    )
    first = (tf.zeros(narrow, dtype), tf.zeros(narrow, tf.float32))
    _, _, cell, states.handle, *kept = tf.while_loop(
        lambda step, *_: step < steps,
        body,
        (0, *first, states.handle, *kept),
        parallel_iterations=1,
    )
    stacked = states.stack()
    result = tf.transpose(stacked, (1, 0, 2))
    return (result, stacked, by_time, cell, *kept) if keep else (result,)


@tf.function(autograph=False, reduce_retracing=True, experimental_attributes=_ON_ITS_OWN_THREAD)
def _backward(
    upstream: Any,
    states: Any,
    inputs: Any,
    cell: Any,
    all_activations: Any,
    all_cells: Any,
    lengths: Any,
    dropped: Any,
    recurrent_kernel: Any,
    sizes: "_Sizes",
) -> Any:
    """Computes the gradients of the gates `(time, batch, 4 * units)` and of the three weights.

    `upstream` is the gradient of the states, `(batch, time, units)`. `_forward` has kept `states`
    `(time, batch, units)`, `inputs` `(time, batch, input_dim)`, the last `cell` state, and the
    handles of all activations and of the cell states before each step, in the order of reading.
    """
    dtype, units, reverse = inputs.dtype, sizes.units, sizes.reverse
    steps, texts = tf.shape(inputs)[0], tf.shape(inputs)[1]
    wide, narrow = (texts, 4 * units), (texts, units)
    from_above = tf.transpose(0.5 * upstream, (1, 0, 2))
    transposed = 0.5 * tf.transpose(recurrent_kernel)
    activations = _Steps(wide, tf.float32, all_activations)
    cells = _Steps(narrow, tf.float32, all_cells)
    real = None if lengths is None else _real(lengths, steps)

    def body(step: Any, d_state: Any, d_cell: Any, cell: Any, d_gates: Any) -> Any:
        time = steps - 1 - step if reverse else step
        d_state = tf.cast(d_state + from_above[time], tf.float32)
        activation, cell_before = activations.read(step), cells.read(step)
        d_activations, d_before = _cell_gradient(
            d_state, d_cell, activation, cell, cell_before, None if real is None else real[time]
        )
        d_gate = tf.cast(d_activations * (1 - activation * activation), dtype)
        d_state = tf.matmul(d_gate, transposed)
        if dropped is not None:
            d_state *= dropped
        return step - 1, d_state, d_before, cell_before, _write(d_gates, time, d_gate)

    d_gates = _Steps.empty(wide, dtype, steps)
    first = (tf.zeros(narrow, dtype), tf.zeros(narrow, tf.float32), cell)
    *_, d_gates.handle = tf.while_loop(
        lambda step, *_: step >= 0,
        body,
        (steps - 1, *first, d_gates.handle),
        parallel_iterations=1,
    )
    gates = d_gates.stack()
    before, after = (states[1:], gates[:-1]) if reverse else (states[:-1], gates[1:])
    if dropped is not None:
        before *= dropped
    flat = tf.reshape(gates, (-1, 4 * units))
    return (
        gates,
        tf.matmul(tf.reshape(inputs, (-1, sizes.input_dim)), flat, transpose_a=True),
        tf.matmul(
            tf.reshape(before, (-1, units)), tf.reshape(after, (-1, 4 * units)), transpose_a=True
        ),
        # A product with ones: a sum in bfloat16 would lose digits, and this is the faster.
        tf.matmul(tf.ones((1, steps * texts), dtype), flat)[0],
    )


def lstm_cell(activations: Any, cell: Any, real: Any = None) -> tuple[Any, Any]:
    """Computes one step of an LSTM.

    Args:
        activations: The tanh of the halved gates i, f, c, o, float32 `(batch, 4 * units)`.
        cell: The previous cell state, float32 `(batch, units)`.
        real: 1 at real steps, else 0, float32 `(batch, 1)`; `None` if all steps are real.

    Returns:
        The cell state and the state, both float32 `(batch, units)`.
    """
    i, f, g, o = tf.split(activations, 4, axis=1)
    cell = 0.5 * ((cell + f * cell) + (g + i * g))
    if real is not None:
        cell *= real  # and so the state is zero too
    squashed = tf.tanh(cell)
    return cell, 0.5 * (squashed + o * squashed)


def _cell_gradient(
    half_d_state: Any, d_cell: Any, activations: Any, cell: Any, cell_before: Any, real: Any
) -> tuple[Any, Any]:
    """Computes the gradients of `lstm_cell`: of the activations and of the previous cell state.

    `half_d_state` is half the gradient of the state, because `lstm_cell` halves a sum; `d_cell` is
    the gradient of the cell state from the next step.
    """
    i, f, g, o = tf.split(activations, 4, axis=1)
    squashed = tf.tanh(cell)
    d_cell += (half_d_state + half_d_state * o) * (1 - squashed * squashed)
    if real is not None:
        d_cell *= real
    half = 0.5 * d_cell
    d_activations = [half * g, half * cell_before, half + half * i, half_d_state * squashed]
    return tf.concat(d_activations, axis=1), half + half * f
