"""Raw text to token ids, by the same ops in Python, in `tf.data` and in a SavedModel.

Every tokenizer first normalizes, then segments, then looks tokens up:

    text -> normalize: one spelling for what counts as the same, single spaces
         -> segment:   tokens
         -> look up:   ids; `OOV_ID` for a token that the vocabulary lacks

An empty text, and one of whitespace only, is `[OOV_ID]`. The vocabulary's tokens are normalized in
the same way before they are matched: word vectors with a full-width comma know the half-width one.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.sentencepiece_model import Pieces, SentencePieceModel
from lstm_sentiment.text.tokenizer_base import Tokenizer
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
    """Segments text written without spaces into the most probable tokens.

    A Viterbi search over all ways to cut the text (the unigram language model of Kudo 2018,
    https://arxiv.org/abs/1804.10959), run by tensorflow-text's SentencePiece op, which stock
    TensorFlow Serving has too. Whitespace always cuts.

    A token is as probable as its rank in the vocabulary says, by Zipf's law; or as its count says,
    where `word_counts` are given, for example those of jieba's dictionary (`load_word_counts`).
    Words that have a count and are not in the vocabulary are cut out whole too, and are unknown.

    Attributes:
        unknown: `run`: a run of characters that no token covers is one OOV; `character`: each of
            them is.
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
        """Writes the vocabulary as a SentencePiece model.

        Args:
            vocabulary: The known tokens, the most frequent first.
            normalization: Which spellings count as one.
            unknown: How many OOV an unknown run becomes: `run` or `character`.
            word_counts: How often each word occurs in some corpus; a token without a count is
                taken to occur once. `None` takes the rank in the vocabulary.

        Raises:
            InvalidInputError: If a choice is unknown or a count is not positive.
        """
        super().__init__(vocabulary, normalization=normalization)
        self.unknown = check_unknown(unknown)
        self._word_counts = None if word_counts is None else MappingProxyType(dict(word_counts))
        self._sentencepiece = SentencePieceModel(self._pieces())

    def options(self) -> dict[str, Any]:
        """What was chosen besides the vocabulary, as `make_tokenizer` takes it."""
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
        """Turns raw texts into token ids.

        Args:
            texts: string `(batch,)`, UTF-8; malformed bytes count as U+FFFD.

        Returns:
            Ragged int32 `(batch, None)`, at least one id a text.
        """
        words = tf.strings.split(self.normalize(texts))
        if self.unknown == "run":
            ids = self._sentencepiece.ids(words.values)
        else:
            ids = self._sentencepiece.spans(words.values, split_unknown=True).ids
        return self._at_least_oov(words.with_values(ids).merge_dims(1, 2))

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Cuts normalized texts into tokens: string `(batch,)` to ragged string `(batch, None)`."""
        words = tf.strings.split(texts)
        spans = self._sentencepiece.spans(words.values, split_unknown=self.unknown == "character")
        return words.with_values(spans.pieces).merge_dims(1, 2)


class WhitespaceTokenizer(Tokenizer):
    """Splits at spaces, lower-cases, and makes each punctuation mark and symbol its own token.

    An apostrophe between letters begins a new token, as in GloVe's vocabulary: `it's` is
    `it`, `'s`. An emoji stays whole, with its skin tone, its variation and what it is joined to.
    """

    kind = "whitespace"
    joiner = " "

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """As every tokenizer, and to lower case; string `(batch,)` to `(batch,)`."""
        return tf.strings.lower(super().normalize(texts), encoding="utf-8")

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Cuts normalized texts into tokens: string `(batch,)` to ragged string `(batch, None)`."""
        texts = tf.strings.regex_replace(texts, r"(\p{L})['’](\p{L})", r"\1 '\2")
        texts = tf.strings.regex_replace(texts, f"({_SYMBOL})", r" \1 ")
        return tf.strings.split(texts)


# A sign with its modifiers: combining marks, variation selectors, skin tones.
_SIGN = r"[^\p{L}\p{M}\p{N}\s'\x{200D}][\p{M}\x{1F3FB}-\x{1F3FF}]*"
# A flag is two letters; ZERO WIDTH JOINER makes one emoji of several.
_SYMBOL = rf"[\x{{1F1E6}}-\x{{1F1FF}}]{{2}}|{_SIGN}(?:\x{{200D}}{_SIGN})*"


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


def make_tokenizer(
    kind: str,
    vocabulary: Vocabulary,
    *,
    normalization: str = DEFAULT_NORMALIZATION,
    unknown: str = DEFAULT_UNKNOWN,
    word_counts: Mapping[str, float] | None = None,
) -> Tokenizer:
    """Makes the tokenizer that `kind` names.

    Args:
        kind: `unigram`, `whitespace` or `characters`.
        vocabulary: The known tokens.
        normalization: Which spellings count as one: see `normalize_texts`.
        unknown: For `unigram` alone: see `UnigramTokenizer`.
        word_counts: For `unigram` alone: see `UnigramTokenizer`.

    Returns:
        The tokenizer.

    Raises:
        InvalidInputError: If a choice is unknown, or an option of `unigram` is given to another.
    """
    if check_kind(kind) == "unigram":
        return UnigramTokenizer(
            vocabulary, normalization=normalization, unknown=unknown, word_counts=word_counts
        )
    if unknown != DEFAULT_UNKNOWN or word_counts is not None:
        raise InvalidInputError(
            "`unknown` and `word_counts` go with the `unigram` tokenizer: the others know where a "
            f"token ends. Received: tokenizer={kind!r}."
        )
    return _TOKENIZERS[check_kind(kind)](vocabulary, normalization=normalization)
