"""A linear classifier of character n-grams that is mixed with the LSTM."""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.model.ngram_view import NgramView, NgramWeights


class CharacterSizes(NamedTuple):
    """Sizes of a `CharacterView`.

    Attributes:
        num_ngrams: Number of n-grams.
        longest: Length of the longest n-grams in characters.
        num_characters: Characters of all spellings together.
    """

    num_ngrams: int
    longest: int
    num_characters: int


class Spellings(NamedTuple):
    """The characters of each token, as numbers from 1; 0 stands where n-grams end.

    Attributes:
        characters: The spellings of all token ids, one after the other, uint16
            `(num_characters,)`.
        splits: Where the spelling of each token id begins, and the end of the last one, int32
            `(vocabulary_size + 1,)`.
    """

    characters: NDArray[np.uint16]
    splits: NDArray[np.int32]


class CharacterWeights(NamedTuple):
    """Weights of a linear classifier of character n-grams.

    Attributes:
        spellings: The characters of each token.
        ngrams: Keys of the n-grams, with characters in the place of tokens, and their weights.
        longest: Length of the longest n-grams in characters.
    """

    spellings: Spellings
    ngrams: NgramWeights
    longest: int

    @property
    def sizes(self) -> CharacterSizes:
        """The sizes of the layer that these weights fit."""
        return CharacterSizes(len(self.ngrams.keys), self.longest, len(self.spellings.characters))


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class CharacterView(NgramView):
    """A linear classifier of character n-grams, read from token ids.

    The characters are those of the known tokens, so that every signature, which all have token ids,
    gives a text the same scores. An unknown token has no characters: no n-gram goes across it.

    Call arguments, returns:
        As in `NgramView`.

    Attributes:
        characters: See `Spellings`.
        splits: See `Spellings`.
    """

    def __init__(
        self, sizes: CharacterSizes, num_classes: int, vocabulary_size: int, **kwargs: Any
    ) -> None:
        """Initializes the layer; `vocabulary_size` is the number of token ids."""
        super().__init__(sizes.num_ngrams, num_classes, sizes.longest, **kwargs)
        self.sizes = sizes
        self.vocabulary_size = vocabulary_size

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights as zeros, for `load_characters` or saved weights to replace."""
        super().build(input_shape)
        for name, length, dtype in (
            # Of integers, several workers can exchange these alone when weights are created.
            ("characters", self.sizes.num_characters, "int32"),
            ("splits", self.vocabulary_size + 1, "int32"),
        ):
            weight = self.add_weight(name=name, shape=(length,), dtype=dtype, initializer="zeros")
            setattr(self, name, weight)

    def load_characters(self, weights: CharacterWeights) -> None:
        """Assigns the weights of the linear classifier and the spellings of the tokens."""
        self.load_ngrams(weights.ngrams)
        self.characters.assign(weights.spellings.characters.astype(np.int32))
        self.splits.assign(weights.spellings.splits)

    def units(self, token_ids: Any) -> Any:
        """Spells token ids: int `(batch, time)` to int32 `(batch, characters)`."""
        characters, ends = self._spelled(token_ids)
        batch, time = tf.unstack(tf.shape(token_ids))
        rows = tf.RaggedTensor.from_row_splits(
            characters, tf.gather(ends, tf.range(batch + 1) * time), validate=False
        )
        return rows.to_tensor()

    def token_of_units(self, token_ids: Any) -> Any:
        """Returns the place in the text of each character's token, int32 `(characters,)`."""
        _, ends = self._spelled(token_ids[tf.newaxis])
        return tf.repeat(tf.range(tf.shape(token_ids)[0]), ends[1:] - ends[:-1])

    def _spelled(self, token_ids: Any) -> tuple[Any, Any]:
        """Returns the characters of all tokens, and where each token's begin and end."""
        found = tf.raw_ops.RaggedGather(
            params_nested_splits=[self.splits.value],
            params_dense_values=self.characters.value,
            indices=tf.reshape(token_ids, [-1]),
            OUTPUT_RAGGED_RANK=1,
        )
        return found.output_dense_values, found.output_nested_splits[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        config = super().get_config()
        del config["num_ngrams"], config["longest"]
        return {**config, "sizes": list(self.sizes), "vocabulary_size": self.vocabulary_size}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "CharacterView":
        """Makes a layer from the result of `get_config`."""
        return cls(**{**config, "sizes": CharacterSizes(*config["sizes"])})
