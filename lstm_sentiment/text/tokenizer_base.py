"""The base class of tokenizers: normalize, segment, look up."""

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
    """Base class of tokenizers: a callable of TensorFlow ops, with Python methods on the same ops.

    Attributes:
        kind: Name of the tokenizer on the command line (`--tokenizer`).
        joiner: String between two tokens in `decode`.
        vocabulary: The known tokens.
        normalization: `none`, `width` or `nfkc`: see `normalize_texts`.
    """

    kind: ClassVar[TokenizerKind]
    joiner: ClassVar[str]

    def __init__(
        self, vocabulary: Vocabulary, *, normalization: str = DEFAULT_NORMALIZATION
    ) -> None:
        """Normalizes the vocabulary.

        Of tokens with the same normalized spelling, the token that already has this spelling is
        used, or else the first.

        Raises:
            InvalidInputError: If `normalization` is unknown, or all tokens are whitespace.
        """
        super().__init__()
        self.vocabulary = vocabulary
        self.normalization = check_normalization(normalization)
        # `tf.Module` would wrap a plain dict, to save it with the module.
        self._ids = MappingProxyType(self._ids_by_spelling())
        self._graphs = _Graphs(self)

    def _ids_by_spelling(self) -> dict[str, int]:
        """Returns token ids by normalized spelling, without tokens that are all whitespace."""
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
        """Returns the normalized spellings of tokens."""
        normalized = self.normalize(tf.constant(tokens, tf.string)).numpy()
        return [token.decode().strip(" ") for token in normalized]

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Computes the token ids of raw texts.

        Args:
            texts: string `(batch,)`, UTF-8; malformed bytes count as U+FFFD.

        Returns:
            Ragged int32 `(batch, None)`, at least one id a text.
        """
        return self._at_least_oov(self.look_up(self.segment(self.normalize(texts))))

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """Normalizes texts: string `(batch,)` to `(batch,)`."""
        return normalize_texts(texts, self.normalization)

    @abstractmethod
    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits normalized texts: string `(batch,)` to ragged string `(batch, None)`."""

    @abstractmethod
    def look_up(self, tokens: Any) -> Any:
        """Looks tokens up: string, ragged or not, to int32 of the same shape."""

    def from_tokens(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Computes the ids of segmented texts, whose tokens are separated by spaces.

        Args:
            texts: string `(batch,)`, UTF-8.

        Returns:
            Ragged int32 `(batch, None)`, at least one id a text.
        """
        tokens = tf.strings.split(normalize_texts(texts, "none"))
        # Normalized after the split: a token whose normalized form holds a space stays one token.
        spellings = tf.strings.strip(self.normalize(tokens.values))
        return self._at_least_oov(self.look_up(tokens.with_values(spellings)))

    def tokenize(self, text: str) -> list[str]:
        """Returns the tokens of one text in their normalized spelling, known or not."""
        tokens = self._graphs.tokenize(tf.constant([replace_surrogates(text)]))
        return [token.decode() for token in tokens.flat_values.numpy()]

    def encode(self, text: str) -> list[int]:
        """Returns the token ids of one text."""
        token_ids = self._graphs.encode(tf.constant([replace_surrogates(text)]))
        ids: list[int] = token_ids.flat_values.numpy().tolist()
        return ids

    def decode(self, token_ids: Sequence[int]) -> str:
        """Joins the tokens of `token_ids`, padding removed, to a text.

        Raises:
            InvalidInputError: If an id is beyond the vocabulary.
        """
        kept = (self.vocabulary.id_to_token(i) for i in token_ids if i != PAD_ID)
        return self.joiner.join(kept)

    def options(self) -> dict[str, Any]:
        """Returns the arguments of `make_tokenizer` besides kind and vocabulary, ready for JSON."""
        return {"normalization": self.normalization}

    def with_vocabulary(self, vocabulary: Vocabulary) -> "Tokenizer":
        """Makes a tokenizer of the same kind and options with another vocabulary."""
        return type(self)(vocabulary, **self.options())

    def fingerprint(self) -> str:
        """Returns a SHA-256 of kind, options and vocabulary, which together determine the ids."""
        options = json.dumps([self.kind, self.options()], sort_keys=True, ensure_ascii=True)
        content = "\n".join((options, *self.vocabulary.tokens))
        return hashlib.sha256(content.encode()).hexdigest()

    @staticmethod
    def _at_least_oov(token_ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """Replaces empty rows by `[OOV_ID]`."""
        empty = tf.cast(token_ids.row_lengths() == 0, tf.int64)
        filler = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.reduce_sum(empty)], tf.constant(OOV_ID, tf.int32)), empty
        )
        return tf.concat([token_ids, filler], axis=1)


class TableTokenizer(Tokenizer):
    """Base class of tokenizers that look tokens up in a table of their own."""

    def __init__(
        self, vocabulary: Vocabulary, *, normalization: str = DEFAULT_NORMALIZATION
    ) -> None:
        """Puts the normalized vocabulary into a lookup table; see `Tokenizer`."""
        super().__init__(vocabulary, normalization=normalization)
        by_id = {token_id: spelling for spelling, token_id in self._ids.items()}
        spellings = [by_id.get(i, "") for i in range(NUM_SPECIAL_IDS, len(vocabulary))]
        self._table = tf.lookup.StaticHashTable(_Numbered(spellings), default_value=OOV_ID)

    def look_up(self, tokens: Any) -> Any:
        """Looks tokens up: string, ragged or not, to int32 of the same shape."""
        return tf.cast(self._table.lookup(tokens), tf.int32)


class _Numbered(tf.lookup.KeyValueTensorInitializer):
    """Numbers spellings by their places, from `NUM_SPECIAL_IDS` on; empty ones are left out.

    A SavedModel holds the spellings alone: the ids are computed when it is loaded.
    """

    def __init__(self, spellings: Sequence[str]) -> None:
        self._spellings = tf.constant(spellings)
        super().__init__(self._spellings, tf.range(len(spellings), dtype=tf.int64))

    def initialize(self, table: Any) -> Any:
        places = tf.where(self._spellings != "")[:, 0]
        return tf.raw_ops.LookupTableImportV2(
            table_handle=table.resource_handle,
            keys=tf.gather(self._spellings, places),
            values=places + NUM_SPECIAL_IDS,
        )


class _Graphs:
    """Traced graphs for the Python methods: op by op, a call takes ten times as long.

    The graphs are traced at first use. The class is not trackable, so they are not saved with the
    tokenizer.
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
