"""A linear classifier of n-grams that is mixed with the LSTM."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_folder import PAD_ID

_KEY_BITS = 63
NO_NGRAM = -1


class NgramWeights(NamedTuple):
    """Weights of a linear classifier of n-grams.

    Attributes:
        keys: The known n-grams, int64 `(num_ngrams,)`, ascending: see `ngram_keys`.
        idf: Value of each n-gram in the features, float32 `(num_ngrams,)`: its inverse document
            frequency, or 1 if the training texts were few.
        kernel: float32 `(num_ngrams, classes)`.
        bias: float32 `(classes,)`.
    """

    keys: NDArray[np.int64]
    idf: NDArray[np.float32]
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class NgramView(keras.layers.Layer):
    """Mixes the LSTM's logits with those of a linear classifier of n-grams.

    The features of a text are the values (`idf`) of its set of n-grams, scaled to length 1. The two
    classifiers make different mistakes, so the mixture makes fewer (Wang and Manning, 2012,
    https://aclanthology.org/P12-2018).

    Call arguments:
        token_ids: int `(batch, time)`, padded with `PAD_ID`.
        logits: The LSTM's logits, float32 `(batch, classes)`.

    Call returns:
        float32 `(batch, classes)`: `(1 - share) * logits + share * ngram_logits`.

    Attributes:
        share: Weight of the n-grams' logits, from 0 to 1: float32 scalar, 0 until `set_share`.
    """

    def __init__(self, num_ngrams: int, num_classes: int, longest: int, **kwargs: Any) -> None:
        """Initializes the layer; `longest` is the length of the longest n-grams in tokens."""
        super().__init__(trainable=False, **kwargs)
        self.num_ngrams = num_ngrams
        self.num_classes = num_classes
        self.longest = longest

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights as zeros, for `load_ngrams` or saved weights to replace."""
        for name, shape, dtype in (
            ("keys", (self.num_ngrams,), "int64"),
            ("idf", (self.num_ngrams,), "float32"),
            ("kernel", (self.num_ngrams, self.num_classes), "float32"),
            ("bias", (self.num_classes,), "float32"),
            ("share", (), "float32"),
        ):
            weight = self.add_weight(name=name, shape=shape, dtype=dtype, initializer="zeros")
            setattr(self, name, weight)
        self.built = True

    def load_ngrams(self, weights: NgramWeights) -> None:
        """Assigns the weights of the linear classifier."""
        for name, value in weights._asdict().items():
            getattr(self, name).assign(value)

    def set_share(self, share: float) -> None:
        """Assigns the weight of the n-grams' logits, from 0 to 1."""
        self.share.assign(share)

    def call(self, token_ids: Any, logits: Any) -> Any:
        """Mixes the LSTM's and the n-grams' logits, both `(batch, classes)`."""
        return mixed([self], token_ids, logits)

    def ngram_logits(self, token_ids: Any) -> Any:
        """Computes the n-grams' logits: int `(batch, time)` to float32 `(batch, classes)`."""
        # Sorted, so that a repeated n-gram follows itself and can be counted once.
        found = tf.sort(ngram_keys(self.units(token_ids), self.longest), axis=1)
        repeated = tf.pad(found[:, 1:] == found[:, :-1], [[0, 0], [1, 0]])
        known, place = self.look_up(found)
        values = tf.where(known & ~repeated, tf.gather(self.idf.value, place), 0.0)
        length = tf.maximum(tf.norm(values, axis=1, keepdims=True), 1e-6)
        weighted = tf.einsum("bn,bnc->bc", values, tf.gather(self.kernel.value, place))
        return weighted / length + self.bias.value

    def units(self, token_ids: Any) -> Any:
        """Returns what the n-grams are made of, int `(batch, units)`: here the tokens."""
        return token_ids

    def token_of_units(self, token_ids: Any) -> Any:
        """Returns the place of each unit's token: int `(time,)` to int32 `(units,)`."""
        return tf.range(tf.shape(token_ids)[0])

    def look_up(self, keys: Any) -> tuple[Any, Any]:
        """Looks up n-grams, int64 of any shape: see `ngram_keys`.

        Returns:
            A bool mask of the known n-grams, and their rows in `idf` and `kernel`, int32; both of
            the shape of `keys`.
        """
        flat = tf.reshape(keys, [-1])
        place = tf.minimum(tf.searchsorted(self.keys.value, flat), self.num_ngrams - 1)
        known = tf.gather(self.keys.value, place) == flat
        return tf.reshape(known, tf.shape(keys)), tf.reshape(place, tf.shape(keys))

    def compute_output_shape(self, input_shape: Any, logits_shape: Any = None) -> Any:
        """Returns `(batch, classes)`."""
        return (input_shape[0], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        config = super().get_config()
        config.pop("trainable")
        sizes = ("num_ngrams", "num_classes", "longest")
        return {**config, **{name: getattr(self, name) for name in sizes}}


def mixed(views: Sequence[NgramView], token_ids: Any, logits: Any) -> Any:
    """Mixes the LSTM's logits with those of linear views, each with its share.

    Args:
        views: The linear views; without any, the LSTM's logits are returned.
        token_ids: int `(batch, time)`, padded with `PAD_ID`.
        logits: The LSTM's, float32 `(batch, classes)`.
    """
    if not views:
        return logits
    mixture = (1 - tf.add_n([view.share.value for view in views])) * logits
    for view in views:
        mixture += view.share.value * view.ngram_logits(token_ids)
    return mixture


def ngram_keys(token_ids: Any, longest: int) -> Any:
    """Encodes the n-grams of each text, up to length `longest`, as numbers.

    Args:
        token_ids: int `(batch, time)`, padded with `PAD_ID`.
        longest: Length of the longest n-grams, in tokens.

    Returns:
        int64 `(batch, ngrams)`, the same number for the same n-gram; `NO_NGRAM` (-1) for n-grams
        that contain padding.
    """
    bits = _bits_a_token(longest)
    ids = tf.pad(tf.cast(token_ids, tf.int64), [[0, 0], [0, longest - 1]], constant_values=PAD_ID)
    time = tf.shape(token_ids)[1]
    keys: list[Any] = []
    key, real = tf.zeros_like(ids[:, :time]), tf.ones_like(ids[:, :time], tf.bool)
    # Each turn appends the next token to the n-grams that begin at each step.
    for place in range(longest):
        token = ids[:, place : place + time]
        key, real = key * 2**bits + token, real & (token != PAD_ID)
        keys.append(tf.where(real, key, NO_NGRAM))
    return tf.concat(keys, axis=1)


def require_ngram_room(vocabulary_size: int, longest: int) -> None:
    """Raises `InvalidInputError` if the vocabulary is too large for unique n-gram numbers."""
    most = most_units(longest)
    if vocabulary_size > most:
        raise InvalidInputError(
            f"N-grams of {longest} tokens must be of at most {most:,} different tokens: a smaller "
            f"`ngrams` allows more. Received: {vocabulary_size:,}."
        )


def most_units(longest: int) -> int:
    """Returns how many different tokens or characters the keys of n-grams tell apart."""
    return 2 ** _bits_a_token(longest)


def _bits_a_token(longest: int) -> int:
    return _KEY_BITS // max(2, longest)  # ids are int32 anyhow
