"""A vocabulary as a SentencePiece unigram model, run by tensorflow-text's ops."""

import hashlib
import math
import struct

import tensorflow as tf
from sentencepiece import sentencepiece_model_pb2
from tensorflow_text.python.ops.sentencepiece_tokenizer import (
    gen_sentencepiece_tokenizer as sentencepiece_ops,
)

from lstm_sentiment.text.vocabulary import OOV_ID, PAD_ID, Vocabulary

# SentencePiece refuses a piece that stands twice, and no token holds a newline.
_PAD_PIECE = "\n[PAD]"
_OOV_PIECE = "\n[OOV]"


class SentencePieceModel(tf.saved_model.experimental.TrackableResource):
    """Segments strings into the most probable pieces; kept by TensorFlow, saved in a SavedModel.

    `tensorflow_text.SentencepieceTokenizer` runs the same ops, but its model belongs to one cached
    kernel: `tf.random.set_seed` and `keras.utils.set_random_seed` drop it, and each later call
    fails with "Resource does not exist" (https://github.com/tensorflow/text/issues/570). Here the
    model has a name made of its content, so it stays, and equal vocabularies share one.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Builds the model.

        Args:
            vocabulary: The pieces, the most frequent first; their ids are the vocabulary's.
        """
        super().__init__()
        self._serialized = serialize_unigram_model(vocabulary)

    def _create_resource(self) -> tf.Tensor:
        name = f"sentencepiece_{hashlib.sha256(self._serialized).hexdigest()}"
        return sentencepiece_ops.sentencepiece_op(model=self._serialized, shared_name=name)

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Ids of the pieces: string `(batch,)` to ragged int32 `(batch, None)`.

        A run of characters that no piece covers is one `OOV_ID`.
        """
        ids, splits = sentencepiece_ops.sentencepiece_tokenize_op(
            self.resource_handle, texts, *_NO_SAMPLING, tf.int32
        )
        return tf.RaggedTensor.from_row_splits(ids, splits, validate=False)

    def offsets(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Where the pieces begin and end, in bytes.

        Args:
            texts: string `(batch,)`.

        Returns:
            Starts and limits, each ragged int64 `(batch, None)`.
        """
        _, splits, starts, limits = sentencepiece_ops.sentencepiece_tokenize_with_offsets_op(
            self.resource_handle, texts, *_NO_SAMPLING, tf.int32
        )
        return (
            tf.RaggedTensor.from_row_splits(starts, splits, validate=False),
            tf.RaggedTensor.from_row_splits(limits, splits, validate=False),
        )


# nbest_size, alpha, add_bos, add_eos, reverse
_NO_SAMPLING = (0, 1.0, False, False, False)

# A table of character rewrites that holds none: without any table, SentencePiece logs a line to
# standard error whenever a model is loaded. It is the size of a double-array trie (Darts), its
# 256 units, of which only the root is one, and the empty string of rewrites.
_NO_REWRITES = struct.pack("<257I", 4 * 256, 0, *[1 << 31] * 255) + b"\0"


def serialize_unigram_model(vocabulary: Vocabulary) -> bytes:
    """Writes a vocabulary as a `ModelProto` of type UNIGRAM.

    Scores are log-probabilities by Zipf's law, `1 / (rank * harmonic number)`. Source:
    `sentencepiece_model.proto` of google/sentencepiece.

    Args:
        vocabulary: The pieces, the most frequent first.

    Returns:
        The serialized proto.
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
    log_harmonic = math.log(sum(1 / rank for rank in range(1, len(vocabulary.tokens) + 1)))
    for rank, token in enumerate(vocabulary.tokens, start=1):
        score = -math.log(rank) - log_harmonic
        model.pieces.append(piece(piece=token, score=score, type=piece.NORMAL))
    serialized: bytes = model.SerializeToString()
    return serialized
