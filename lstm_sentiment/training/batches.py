"""Texts to batches of token ids, with little padding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.padding import length_buckets
from lstm_sentiment.text.tokenizer import Tokenizer

_TEXTS_AT_ONCE = 2_000
_BUCKETS = 8


def encode_texts(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    max_length: int | None = None,
    progress: Progress = SILENT,
) -> tf.RaggedTensor:
    """Tokenizes many texts once, before training.

    Args:
        tokenizer: What serves must be what trains.
        texts: Valid Unicode, as a `Corpus` holds it. Must not be empty.
        max_length: Keep at most so many tokens of each text; `None` keeps all.
        progress: Told how many texts are done.

    Returns:
        Ragged int32 `(len(texts), None)`, at least one id a text.
    """
    parts = []
    with progress.step("Tokenizing", len(texts)) as advance:
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = texts[start : start + _TEXTS_AT_ONCE]
            ids = tokenizer(tf.constant(part))
            parts.append(ids if max_length is None else ids[:, :max_length])
            advance(len(part))
    return tf.concat(parts, axis=0)


@dataclass(frozen=True)
class Batches:
    """A dataset and its size.

    Attributes:
        dataset: Yields `(token_ids, labels)`: int32 `(batch, time)` and int64 `(batch,)`.
        steps: Batches in one pass.
    """

    dataset: tf.data.Dataset
    steps: int


def make_batches(
    token_ids: tf.RaggedTensor,
    labels: Sequence[int],
    *,
    batch_size: int,
    shuffle_seed: int | None = None,
) -> Batches:
    """Batches texts of like length together, padded to the longest of their batch.

    Args:
        token_ids: Ragged int32 `(texts, None)`, at least one id a text.
        labels: Label ids, one a text.
        batch_size: Texts a batch; the last batch of each length bucket may be smaller.
        shuffle_seed: Shuffles anew in each epoch, in an order that the seed decides. `None`
            keeps the order within each bucket.

    Returns:
        The dataset and its number of steps.
    """
    lengths = token_ids.row_lengths().numpy()
    boundaries = length_buckets(lengths, _BUCKETS)
    bucket_of = np.searchsorted(boundaries, lengths, side="right")
    texts_in = np.bincount(bucket_of, minlength=len(boundaries) + 1)
    steps = int(np.ceil(texts_in / batch_size).sum())
    dataset = tf.data.Dataset.from_tensor_slices(
        (token_ids, tf.constant(list(labels), dtype=tf.int64))
    )
    if shuffle_seed is not None:
        dataset = dataset.shuffle(len(lengths), seed=shuffle_seed, reshuffle_each_iteration=True)
    dataset = dataset.map(_dense, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.bucket_by_sequence_length(
        _length, boundaries, [batch_size] * (len(boundaries) + 1)
    )
    options = tf.data.Options()
    # The data are in memory: there are no files to shard by.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    return Batches(dataset.with_options(options).prefetch(tf.data.AUTOTUNE), steps)


def _dense(token_ids: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    # A slice of a ragged tensor has a ragged type, which padded batches refuse.
    return tf.convert_to_tensor(token_ids), label


def _length(token_ids: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    return tf.shape(token_ids)[0]
