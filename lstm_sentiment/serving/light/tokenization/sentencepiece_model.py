"""A SentencePiece unigram model, run by the package `sentencepiece` as tensorflow-text runs it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sentencepiece

from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.light.tokenization.sentencepiece_loading import load_processor
from lstm_sentiment.version_folder import OOV_ID

# SentencePiece cuts a list of words in a new thread. Chinese texts are one word each.
_FEW_WORDS = 64
# Up to twenty milliseconds of work; batches of reviews have fewer.
_MOST_CHARACTERS = 32768


class SentencePieceModel:
    """Cuts words, texts without whitespace, into the most probable pieces."""

    def __init__(self, serialized: bytes, num_ids: int) -> None:
        """Loads a model.

        Args:
            serialized: A `ModelProto`.
            num_ids: Number of token ids. The pieces from this number on are words without an id.

        Raises:
            LightEngineRefusedError: If `sentencepiece` cannot read the model, or adds up scores
                otherwise than tensorflow-text.
        """
        if not _settles_near_ties_like_tensorflow_text():
            raise LightEngineRefusedError(
                "`sentencepiece` must be version 0.2.1, which settles near ties like "
                f"tensorflow-text. Received: version {sentencepiece.__version__}."
            )
        try:
            self._processor = load_processor(serialized)
        except RuntimeError as error:
            raise LightEngineRefusedError(
                f"The SentencePiece model must be readable. Received: {error}."
            ) from error
        self._num_ids = num_ids
        self._has_words_without_id = self._processor.get_piece_size() > num_ids

    def ids(self, words: Sequence[str]) -> list[list[int]]:
        """Returns the ids of the pieces of each word.

        A run of characters that no piece covers is one `OOV_ID`, and so is a piece without an id.
        """
        if len(words) <= _FEW_WORDS:
            rows = [self._processor.encode_as_ids(word) for word in words]
        else:
            rows = self._encoded(words, int)
        return [self._or_oov(row) for row in rows] if self._has_words_without_id else rows

    def pieces(self, words: Sequence[str]) -> list[list[str]]:
        """Returns the spellings of the pieces of each word."""
        return self._encoded(words, str)

    def _encoded(self, words: Sequence[str], out_type: type) -> list[list[Any]]:
        encode, rows = self._processor.encode, []
        for group in _groups(words):
            # More threads than one would compete with those of other requests.
            rows += encode(group, out_type=out_type, num_threads=1)
        return rows

    def look_up(self, pieces: Iterable[str]) -> list[int]:
        """Returns the id of each piece, or `OOV_ID`."""
        return self._or_oov(map(self._processor.PieceToId, pieces))

    def _or_oov(self, ids: Iterable[int]) -> list[int]:
        return [token_id if token_id < self._num_ids else OOV_ID for token_id in ids]


def _groups(words: Sequence[str]) -> Iterator[list[str]]:
    """Groups words so that the event loop need not wait: no thread runs while one is encoded."""
    group: list[str] = []
    characters = 0
    for word in words:
        group.append(word)
        characters += len(word)
        if characters >= _MOST_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


# A `ModelProto` (sentencepiece_model.proto).
_MODEL_WITH_TIES = bytes.fromhex(
    "0a0a 0a013f 1500000000 1802"  # the unknown piece
    "0a08 0a0161 15e84ea6bf"  # `a`, score -1.299283
    "0a09 0a026161 152f35dabf"  # `aa`, score -1.704748
    "1a06 1800 2000 2800"  # a normalizer that leaves spaces as they are
)


def _settles_near_ties_like_tensorflow_text() -> bool:
    """Checks which of two segmentations with the same probability wins.

    SentencePiece 0.1.96 to 0.2.1, and so tensorflow-text, compare the new score, a double, with
    the stored one, a float; later versions compare floats.
    """
    processor = sentencepiece.SentencePieceProcessor(model_proto=_MODEL_WITH_TIES)
    return processor.encode("aaa", out_type=str) == ["aa", "a"]
