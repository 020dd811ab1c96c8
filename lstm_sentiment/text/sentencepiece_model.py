"""A SentencePiece unigram model of given pieces, run by tensorflow-text's ops."""

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf
from sentencepiece import sentencepiece_model_pb2
from tensorflow_text.python.ops.sentencepiece_tokenizer import (
    gen_sentencepiece_tokenizer as sentencepiece_ops,
)

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.vocabulary import NUM_SPECIAL_IDS
from lstm_sentiment.version_folder import OOV_ID, PAD_ID

# SentencePiece refuses repeated pieces; no token holds a newline, so these names are unique.
_PAD_PIECE = "\n[PAD]"
_OOV_PIECE = "\n[OOV]"


@dataclass(frozen=True)
class Pieces:
    """The pieces of a unigram model.

    Attributes:
        scores: Log-probability of each piece, by spelling.
        ids: Token ids by spelling. A piece without a token id is an unknown word.
        vocabulary_size: Number of token ids, the two special ids included.
    """

    scores: Mapping[str, float]
    ids: Mapping[str, int]
    vocabulary_size: int

    @classmethod
    def by_rank(cls, ids: Mapping[str, int], vocabulary_size: int) -> "Pieces":
        """Makes pieces with Zipf's probabilities: `1 / (rank * harmonic number)`.

        The rank of a token is its position in the vocabulary, from id 2 on.
        """
        log_harmonic = math.log(sum(1 / rank for rank in range(1, len(ids) + 1)))
        scores = {
            spelling: -math.log(token_id - NUM_SPECIAL_IDS + 1) - log_harmonic
            for spelling, token_id in ids.items()
        }
        return cls(scores, ids, vocabulary_size)

    @classmethod
    def by_count(
        cls, ids: Mapping[str, int], vocabulary_size: int, counts: Mapping[str, float]
    ) -> "Pieces":
        """Makes pieces with probabilities proportional to `counts`, 1 for tokens without a count.

        Raises:
            InvalidInputError: If a count is not a positive number.
        """
        for spelling, count in counts.items():
            if not (count > 0 and math.isfinite(count)):
                raise InvalidInputError(
                    f"`word_counts` must be positive. Received: {count} for {spelling!r}."
                )
        counted = {**dict.fromkeys(ids, 1.0), **counts}
        log_total = math.log(sum(counted.values()))
        scores = {spelling: math.log(count) - log_total for spelling, count in counted.items()}
        return cls(scores, ids, vocabulary_size)


class Spans(NamedTuple):
    """The pieces of each text.

    Attributes:
        ids: Ragged int32 `(batch, None)`.
        pieces: Ragged string `(batch, None)`.
    """

    ids: tf.RaggedTensor
    pieces: tf.RaggedTensor


class SentencePieceModel(tf.saved_model.experimental.TrackableResource):
    """A SentencePiece model that is saved in a SavedModel and survives seeding.

    `tensorflow_text.SentencepieceTokenizer` runs the same ops, but its model belongs to one cached
    kernel: `tf.random.set_seed` and `keras.utils.set_random_seed` drop the kernel, and each later
    call fails with "Resource does not exist" (https://github.com/tensorflow/text/issues/570). Here
    the resource is named after its content, so it stays, and equal models share one resource.

    Attributes:
        serialized: The model as a serialized `ModelProto`.
    """

    def __init__(
        self, serialized: bytes, vocabulary_size: int, *, has_words_without_id: bool
    ) -> None:
        """Takes a serialized model: see `of_pieces` and `restored`."""
        super().__init__()
        self.serialized = serialized
        self._vocabulary_size = vocabulary_size
        self._has_words_without_id = has_words_without_id
        with tf.init_scope():
            # A SavedModel makes the resource in two places, but holds the function once.
            self._made = tf.function(self._make_resource, autograph=False).get_concrete_function()
            # Created now: at first use it could belong to a function's graph and end with it.
            _ = self.resource_handle

    @classmethod
    def of_pieces(cls, pieces: Pieces) -> "SentencePieceModel":
        """Builds the model of `pieces`."""
        return cls(
            serialize_unigram_model(pieces),
            pieces.vocabulary_size,
            has_words_without_id=len(pieces.scores) > len(pieces.ids),
        )

    @classmethod
    def restored(cls, serialized: bytes, vocabulary_size: int) -> "SentencePieceModel":
        """Takes the model that another instance has serialized.

        Raises:
            DecodeError: If it is damaged.
        """
        model = sentencepiece_model_pb2.ModelProto.FromString(serialized)
        return cls(
            serialized, vocabulary_size, has_words_without_id=len(model.pieces) > vocabulary_size
        )

    def _create_resource(self) -> tf.Tensor:
        with tf.device("CPU:0"):
            return self._made()

    def _make_resource(self) -> tf.Tensor:
        name = f"sentencepiece_{hashlib.sha256(self.serialized).hexdigest()}"
        return sentencepiece_ops.sentencepiece_op(model=self.serialized, shared_name=name)

    def look_up(self, pieces: tf.Tensor) -> tf.Tensor:
        """Returns the id of each piece, or `OOV_ID`: string to int32 of the same shape."""
        return self._or_oov(
            sentencepiece_ops.sentencepiece_string_to_id_op(self.resource_handle, pieces)
        )

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Computes the ids of the pieces: string `(batch,)` to ragged int32 `(batch, None)`.

        A run of characters that no piece covers is one `OOV_ID`, and so is a piece without an id.
        """
        ids, splits = sentencepiece_ops.sentencepiece_tokenize_op(
            self.resource_handle, texts, *_NO_SAMPLING, tf.int32
        )
        return tf.RaggedTensor.from_row_splits(self._or_oov(ids), splits, validate=False)

    def spans(self, texts: tf.Tensor, *, split_unknown: bool) -> Spans:
        """Computes ids and spellings of the pieces.

        Args:
            texts: string `(batch,)`.
            split_unknown: Makes a piece of each unknown character, instead of each unknown run.
        """
        ids, splits, starts, limits = sentencepiece_ops.sentencepiece_tokenize_with_offsets_op(
            self.resource_handle, texts, *_NO_SAMPLING, tf.int32
        )
        ids = self._or_oov(ids)
        sources = tf.gather(texts, _row_ids(splits))
        pieces = tf.strings.substr(sources, starts, limits - starts)
        if split_unknown:
            # A known piece counts as one character here, whatever its length.
            unknown = ids == OOV_ID
            characters = tf.strings.unicode_split(tf.where(unknown, pieces, "."), "UTF-8")
            owners = _row_ids(characters.row_splits)
            pieces = tf.where(
                tf.gather(unknown, owners), characters.values, tf.gather(pieces, owners)
            )
            ids = tf.gather(ids, owners)
            splits = tf.gather(characters.row_splits, splits)
        return Spans(
            tf.RaggedTensor.from_row_splits(ids, splits, validate=False),
            tf.RaggedTensor.from_row_splits(pieces, splits, validate=False),
        )

    def _or_oov(self, ids: tf.Tensor) -> tf.Tensor:
        if not self._has_words_without_id:
            return ids
        return tf.where(ids < self._vocabulary_size, ids, tf.constant(OOV_ID, tf.int32))


def _row_ids(splits: tf.Tensor) -> tf.Tensor:
    """Returns the row of each value.

    `RaggedTensor.value_rowids` would need as many bytes as rows times the longest row.
    """
    return tf.searchsorted(splits, tf.range(splits[-1]), side="right", out_type=tf.int64) - 1


# nbest_size, alpha, add_bos, add_eos, reverse
_NO_SAMPLING = (0, 1.0, False, False, False)

# An empty table of character rewrites: without a table, tensorflow-text logs a line to standard
# error for each model it loads. The bytes are the size of a double-array trie (Darts), its 256
# units, of which only the root is used, and the empty string of rewrites. SentencePiece 0.2.3
# refuses a root whose offset, from bit 10 on, is 0.
_NO_REWRITES = struct.pack("<257I", 4 * 256, 1 << 10, *[1 << 31] * 255) + b"\0"


def serialize_unigram_model(pieces: Pieces) -> bytes:
    """Serializes pieces as a `ModelProto` of type UNIGRAM.

    Token ids stay; pieces without a token id get numbers from `vocabulary_size` on.

    Source: `sentencepiece_model.proto` of google/sentencepiece.
    """
    model = sentencepiece_model_pb2.ModelProto()
    piece = model.SentencePiece
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.trainer_spec.pad_id, model.trainer_spec.pad_piece = PAD_ID, _PAD_PIECE
    model.trainer_spec.unk_id, model.trainer_spec.unk_piece = OOV_ID, _OOV_PIECE
    model.trainer_spec.bos_id = model.trainer_spec.eos_id = -1
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.precompiled_charsmap = _NO_REWRITES
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = False
    model.pieces.append(piece(piece=_PAD_PIECE, score=0.0, type=piece.CONTROL))
    model.pieces.append(piece(piece=_OOV_PIECE, score=0.0, type=piece.UNKNOWN))
    by_id = {token_id: spelling for spelling, token_id in pieces.ids.items()}
    for token_id in range(NUM_SPECIAL_IDS, pieces.vocabulary_size):
        spelling = by_id.get(token_id)
        if spelling is None:  # a token that no text can hold keeps its number
            model.pieces.append(piece(piece=f"\n{token_id}", score=0.0, type=piece.UNUSED))
        else:
            model.pieces.append(
                piece(piece=spelling, score=pieces.scores[spelling], type=piece.NORMAL)
            )
    for spelling, score in pieces.scores.items():
        if spelling not in pieces.ids:
            model.pieces.append(piece(piece=spelling, score=score, type=piece.NORMAL))
    serialized: bytes = model.SerializeToString()
    return serialized
