"""The trained model as a graph for inference, with the same scores."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from lstm_sentiment.export.lstm_reader import (
    STEPS_A_ROUND,
    Gates,
    Reading,
    steps_from,
    whole_rounds,
)
from lstm_sentiment.export.prepared import PreparedVariables
from lstm_sentiment.model.embedding_storage import store_matrix
from lstm_sentiment.model.lstm_loop import Weights
from lstm_sentiment.model.ngram_view import mixed
from lstm_sentiment.model.sentiment_model import SentimentModel, mean_logits

ROWS = (1, 2, 4, 8, 16, 24, 32)
"""Batch sizes that are computed; smaller batches are filled up, so that XLA compiles few shapes."""

FOLDED_BYTES = 128 * 2**20
"""Most memory for the input projection of the whole vocabulary, which replaces word vectors."""


class StoredEmbedding(tf.Module):
    """The table of word vectors, in the number format of the model's config.

    Attributes:
        values: int8, float16 or float32 `(vocabulary_size, embedding_dim)`.
        scales: float32 `(vocabulary_size, 1)` for int8, or `None`.
    """

    def __init__(self, model: SentimentModel) -> None:
        """Converts the table of a trained model."""
        super().__init__()
        stored = store_matrix(model.embedding.merged_matrix(), model.config.embedding_storage)
        self.values = tf.Variable(stored.values, trainable=False, name="embedding_values")
        self.scales = (
            None
            if stored.scales is None
            else tf.Variable(stored.scales, trainable=False, name="embedding_scales")
        )

    def vectors(self, token_ids: Any) -> Any:
        """Looks up int ids of any shape; returns float32 `(..., embedding_dim)`."""
        vectors = tf.cast(tf.gather(self.values, token_ids), tf.float32)
        return vectors if self.scales is None else vectors * tf.gather(self.scales, token_ids)

    def matrix(self) -> Any:
        """Returns the whole table, float32 `(vocabulary_size, embedding_dim)`."""
        matrix = tf.cast(self.values, tf.float32)
        return matrix if self.scales is None else matrix * self.scales


class InferenceNetwork(tf.Module):
    """Maps token ids to logits, in a SavedModel.

    The input part of the LSTM's gates depends only on the word, so it is computed for the whole
    vocabulary when the model is loaded, if that takes at most `FOLDED_BYTES`. Large batches are cut
    into parts of at most 32 texts of similar length, which run in parallel; each part ends with its
    longest text.

    Attributes:
        embedding: The word vectors.
        weights: The other variables of the model, by layer. They are raw variables: Keras wraps its
            own, and the C++ server restores only variables attached to the saved object.
        prepared: The values computed at load time.
        lstm_logits: Maps token ids of one of the `ROWS` numbers of texts, int32 `(rows, steps)`, to
            the LSTM's logits, float32 `(rows, classes)`.
        compilable_lstm_logits: The same function in a form for XLA. Unused here: a server may call
            it instead (`serving/saved_model/xla.py`).
    """

    def __init__(self, model: SentimentModel) -> None:
        """Copies the weights of a trained model without cuDNN ops.

        Only closures refer to the model: an attribute would be saved as a Keras model.
        """
        super().__init__()
        self.embedding = StoredEmbedding(model)
        self.weights = {
            layer.name: [weight.value for weight in layer.weights]
            for layer in model.layers_with_weights()
        }
        self._steps = whole_rounds(model.config.max_length)
        # Members of an ensemble are computed side by side, as directions are.
        layers = [
            [weights for layer in layers for weights in _directions(layer)]
            for layers in zip(*(member.lstm_layers for member in model.members), strict=True)
        ]
        width = 4 * model.config.lstm_units
        self._readers = len(layers[0])
        self._is_folded = 4 * width * model.vocabulary_size * self._readers <= FOLDED_BYTES

        def prepare() -> list[Any]:
            halved = [weights.halved(tf.float32) for layer in layers for weights in layer]
            flat = [tf.reshape(value, (-1, width)) for weights in halved for value in weights]
            if self._is_folded:
                matrix, first = self.embedding.matrix(), halved[: self._readers]
                tables = [matrix @ weights.kernel + weights.bias for weights in first]
                flat.append(tf.concat(tables, axis=0))
            return [tf.range(model.vocabulary_size), *flat]

        count = len(Weights._fields) * len(layers) * self._readers + self._is_folded
        rows_of_gates = tf.TensorSpec((None, width), tf.float32)
        self.prepared = PreparedVariables(
            [tf.TensorSpec((None,), tf.int32), *[rows_of_gates] * count], prepare
        )
        self.lstm_logits = self._function("plain_lstm_logits", model, STEPS_A_ROUND)
        self.compilable_lstm_logits = self._function("compilable_lstm_logits", model, 1)
        # Not inlined: small batches do not visit the ops for large ones.
        self._of_many = tf.function(
            self._logits_of_many,
            input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")],
            autograph=False,
            experimental_attributes={"_noinline": True},
        )
        self._mixed = _mixture_of(model)
        # A separate function, traced once for all signatures.
        self.logits = tf.function(
            self._logits,
            input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")],
            autograph=False,
        )

    def __call__(self, token_ids: Any) -> Any:
        """Maps token ids to logits, float32 `(batch, classes)`.

        `token_ids` are int32 `(batch, time)`, padded on the right, with at most `max_length` steps
        and a real token in each row.
        """
        return self.logits(token_ids)

    def _logits(self, token_ids: Any) -> Any:
        return self._mixed(token_ids, self._in_parts(token_ids))

    def known_ids(self, token_ids: Any) -> Any:
        """Casts int64 ids to int32; fails at ids beyond the vocabulary, which XLA would clip."""
        # One op, whose error names the id. A comparison takes five, and ops cost time.
        return tf.gather(self.prepared.variables_by_place[0], token_ids)

    def _in_parts(self, token_ids: Any) -> Any:
        """Computes `lstm_logits` in parallel parts: one, two, or four at a time."""
        texts = tf.shape(token_ids)[0]
        logits = tf.cond(
            texts <= ROWS[-1],
            lambda: self.lstm_logits(self._padded(token_ids, _enough_rows(texts))),
            lambda: self._of_many(token_ids),
        )
        return logits[:texts]

    def _logits_of_many(self, token_ids: Any) -> Any:
        return tf.cond(
            tf.shape(token_ids)[0] <= 2 * ROWS[-1],
            lambda: self._by_length(token_ids, 2),
            lambda: self._by_length(token_ids, 4),
        )

    def _by_length(self, token_ids: Any, side_by_side: int) -> Any:
        """Computes `lstm_logits` in parts of similar lengths; each ends with its longest text."""
        texts, most = tf.shape(token_ids)[0], side_by_side * ROWS[-1]
        groups = (texts + most - 1) // most
        rows = _enough_rows((texts + groups * side_by_side - 1) // (groups * side_by_side))
        order = tf.argsort(tf.math.count_nonzero(token_ids, axis=1))
        padded = self._padded(tf.gather(token_ids, order), groups * side_by_side * rows)
        by_group = tf.reshape(padded, (groups, side_by_side, rows, self._steps))

        def of_group(parts: Any) -> Any:
            return tf.stack([self.lstm_logits(part) for part in tf.unstack(parts)])

        classes = self.weights["logits"][0].shape[1]
        logits = tf.map_fn(
            of_group,
            by_group,
            fn_output_signature=tf.TensorSpec((side_by_side, None, classes), tf.float32),
            parallel_iterations=1,
        )
        return tf.gather(tf.reshape(logits, (-1, classes)), tf.argsort(order))

    def _padded(self, token_ids: Any, rows: Any) -> Any:
        """Pads ids to `rows` rows, and to the number of steps of `lstm_logits`."""
        after = tf.stack([rows, self._steps]) - tf.shape(token_ids)
        padded = tf.pad(token_ids, tf.stack([tf.zeros(2, tf.int32), after], axis=1))
        return tf.ensure_shape(padded, (None, self._steps))

    def _function(self, name: str, model: SentimentModel, steps_a_round: int) -> Any:
        """Makes `lstm_logits`, called `name` when saved, with `steps_a_round` steps a round."""
        pooling, members = model.config.pooling, model.members
        poolings = [member.pooling for member in members if member.pooling is not None]

        def lstm_logits(token_ids: Any) -> Any:
            reading = Reading(
                tf.math.count_nonzero(token_ids, axis=1, dtype=tf.int32),
                len(members),
                self._readers // len(members),
                self._steps,
                steps_a_round,
            )
            *lower, last = self._prepared_weights()
            gates_of = partial(self._gates_of_words, token_ids, reading)
            for layer in lower:
                states = reading.all_states(gates_of(layer), layer)
                gates_of = partial(_gates_of_states, states, reading)
            if pooling == "last":
                pooled = reading.last_states(gates_of(last), last)
            elif pooling == "attention":
                states = reading.all_states(gates_of(last), last)
                pooled = [
                    pool(tf.transpose(each, (1, 0, 2)), mask=reading.mask())
                    for pool, each in zip(poolings, states, strict=True)
                ]
            else:
                pooled = reading.pooled_states(gates_of(last), last, pooling)
            return mean_logits(
                [member.logits(each) for member, each in zip(members, pooled, strict=True)]
            )

        lstm_logits.__name__ = name
        return tf.function(
            lstm_logits,
            input_signature=[tf.TensorSpec([None, self._steps], tf.int32, name="token_ids")],
            autograph=False,
            # Not inlined, parts run in parallel; parts compiled by XLA do so in any case.
            experimental_attributes={"_noinline": True} if steps_a_round > 1 else None,
        )

    def _prepared_weights(self) -> list[list[Weights]]:
        """Returns the halved weights of each layer, member and direction."""
        values = [variable.value() for variable in self.prepared.variables_by_place[1:]]
        if self._is_folded:
            values.pop()
        parts = len(Weights._fields)
        weights = [Weights(*values[at : at + parts]) for at in range(0, len(values), parts)]
        return [weights[at : at + self._readers] for at in range(0, len(weights), self._readers)]

    def _gates_of_words(self, token_ids: Any, reading: Reading, layer: Sequence[Weights]) -> Gates:
        """Returns the words' part of the first layer's gates."""
        by_time = tf.transpose(reading.in_order_of_reading(token_ids))
        if not self._is_folded:
            return _projected(
                lambda step, count: self.embedding.vectors(steps_from(by_time, step, count)), layer
            )
        if self._readers > 1:
            table_of_reader = tf.range(self._readers) * self.embedding.values.shape[0]
            by_time += tf.repeat(table_of_reader, tf.shape(token_ids)[0])
        table = self.prepared.variables_by_place[-1]
        return lambda step, count: tf.gather(table, steps_from(by_time, step, count))


def _gates_of_states(states: Sequence[Any], reading: Reading, layer: Sequence[Weights]) -> Gates:
    """Returns the part of the gates that comes from the layer below.

    `states` are those of each member, `(steps, batch, width)`.
    """
    rows = reading.rows_of_states(states)
    return _projected(lambda step, count: steps_from(rows, step, count), layer)


def _projected(inputs: Gates, layer: Sequence[Weights]) -> Gates:
    """Projects each member's and direction's rows of the inputs, `(count, rows, width)`."""

    def gates(step: Any, count: int) -> Any:
        parts = tf.split(inputs(step, count), len(layer), axis=1)
        projected = [
            tf.tensordot(part, weights.kernel, 1) + weights.bias
            for part, weights in zip(parts, layer, strict=True)
        ]
        return projected[0] if len(projected) == 1 else tf.concat(projected, axis=1)

    return gates


def _directions(layer: Any) -> list[Weights]:
    """Returns the weights of each direction of a layer."""
    owners = (
        [layer.lstm.forward_layer, layer.lstm.backward_layer]
        if layer.bidirectional
        else [layer.lstm]
    )
    return [
        Weights(*(variable.value for variable in (cell.kernel, cell.recurrent_kernel, cell.bias)))
        for cell in (owner.cell for owner in owners)
    ]


def _mixture_of(model: SentimentModel) -> Callable[[Any, Any], Any]:
    """Returns the mixture with the linear views: as attributes, the layers would be saved."""
    views = model.views()
    return lambda token_ids, logits: mixed(views, token_ids, logits)


def _enough_rows(texts: Any) -> Any:
    """Returns the smallest of `ROWS` that is at least `texts`."""
    enough = [min(rows for rows in ROWS if rows >= count) for count in range(ROWS[-1] + 1)]
    return tf.gather(enough, texts)
