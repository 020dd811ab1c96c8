"""The LSTM layer: cuDNN's on a GPU, our own loop on a CPU."""

from typing import Any

import keras
import tensorflow as tf

from lstm_sentiment.checks import share_below_one
from lstm_sentiment.model.batch_dropout import drawn_for_batch
from lstm_sentiment.model.lstm_loop import Weights, run_direction, usable_cores


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class FastLSTM(keras.layers.Layer):
    """`keras.layers.LSTM`, one way or both, made fast for training on a CPU.

    The weights are those of real Keras layers, and so are the results. On a GPU these layers run,
    with cuDNN; elsewhere `lstm_loop` does.

    Call arguments:
        inputs: float `(batch, time, input_dim)`.
        mask: bool `(batch, time)`, True at real steps, or `None` where all are. Steps that it
            leaves out carry the state through. On a GPU with cuDNN each text's real steps must be
            its first and at least one; else they may be anywhere.
        training: Whether to drop states.

    Returns:
        float `(batch, time, width)`, or with `return_sequences` off `(batch, width)`, the last
        state of each direction; `width` is `units`, or twice that with `bidirectional`: forward,
        then backward. Of masked steps the output is not defined: zero here, not so under cuDNN.

    Masking:
        Uses the mask, and hands it on with `return_sequences`.

    Attributes:
        lstm: The Keras layer that owns the weights: an `LSTM`, or a `Bidirectional` of one.
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
        """Makes the layers that own the weights.

        Args:
            units: Width of each direction.
            bidirectional: Whether to read both ways.
            return_sequences: Whether to return the state at each step.
            recurrent_dropout: Share of the state's channels that no step of a text sees in
                training, from 0 to below 1: one choice a text and direction for all its steps
                (Gal and Ghahramani, 2016).
            use_cudnn: As `keras.layers.LSTM` takes. `False` where the trace must run anywhere.
            seed: Of the dropped channels; `None` draws it from Keras' global seed.
            **kwargs: As `keras.layers.Layer` takes.

        Raises:
            InvalidInputError: If `recurrent_dropout` breaks its rule.
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
        self.lstm = (
            keras.layers.Bidirectional(lstm, dtype=self.dtype_policy, name="bidirectional")
            if bidirectional
            else lstm
        )
        if recurrent_dropout:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights; `input_shape` is `(batch, time, input_dim)`."""
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
        """All directions over texts whose real steps come first; the result of `call`."""
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
        """0 for the channels of a text that are dropped, else what keeps the mean."""
        kept = 1 - self.recurrent_dropout

        def draw(rows: Any) -> Any:
            shape = (rows, self.units)
            return keras.random.uniform(shape, seed=self.seed_generator, dtype="float32")

        drawn = drawn_for_batch(tf.shape(inputs)[0], draw)
        return tf.cast(drawn < kept, inputs.dtype) / tf.cast(kept, inputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask itself with `return_sequences`; else the time axis is gone."""
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
    """Undoes `_real_steps_first`; zero where the mask is False."""
    place = tf.maximum(tf.cumsum(tf.cast(mask, tf.int32), axis=1) - 1, 0)
    return tf.gather(states, place, batch_dims=1) * tf.cast(mask, states.dtype)[:, :, tf.newaxis]


def _last_read(states: Any, lengths: Any, reverse: bool) -> Any:
    """The last state in the order of reading: `(batch, time, units)` to `(batch, units)`."""
    if reverse:
        return states[:, 0]
    if lengths is None:
        return states[:, -1]
    last = tf.maximum(lengths - 1, 0)
    return tf.gather_nd(states, tf.stack([tf.range(tf.shape(last)[0]), last], axis=1))
