"""Tokenizers of versions, without TensorFlow: the same ids as the graph's, for every text."""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from lstm_sentiment.version_folder import OOV_ID, SENTENCEPIECE_MODEL

Ids = NDArray[np.int32]

_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True)
class TextStatistics:
    """Counts of texts: the outputs of the signature `text_statistics`, int32 `(batch,)` each.

    Attributes:
        num_characters: Unicode code points.
        num_tokens: Tokens; a text without any counts as one unknown token.
        num_truncated: Tokens beyond `max_length`, which the model does not read.
        num_oov: Unknown tokens among those read.
    """

    num_characters: Ids
    num_tokens: Ids
    num_truncated: Ids
    num_oov: Ids


class LightTokenizer(ABC):
    """Base class of tokenizers that need no TensorFlow.

    Texts are UTF-8; malformed bytes count as U+FFFD.
    """

    def __init__(self, normalization: str) -> None:
        """Keeps the name of the normalization: `none`, `width` or `nfkc`."""
        self._normalization = normalization

    @abstractmethod
    def encode(self, texts: Sequence[bytes]) -> list[Ids]:
        """Returns the token ids of raw texts, int32 `(tokens,)` each, at least one id a text."""

    @abstractmethod
    def encode_tokens(self, texts: Sequence[bytes]) -> list[Ids]:
        """Returns the ids of texts whose tokens are separated by spaces, at least one id a text."""

    @abstractmethod
    def tokenize(self, texts: Sequence[bytes]) -> list[list[str]]:
        """Returns the tokens of raw texts in their normalized spelling, known or not."""

    def statistics(self, texts: Sequence[bytes], max_length: int) -> TextStatistics:
        """Counts characters and tokens of raw texts.

        Args:
            texts: UTF-8.
            max_length: Number of tokens of a text that the model reads.
        """
        rows = self.encode(texts)
        num_tokens = np.array([len(row) for row in rows], np.int32)
        return TextStatistics(
            np.array([len(_decoded(text)) for text in texts], np.int32),
            num_tokens,
            np.maximum(num_tokens - max_length, 0),
            np.array([np.count_nonzero(row[:max_length] == OOV_ID) for row in rows], np.int32),
        )

    def _normalized(self, text: str) -> str:
        if self._normalization == "nfkc":
            text = unicodedata.normalize("NFKC", text)
        return _SPACE.sub(" ", text)


class LightUnigramTokenizer(LightTokenizer):
    """See `UnigramTokenizer`."""

    def __init__(self, normalization: str, model: bytes) -> None:
        """Loads a serialized SentencePiece `ModelProto`."""
        super().__init__(normalization)
        self._model = sentencepiece.SentencePieceProcessor(model_proto=model)

    def encode(self, texts: Sequence[bytes]) -> list[Ids]:
        """Returns the token ids of raw texts."""
        return [
            np.array(
                [
                    token_id
                    for ids in self._model.encode(self._words(text), num_threads=1)
                    for token_id in ids
                ]
                or [OOV_ID],
                np.int32,
            )
            for text in texts
        ]

    def encode_tokens(self, texts: Sequence[bytes]) -> list[Ids]:
        """Returns the ids of texts whose tokens are separated by spaces."""
        return [
            np.array(self._model.piece_to_id(self._words(text)) or [OOV_ID], np.int32)
            for text in texts
        ]

    def tokenize(self, texts: Sequence[bytes]) -> list[list[str]]:
        """Returns the tokens of raw texts."""
        return [
            [
                piece
                for word in self._words(text)
                for piece in self._model.encode(word, out_type=str)
            ]
            for text in texts
        ]

    def _words(self, text: bytes) -> list[str]:
        return self._normalized(_decoded(text)).split()


def load_tokenizer(folder: Path, options: Mapping[str, str], vocabulary: Path) -> LightTokenizer:
    """Loads the tokenizer of a version.

    Args:
        folder: The version's light twin, with the files of `export.light.write_tokenizer`.
        options: What `write_tokenizer` has returned.
        vocabulary: The version's `assets/vocabulary.txt`.
    """
    return LightUnigramTokenizer(
        options["normalization"], (folder / SENTENCEPIECE_MODEL).read_bytes()
    )


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")
