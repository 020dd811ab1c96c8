"""The LSTM layer: cuDNN on a GPU, `lstm_loop` on a CPU."""

from typing import Any

import keras
import tensorflow as tf

from lstm_sentiment.checks import share_below_one
from lstm_sentiment.model.batch_dropout import drawn_for_batch
from lstm_sentiment.model.lstm_loop import Weights, run_direction, usable_cores


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class FastLSTM(keras.layers.Layer):
    """`keras.layers.LSTM`, in one or both directions, fast for training on a CPU.

    A Keras layer owns the weights. On a GPU this Keras layer runs, with cuDNN; on a CPU
    `lstm_loop` computes the same results.

    Call arguments:
        inputs: float `(batch, time, input_dim)`.
        mask: bool `(batch, time)`, True at real steps; `None` if all steps are real. Masked steps
            pass the state on. With cuDNN the real steps must come first, at least one in each text;
            on a CPU they may be anywhere.
        training: Applies recurrent dropout if true.

    Call returns:
        float `(batch, time, width)`, or without `return_sequences` the last state of each
        direction, `(batch, width)`. `width` is `units`, or twice as much with `bidirectional`:
        forward, then backward. Output at masked steps is undefined: zero here, not with cuDNN.

    Masking:
        Uses the mask, and passes it on with `return_sequences`.

    Attributes:
        lstm: The Keras layer that owns the weights: an `LSTM` or a `Bidirectional` `LSTM`.
    """

    def __init__(
        self,
        units: int,
        bidirectional: bool = False,
        return_sequences: bool = False,
        recurrent_dropout: float = 0.0,
        use_cudnn: bool | str = "auto",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Creates the Keras layer that owns the weights, with the arguments of `keras.layers.LSTM`.

        `recurrent_dropout` is the share of the state's channels dropped in training, from 0 to
        below 1, the same for all steps of a text and direction (Gal and Ghahramani, 2016).
        `use_cudnn=False` makes a trace that runs on any device.

        Raises:
            InvalidInputError: If `recurrent_dropout` is out of range.
        """
        super().__init__(**kwargs)
        share_below_one(recurrent_dropout=recurrent_dropout)
        self.units = units
        self.bidirectional = bidirectional
        self.return_sequences = return_sequences
        self.recurrent_dropout = recurrent_dropout
        self.use_cudnn = use_cudnn
        self.seed = seed
        self.supports_masking = True
        lstm = keras.layers.LSTM(
            units,
            return_sequences=return_sequences,
            use_cudnn=use_cudnn,
            dtype=self.dtype_policy,
            name="lstm",
        )
        # Bidirectional copies the layer and drops it. While Keras loads a model, it knows layers by
        # their `id`, and would take the next layer at this address for this one. A function is
        # neither tracked nor saved.
        self._keep_alive = lambda: lstm
        self.lstm = (
            keras.layers.Bidirectional(lstm, dtype=self.dtype_policy, name="bidirectional")
            if bidirectional
            else lstm
        )
        if recurrent_dropout:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights; `input_shape` is `(batch, time, input_dim)`."""
        self.lstm.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """`(batch, time, input_dim)` to `(batch, time, width)` or `(batch, width)`."""
        dropping = bool(training and self.recurrent_dropout)
        if self.use_cudnn and not dropping and tf.config.list_logical_devices("GPU"):
            return self.lstm(inputs, mask=mask, training=training)
        inputs = tf.cast(inputs, self.compute_dtype)
        if mask is None:
            return self._run(inputs, None, training, dropping)
        mask = tf.cast(mask, tf.bool)
        lengths = tf.math.count_nonzero(mask, axis=1, dtype=tf.int32)
        at_the_front = tf.reduce_all(mask[:, :-1] | ~mask[:, 1:])
        compact = tf.cond(at_the_front, lambda: inputs, lambda: _real_steps_first(inputs, mask))
        longest = tf.maximum(tf.reduce_max(lengths), 1)
        states = self._run(compact[:, :longest], lengths, training, dropping)
        if not self.return_sequences:
            return states
        states = tf.pad(states, [[0, 0], [0, tf.shape(mask)[1] - tf.shape(states)[1]], [0, 0]])
        return tf.cond(at_the_front, lambda: states, lambda: _back_in_place(states, mask))

    def _run(self, inputs: Any, lengths: Any, training: bool | None, dropping: bool) -> Any:
        """Runs all directions over texts whose real steps come first."""
        layers = (
            [self.lstm.forward_layer, self.lstm.backward_layer]
            if self.bidirectional
            else [self.lstm]
        )
        results = []
        for layer in layers:
            reverse = layer.go_backwards
            states = run_direction(
                inputs,
                lengths,
                Weights(layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias),
                reverse=reverse,
                dropped=self._dropped(inputs) if dropping else None,
                keep_for_gradient=bool(training),
                slices=max(1, usable_cores() // len(layers)),
            )
            results.append(
                states if self.return_sequences else _last_read(states, lengths, reverse)
            )
        return tf.concat(results, axis=-1)

    def _dropped(self, inputs: Any) -> Any:
        """Returns factors `(batch, units)`: 0 for dropped channels, else `1 / (1 - dropout)`."""
        kept = 1 - self.recurrent_dropout

        def draw(rows: Any) -> Any:
            shape = (rows, self.units)
            return keras.random.uniform(shape, seed=self.seed_generator, dtype="float32")

        drawn = drawn_for_batch(tf.shape(inputs)[0], draw)
        return tf.cast(drawn < kept, inputs.dtype) / tf.cast(kept, inputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the mask with `return_sequences`, else `None`."""
        return mask if self.return_sequences else None

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """`(batch, time, input_dim)` to `(batch, time, width)` or `(batch, width)`."""
        width = self.units * (2 if self.bidirectional else 1)
        return (*input_shape[: 2 if self.return_sequences else 1], width)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "units": self.units,
            "bidirectional": self.bidirectional,
            "return_sequences": self.return_sequences,
            "recurrent_dropout": self.recurrent_dropout,
            "use_cudnn": self.use_cudnn,
            "seed": self.seed,
        }


def _real_steps_first(inputs: Any, mask: Any) -> Any:
    """Moves each text's real steps to its front: `(batch, time, input_dim)`."""
    order = tf.argsort(tf.cast(~mask, tf.int32), axis=1, stable=True)
    return tf.gather(inputs, order, batch_dims=1)


def _back_in_place(states: Any, mask: Any) -> Any:
    """Reverts `_real_steps_first`; masked steps are zero."""
    place = tf.maximum(tf.cumsum(tf.cast(mask, tf.int32), axis=1) - 1, 0)
    return tf.gather(states, place, batch_dims=1) * tf.cast(mask, states.dtype)[:, :, tf.newaxis]


def _last_read(states: Any, lengths: Any, reverse: bool) -> Any:
    """Returns the state read last: `(batch, time, units)` to `(batch, units)`."""
    if reverse:
        return states[:, 0]
    if lengths is None:
        return states[:, -1]
    last = tf.maximum(lengths - 1, 0)
    return tf.gather_nd(states, tf.stack([tf.range(tf.shape(last)[0]), last], axis=1))
