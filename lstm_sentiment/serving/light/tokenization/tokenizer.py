"""Tokenizers of versions, without TensorFlow: the same ids as in the graph, for every text."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.light_twin.description import SENTENCEPIECE_MODEL, UNICODE_TABLES
from lstm_sentiment.light_twin.unicode_tables import UnicodeTables
from lstm_sentiment.serving.light.text_counts import text_counts
from lstm_sentiment.serving.light.tokenization.normalization import Normalizer
from lstm_sentiment.serving.light.tokenization.sentencepiece_model import SentencePieceModel
from lstm_sentiment.serving.light.tokenization.words import WordPattern
from lstm_sentiment.serving.thread_priority import rest
from lstm_sentiment.version_folder import OOV_ID

Ids = NDArray[np.int32]

_FIRST_ID = 2
"""The id of the vocabulary's first token; 0 is padding, 1 is unknown."""


class LightTokenizer(ABC):
    """Base class of tokenizers that need no TensorFlow: see `lstm_sentiment.text.tokenizer`.

    Texts are UTF-8; malformed bytes count as U+FFFD. Threads may share a tokenizer.
    """

    def __init__(self, normalizer: Normalizer) -> None:
        """Keeps the normalizer of texts and tokens."""
        self._normalizer = normalizer

    @abstractmethod
    def encode(self, texts: Sequence[bytes]) -> list[Ids]:
        """Returns the token ids of raw texts, int32 `(tokens,)` each, at least one id a text."""

    @abstractmethod
    def tokenize(self, texts: Sequence[bytes]) -> list[list[str]]:
        """Returns the tokens of raw texts in their normalized spelling, known or not."""

    @abstractmethod
    def look_up(self, tokens: Iterable[str]) -> list[int]:
        """Returns the ids of tokens in their normalized spelling."""

    def encode_tokens(self, texts: Sequence[bytes]) -> list[Ids]:
        """Returns the ids of texts whose tokens are separated by spaces, at least one id a text."""
        # Normalized after the split: a token whose normalized form holds a space stays one token.
        rows = [self._normalizer.split(_decoded(text)) for text in texts]
        return [_ids(self.look_up(self._normalizer.spellings(row)) if row else []) for row in rows]

    def statistics(self, texts: Sequence[bytes], max_length: int) -> dict[str, Ids]:
        """Computes the outputs of the signature `text_statistics`.

        Args:
            texts: Raw texts.
            max_length: Number of tokens of a text that the model reads.

        Returns:
            `num_characters`, `num_tokens`, `num_truncated` and `num_oov`, int32 `(batch,)` each.
        """
        return text_counts(texts, self.encode(texts), max_length)


class LightUnigramTokenizer(LightTokenizer):
    """See `UnigramTokenizer`."""

    def __init__(self, normalizer: Normalizer, model: SentencePieceModel, unknown: str) -> None:
        """Creates the tokenizer.

        Args:
            normalizer: Normalizes texts and tokens.
            model: The pieces.
            unknown: `run` or `character`.
        """
        super().__init__(normalizer)
        self._model = model
        self._splits_unknown = unknown == "character"

    def encode(self, texts: Sequence[bytes]) -> list[Ids]:
        """Returns the token ids of raw texts, int32 `(tokens,)` each, at least one id a text."""
        rows = [self._normalizer.words(_decoded(text)) for text in texts]
        words = list(chain.from_iterable(rows))
        ids = self._model.ids(words)
        if self._splits_unknown:
            ids = [
                self._ids_of_characters(word, of_word) if OOV_ID in of_word else of_word
                for word, of_word in zip(words, ids, strict=True)
            ]
        of_words = iter(ids)
        return [_ids(list(chain.from_iterable(islice(of_words, len(row))))) for row in rows]

    def tokenize(self, texts: Sequence[bytes]) -> list[list[str]]:
        """Returns the tokens of raw texts in their normalized spelling, known or not."""
        return [
            [token for word in self._normalizer.words(_decoded(text)) for token in self._cut(word)]
            for text in texts
        ]

    def look_up(self, tokens: Iterable[str]) -> list[int]:
        """Returns the ids of tokens in their normalized spelling."""
        return self._model.look_up(tokens)

    def _cut(self, word: str) -> Iterable[str]:
        (pieces,) = self._model.pieces([word])
        if not self._splits_unknown:
            return pieces
        (ids,) = self._model.ids([word])
        return chain.from_iterable(
            piece if token_id == OOV_ID else [piece]
            for piece, token_id in zip(pieces, ids, strict=True)
        )

    def _ids_of_characters(self, word: str, ids: list[int]) -> list[int]:
        """Repeats each unknown id for each of its characters."""
        (pieces,) = self._model.pieces([word])
        return [
            repeated
            for piece, token_id in zip(pieces, ids, strict=True)
            for repeated in repeat(token_id, len(piece) if token_id == OOV_ID else 1)
        ]


class _LookupTokenizer(LightTokenizer):
    """Base class of tokenizers that cut first and look up then."""

    def __init__(self, normalizer: Normalizer, vocabulary: Sequence[str]) -> None:
        """Numbers the normalized spellings of the vocabulary's tokens.

        Of tokens with the same normalized spelling, the token that already has this spelling is
        used, or else the first.
        """
        super().__init__(normalizer)
        self._id_of: dict[str, int] = {}
        for token_id, (token, spelling) in enumerate(
            zip(vocabulary, normalizer.spellings(vocabulary), strict=True), start=_FIRST_ID
        ):
            if spelling and (token == spelling or spelling not in self._id_of):
                self._id_of[spelling] = token_id

    @abstractmethod
    def segment(self, text: str) -> list[str]:
        """Splits a normalized text."""

    def encode(self, texts: Sequence[bytes]) -> list[Ids]:
        """Returns the token ids of raw texts, int32 `(tokens,)` each, at least one id a text."""
        return [_ids(self.look_up(tokens)) for tokens in self.tokenize(texts)]

    def tokenize(self, texts: Sequence[bytes]) -> list[list[str]]:
        """Returns the tokens of raw texts in their normalized spelling, known or not."""
        return [self.segment(self._normalizer(_decoded(text))) for text in texts]

    def look_up(self, tokens: Iterable[str]) -> list[int]:
        """Returns the ids of tokens in their normalized spelling."""
        return list(map(self._id_of.get, tokens, repeat(OOV_ID)))


class LightWhitespaceTokenizer(_LookupTokenizer):
    """See `WhitespaceTokenizer`."""

    def __init__(
        self, normalizer: Normalizer, vocabulary: Sequence[str], pattern: WordPattern
    ) -> None:
        """Creates the tokenizer.

        Args:
            normalizer: Normalizes texts and tokens, and converts them to lower case.
            vocabulary: The known tokens.
            pattern: Splits normalized texts.
        """
        super().__init__(normalizer, vocabulary)
        self._pattern = pattern

    def segment(self, text: str) -> list[str]:
        """Splits a normalized text at spaces and around punctuation marks and symbols."""
        return self._pattern.split(text)


class LightCharacterTokenizer(_LookupTokenizer):
    """See `CharacterTokenizer`."""

    def segment(self, text: str) -> list[str]:
        """Splits a normalized text into its characters except spaces."""
        return list(text.replace(" ", ""))


def load_tokenizer(folder: Path, options: Mapping[str, str], vocabulary: Path) -> LightTokenizer:
    """Loads the tokenizer of a version.

    Args:
        folder: The version's light twin, with the files of `export.light.write_tokenizer`.
        options: What `write_tokenizer` has returned.
        vocabulary: The version's `assets/vocabulary.txt`.

    Raises:
        InvalidInputError: If a file cannot be read or holds something else.
        LightEngineRefusedError: If this Python or `sentencepiece` cannot give the graph's ids.
    """
    kind = options["kind"]
    tokens = _read_vocabulary(vocabulary)
    rest()
    tables = UnicodeTables.load(folder / UNICODE_TABLES)
    rest()
    normalizer = Normalizer(options["normalization"], tables, lowercase=kind == "whitespace")
    rest()
    if kind == "unigram":
        model = SentencePieceModel(
            (folder / SENTENCEPIECE_MODEL).read_bytes(), len(tokens) + _FIRST_ID
        )
        return LightUnigramTokenizer(normalizer, model, options["unknown"])
    if kind == "whitespace":
        return LightWhitespaceTokenizer(normalizer, tokens, WordPattern(tables))
    return LightCharacterTokenizer(normalizer, tokens)


def _read_vocabulary(path: Path) -> list[str]:
    """Reads one token a line."""
    lines = path.read_bytes().decode().split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _ids(token_ids: list[int]) -> Ids:
    at_least_one = token_ids or [OOV_ID]
    return np.fromiter(at_least_one, np.int32, len(at_least_one))
