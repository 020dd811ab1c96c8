"""Tokenizers: raw text to token ids, by the same ops in Python, `tf.data` and SavedModels.

Every tokenizer first normalizes, then segments, then looks tokens up:

    text -> normalize: one spelling for equivalent characters, single spaces
         -> segment:   tokens
         -> look up:   ids; `OOV_ID` for a token that is not in the vocabulary

A text that is empty or all whitespace becomes `[OOV_ID]`. The vocabulary's tokens are normalized
too, so a half-width comma matches word vectors that have the full-width comma.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.sentencepiece_model import Pieces, SentencePieceModel
from lstm_sentiment.text.tokenizer_base import TableTokenizer, Tokenizer
from lstm_sentiment.text.tokenizer_options import (
    DEFAULT_NORMALIZATION,
    DEFAULT_UNKNOWN,
    TokenizerKind,
    check_kind,
    check_unknown,
)
from lstm_sentiment.text.vocabulary import Vocabulary

__all__ = [
    "CharacterTokenizer",
    "Tokenizer",
    "TokenizerKind",
    "UnigramTokenizer",
    "WhitespaceTokenizer",
    "check_kind",
    "make_tokenizer",
]


class UnigramTokenizer(Tokenizer):
    """Segments text written without spaces into the most probable sequence of tokens.

    The segmentation is the Viterbi path of a unigram language model (Kudo 2018,
    https://arxiv.org/abs/1804.10959), found by tensorflow-text's SentencePiece op, which stock
    TensorFlow Serving has too. No token crosses whitespace.

    The probability of a token follows from its rank in the vocabulary by Zipf's law, or from
    `word_counts`, such as those of jieba's dictionary (`load_word_counts`). Words that have a count
    but are not in the vocabulary are cut out whole as unknown tokens.

    Attributes:
        unknown: `run` makes one OOV of a run of characters that no token covers; `character` makes
            one OOV of each such character.
        sentencepiece: The SentencePiece model of the vocabulary.
    """

    kind = "unigram"
    joiner = ""

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        normalization: str = DEFAULT_NORMALIZATION,
        unknown: str = DEFAULT_UNKNOWN,
        word_counts: Mapping[str, float] | None = None,
    ) -> None:
        """Builds a SentencePiece model of the vocabulary.

        `word_counts` are the occurrences of words in some corpus, 1 for tokens without a count;
        `None` takes the rank in the vocabulary.

        Raises:
            InvalidInputError: If a choice is unknown or a count is not positive.
        """
        super().__init__(vocabulary, normalization=normalization)
        self.unknown = check_unknown(unknown)
        self._word_counts = None if word_counts is None else MappingProxyType(dict(word_counts))
        self.sentencepiece = SentencePieceModel.of_pieces(self._pieces())

    def options(self) -> dict[str, Any]:
        """Returns the arguments of `make_tokenizer` besides kind and vocabulary."""
        return {
            **super().options(),
            "unknown": self.unknown,
            "word_counts": None if self._word_counts is None else dict(self._word_counts),
        }

    def _pieces(self) -> Pieces:
        if self._word_counts is None:
            return Pieces.by_rank(self._ids, len(self.vocabulary))
        counts: dict[str, float] = {}
        spellings = self.spellings(list(self._word_counts))
        for spelling, count in zip(spellings, self._word_counts.values(), strict=True):
            counts[spelling] = counts.get(spelling, 0) + count
        counts.pop("", None)
        return Pieces.by_count(self._ids, len(self.vocabulary), counts)

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Computes token ids: string `(batch,)` to ragged int32 `(batch, None)`."""
        words = tf.strings.split(self.normalize(texts))
        if self.unknown == "run":
            ids = self.sentencepiece.ids(words.values)
        else:
            ids = self.sentencepiece.spans(words.values, split_unknown=True).ids
        return self._at_least_oov(words.with_values(ids).merge_dims(1, 2))

    def look_up(self, tokens: Any) -> Any:
        """Looks tokens up: string, ragged or not, to int32 of the same shape."""
        # The model holds all spellings: with a table, a version would hold them twice.
        return tf.ragged.map_flat_values(self.sentencepiece.look_up, tokens)

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits normalized texts: string `(batch,)` to ragged string `(batch, None)`."""
        words = tf.strings.split(texts)
        spans = self.sentencepiece.spans(words.values, split_unknown=self.unknown == "character")
        return words.with_values(spans.pieces).merge_dims(1, 2)


class WhitespaceTokenizer(TableTokenizer):
    """Splits lower-cased text at spaces and around each punctuation mark and symbol.

    An apostrophe between letters begins a new token, as in GloVe's vocabulary: `it's` is
    `it`, `'s`. An emoji stays whole, with skin tone, variation selector and joined emoji.
    """

    kind = "whitespace"
    joiner = " "

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """Normalizes and lower-cases texts: string `(batch,)` to `(batch,)`."""
        return tf.strings.lower(super().normalize(texts), encoding="utf-8")

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits normalized texts: string `(batch,)` to ragged string `(batch, None)`."""
        texts = tf.strings.regex_replace(texts, r"(\p{L})['’](\p{L})", r"\1 '\2")
        texts = tf.strings.regex_replace(texts, f"({_SYMBOL})", r" \1 ")
        return tf.strings.split(texts)


# A symbol with its modifiers: combining marks, variation selectors, skin tones.
_SIGN = r"[^\p{L}\p{M}\p{N}\s'\x{200D}][\p{M}\x{1F3FB}-\x{1F3FF}]*"
# A flag is two letters; ZERO WIDTH JOINER makes one emoji of several.
_SYMBOL = rf"[\x{{1F1E6}}-\x{{1F1FF}}]{{2}}|{_SIGN}(?:\x{{200D}}{_SIGN})*"


class CharacterTokenizer(TableTokenizer):
    """Makes a token of each character (Unicode code point) except whitespace."""

    kind = "characters"
    joiner = ""

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits normalized texts: string `(batch,)` to ragged string `(batch, None)`."""
        texts = tf.strings.regex_replace(texts, " ", "")
        return tf.strings.unicode_split(texts, "UTF-8", errors="replace")


_TOKENIZERS: dict[TokenizerKind, type[Tokenizer]] = {
    cls.kind: cls for cls in (UnigramTokenizer, WhitespaceTokenizer, CharacterTokenizer)
}


def make_tokenizer(
    kind: str,
    vocabulary: Vocabulary,
    *,
    normalization: str = DEFAULT_NORMALIZATION,
    unknown: str = DEFAULT_UNKNOWN,
    word_counts: Mapping[str, float] | None = None,
) -> Tokenizer:
    """Makes a tokenizer.

    Args:
        kind: `unigram`, `whitespace` or `characters`.
        vocabulary: The known tokens.
        normalization: `none`, `width` or `nfkc`: see `normalize_texts`.
        unknown: For `unigram` alone: see `UnigramTokenizer`.
        word_counts: For `unigram` alone: see `UnigramTokenizer`.

    Raises:
        InvalidInputError: If a choice is unknown, or an option of `unigram` is given to another.
    """
    if check_kind(kind) == "unigram":
        return UnigramTokenizer(
            vocabulary, normalization=normalization, unknown=unknown, word_counts=word_counts
        )
    if unknown != DEFAULT_UNKNOWN or word_counts is not None:
        raise InvalidInputError(
            "`unknown` and `word_counts` need the `unigram` tokenizer: the others know where a "
            f"token ends. Received: tokenizer={kind!r}."
        )
    return _TOKENIZERS[check_kind(kind)](vocabulary, normalization=normalization)
