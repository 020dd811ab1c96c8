"""What every tokenizer is: normalize, segment, look up."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.normalization import normalize_texts
from lstm_sentiment.text.tokenizer_options import (
    DEFAULT_NORMALIZATION,
    TokenizerKind,
    check_normalization,
)
from lstm_sentiment.text.vocabulary import NUM_SPECIAL_IDS, Vocabulary
from lstm_sentiment.unicode import replace_surrogates
from lstm_sentiment.version_folder import OOV_ID, PAD_ID


class Tokenizer(tf.Module, ABC):
    """Base of the tokenizers: a callable of TensorFlow ops, with Python views of the same ops.

    Attributes:
        kind: The name that `--tokenizer` takes.
        joiner: What stands between two tokens when ids are turned back into text.
        vocabulary: The known tokens.
        normalization: `none`, `width` or `nfkc`: see `normalize_texts`.
    """

    kind: ClassVar[TokenizerKind]
    joiner: ClassVar[str]

    def __init__(
        self, vocabulary: Vocabulary, *, normalization: str = DEFAULT_NORMALIZATION
    ) -> None:
        """Puts the vocabulary into a lookup table.

        Args:
            vocabulary: The known tokens.
            normalization: Which spellings count as one. Of several tokens that become the same, the
                one that is already so spelled is used, or else the first.

        Raises:
            InvalidInputError: If `normalization` is none of the choices, or no token is left.
        """
        super().__init__()
        self.vocabulary = vocabulary
        self.normalization = check_normalization(normalization)
        # A plain dict would be wrapped, to be saved with the module.
        self._ids = MappingProxyType(self._ids_by_spelling())
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(self._ids)), tf.constant(list(self._ids.values()), tf.int64)
            ),
            default_value=OOV_ID,
        )
        self._graphs = _Graphs(self)

    def _ids_by_spelling(self) -> dict[str, int]:
        """The id that each normalized token has; tokens that are nothing but space have none."""
        ids: dict[str, int] = {}
        spellings = self.spellings(self.vocabulary.tokens)
        for position, (token, spelling) in enumerate(
            zip(self.vocabulary.tokens, spellings, strict=True), start=NUM_SPECIAL_IDS
        ):
            if spelling and (token == spelling or spelling not in ids):
                ids[spelling] = position
        if not ids:
            raise InvalidInputError(
                "A vocabulary must hold a token that is more than whitespace. Received: "
                f"{len(self.vocabulary.tokens)} tokens, none of them so."
            )
        return ids

    def spellings(self, tokens: Sequence[str]) -> list[str]:
        """Tokens as they stand in normalized texts."""
        normalized = self.normalize(tf.constant(tokens, tf.string)).numpy()
        return [token.decode().strip(" ") for token in normalized]

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Turns raw texts into token ids.

        Args:
            texts: string `(batch,)`, UTF-8; malformed bytes count as U+FFFD.

        Returns:
            Ragged int32 `(batch, None)`, at least one id a text.
        """
        return self._at_least_oov(self.look_up(self.segment(self.normalize(texts))))

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """Makes texts valid UTF-8 with single spaces; string `(batch,)` to `(batch,)`."""
        return normalize_texts(texts, self.normalization)

    @abstractmethod
    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Cuts normalized texts into tokens: string `(batch,)` to ragged string `(batch, None)`."""

    def look_up(self, tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        """Ids of tokens: ragged string `(batch, None)` to ragged int32 `(batch, None)`."""
        return tf.cast(self._table.lookup(tokens), tf.int32)

    def from_tokens(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Turns texts that are already segmented, tokens separated by spaces, into ids.

        Args:
            texts: string `(batch,)`, UTF-8.

        Returns:
            Ragged int32 `(batch, None)`, at least one id a text.
        """
        tokens = tf.strings.split(normalize_texts(texts, "none"))
        # After the split: a normalized token may hold a space, and is one token all the same.
        spellings = tf.strings.strip(self.normalize(tokens.values))
        return self._at_least_oov(self.look_up(tokens.with_values(spellings)))

    def tokenize(self, text: str) -> list[str]:
        """The tokens of one text; none for an empty one.

        A token that the vocabulary lacks is given as it stands in the normalized text.
        """
        tokens = self._graphs.tokenize(tf.constant([replace_surrogates(text)]))
        return [token.decode() for token in tokens.flat_values.numpy()]

    def encode(self, text: str) -> list[int]:
        """The token ids of one text, as the graph computes them."""
        token_ids = self._graphs.encode(tf.constant([replace_surrogates(text)]))
        ids: list[int] = token_ids.flat_values.numpy().tolist()
        return ids

    def decode(self, token_ids: Sequence[int]) -> str:
        """Joins the tokens of `token_ids` to a text; padding is left out.

        Raises:
            InvalidInputError: If no token has one of the ids.
        """
        kept = (self.vocabulary.id_to_token(i) for i in token_ids if i != PAD_ID)
        return self.joiner.join(kept)

    def options(self) -> dict[str, Any]:
        """What was chosen besides the vocabulary, as `make_tokenizer` and JSON take it."""
        return {"normalization": self.normalization}

    def with_vocabulary(self, vocabulary: Vocabulary) -> "Tokenizer":
        """The same kind of tokenizer, with the same options, for other tokens."""
        return type(self)(vocabulary, **self.options())

    def fingerprint(self) -> str:
        """A hash of all that decides the ids: equal for tokenizers that give equal ids."""
        options = json.dumps([self.kind, self.options()], sort_keys=True, ensure_ascii=True)
        content = "\n".join((options, *self.vocabulary.tokens))
        return hashlib.sha256(content.encode()).hexdigest()

    @staticmethod
    def _at_least_oov(token_ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """Gives `[OOV_ID]` to the texts that have no token."""
        empty = tf.cast(token_ids.row_lengths() == 0, tf.int64)
        filler = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.reduce_sum(empty)], tf.constant(OOV_ID, tf.int32)), empty
        )
        return tf.concat([token_ids, filler], axis=1)


class _Graphs:
    """The ops as graphs for the views from Python: called one by one they take ten times as long.

    Traced when first used. Not a trackable object, so that they are not saved with the tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @cached_property
    def encode(self) -> Callable[[tf.Tensor], tf.RaggedTensor]:
        return _traced(self._tokenizer)

    @cached_property
    def tokenize(self) -> Callable[[tf.Tensor], tf.RaggedTensor]:
        tokenizer = self._tokenizer
        return _traced(lambda texts: tokenizer.segment(tokenizer.normalize(texts)))


def _traced(
    function: Callable[[tf.Tensor], tf.RaggedTensor],
) -> Callable[[tf.Tensor], tf.RaggedTensor]:
    texts = [tf.TensorSpec([None], tf.string)]
    return tf.function(function, input_signature=texts).get_concrete_function()
