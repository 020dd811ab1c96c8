"""Raw text to token ids, by the same ops in Python, in `tf.data` and in a SavedModel.

Every tokenizer first normalizes, then segments, then looks tokens up:

    text -> normalize: valid UTF-8, runs of whitespace and control characters to one space
         -> segment:   tokens
         -> look up:   ids; `OOV_ID` for a token that the vocabulary lacks

An empty text, and one of whitespace only, is `[OOV_ID]`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.sentencepiece_model import SentencePieceModel
from lstm_sentiment.text.unicode import replace_surrogates
from lstm_sentiment.text.vocabulary import NUM_SPECIAL_IDS, OOV_ID, PAD_ID, Vocabulary

TokenizerKind = Literal["unigram", "whitespace", "characters"]


class Tokenizer(tf.Module, ABC):
    """Base of the tokenizers: a callable of TensorFlow ops, with Python views of the same ops.

    Attributes:
        kind: The name that `--tokenizer` takes.
        joiner: What stands between two tokens when ids are turned back into text.
        vocabulary: The known tokens.
    """

    kind: ClassVar[TokenizerKind]
    joiner: ClassVar[str]

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Puts the vocabulary into a lookup table.

        Args:
            vocabulary: The known tokens.
        """
        super().__init__()
        self.vocabulary = vocabulary
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(vocabulary.tokens),
                tf.range(NUM_SPECIAL_IDS, len(vocabulary), dtype=tf.int64),
            ),
            default_value=OOV_ID,
        )

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
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        return tf.strings.regex_replace(texts, r"[\s\p{Z}\p{Cc}]+", " ")

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
        return self._at_least_oov(self.look_up(tf.strings.split(self.normalize(texts))))

    def tokenize(self, text: str) -> list[str]:
        """The tokens of one text; none for an empty one.

        A token that the vocabulary lacks is given as it stands in the text.
        """
        tokens = self.segment(self.normalize(tf.constant([replace_surrogates(text)])))
        return [token.decode() for token in tokens[0].numpy()]

    def encode(self, text: str) -> list[int]:
        """The token ids of one text, as the graph computes them."""
        ids: list[int] = self(tf.constant([replace_surrogates(text)]))[0].numpy().tolist()
        return ids

    def decode(self, token_ids: Sequence[int]) -> str:
        """Joins the tokens of `token_ids` to a text; padding is left out.

        Raises:
            InvalidInputError: If no token has one of the ids.
        """
        kept = (self.vocabulary.id_to_token(i) for i in token_ids if i != PAD_ID)
        return self.joiner.join(kept)

    @staticmethod
    def _at_least_oov(token_ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """Gives `[OOV_ID]` to the texts that have no token."""
        empty = tf.cast(token_ids.row_lengths() == 0, tf.int64)
        filler = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.reduce_sum(empty)], tf.constant(OOV_ID, tf.int32)), empty
        )
        return tf.concat([token_ids, filler], axis=1)


class UnigramTokenizer(Tokenizer):
    """Segments text written without spaces into the most probable tokens of the vocabulary.

    A Viterbi search over all ways to cut the text (the unigram language model of Kudo 2018,
    https://arxiv.org/abs/1804.10959), run by tensorflow-text's SentencePiece op, which stock
    TensorFlow Serving has too. A token's probability falls with its rank in the vocabulary by
    Zipf's law. A run of characters that no token covers is one OOV. Whitespace always cuts.
    """

    kind = "unigram"
    joiner = ""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Writes the vocabulary as a SentencePiece model.

        Args:
            vocabulary: The known tokens, the most frequent first.
        """
        super().__init__(vocabulary)
        self._sentencepiece = SentencePieceModel(vocabulary)

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Turns raw texts into token ids.

        Args:
            texts: string `(batch,)`, UTF-8; malformed bytes count as U+FFFD.

        Returns:
            Ragged int32 `(batch, None)`, at least one id a text.
        """
        words = tf.strings.split(self.normalize(texts))
        ids = self._sentencepiece.ids(words.values)
        return self._at_least_oov(words.with_values(ids).merge_dims(1, 2))

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Cuts normalized texts into tokens: string `(batch,)` to ragged string `(batch, None)`."""
        words = tf.strings.split(texts)
        starts, limits = self._sentencepiece.offsets(words.values)
        sources = tf.gather(words.values, starts.value_rowids())
        pieces = tf.strings.substr(sources, starts.values, limits.values - starts.values)
        return words.with_values(starts.with_values(pieces)).merge_dims(1, 2)


class WhitespaceTokenizer(Tokenizer):
    """Splits at spaces, lower-cases, and makes each punctuation mark and symbol its own token.

    An apostrophe between letters begins a new token, as in GloVe's vocabulary: `it's` is
    `it`, `'s`.
    """

    kind = "whitespace"
    joiner = " "

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """As every tokenizer, and to lower case; string `(batch,)` to `(batch,)`."""
        return tf.strings.lower(super().normalize(texts), encoding="utf-8")

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Cuts normalized texts into tokens: string `(batch,)` to ragged string `(batch, None)`."""
        texts = tf.strings.regex_replace(texts, r"(\p{L})['’](\p{L})", r"\1 '\2")
        texts = tf.strings.regex_replace(texts, r"([^\p{L}\p{M}\p{N}\s'])", r" \1 ")
        return tf.strings.split(texts)


class CharacterTokenizer(Tokenizer):
    """Every character (Unicode code point) but whitespace is a token."""

    kind = "characters"
    joiner = ""

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Cuts normalized texts into tokens: string `(batch,)` to ragged string `(batch, None)`."""
        texts = tf.strings.regex_replace(texts, " ", "")
        return tf.strings.unicode_split(texts, "UTF-8", errors="replace")


_TOKENIZERS: dict[TokenizerKind, type[Tokenizer]] = {
    cls.kind: cls for cls in (UnigramTokenizer, WhitespaceTokenizer, CharacterTokenizer)
}


def make_tokenizer(kind: str, vocabulary: Vocabulary) -> Tokenizer:
    """Makes the tokenizer that `kind` names.

    Args:
        kind: `unigram`, `whitespace` or `characters`.
        vocabulary: The known tokens.

    Returns:
        The tokenizer.

    Raises:
        InvalidInputError: If `kind` is none of the choices.
    """
    return _TOKENIZERS[check_kind(kind)](vocabulary)


def check_kind(kind: str) -> TokenizerKind:
    """Checks the name of a tokenizer.

    Raises:
        InvalidInputError: If `kind` is none of the choices.
    """
    for name in _TOKENIZERS:
        if name == kind:
            return name
    raise InvalidInputError(
        f"`tokenizer` must be one of: {', '.join(get_args(TokenizerKind))}. Received: {kind!r}."
    )
