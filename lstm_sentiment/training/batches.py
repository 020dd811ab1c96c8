"""Texts to batches of token ids, with little padding."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.padding import length_buckets
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vocabulary import OOV_ID

_TEXTS_AT_ONCE = 2_000
_MOST_BUCKETS = 16
_BATCHES_A_BUCKET = 4  # or the last, smaller batch of each bucket would weigh too much


def encode_texts(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    max_length: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> tf.RaggedTensor:
    """Tokenizes many texts once, before training.

    Args:
        tokenizer: What serves must be what trains.
        texts: Valid Unicode, as a `Corpus` holds it. Must not be empty.
        max_length: Keep at most so many tokens of each text; `None` keeps all.
        cache_dir: Folder that keeps the ids by the hash of tokenizer and texts, so that the next
            run need not tokenize them. `None` keeps them in memory alone.
        progress: Told how many texts are done.

    Returns:
        Ragged int32 `(len(texts), None)`, at least one id a text.
    """
    if cache_dir is None:
        return _tokenize(tokenizer, texts, max_length, progress)
    cached = Path(cache_dir) / f"token-ids-{_fingerprint(tokenizer, texts, max_length)}.npz"
    with suppress(OSError, EOFError, ValueError, KeyError, BadZipFile), np.load(cached) as stored:
        progress.say(f"Token ids: taken from {cached}")
        return tf.RaggedTensor.from_row_lengths(stored["ids"], stored["lengths"])
    token_ids = _tokenize(tokenizer, texts, max_length, progress)
    cached.parent.mkdir(parents=True, exist_ok=True)
    beside = cached.with_name(f".{cached.name}.{os.getpid()}")
    with beside.open("wb") as file:
        np.savez(file, ids=token_ids.flat_values, lengths=token_ids.row_lengths())
    os.replace(beside, cached)
    return token_ids


def _tokenize(
    tokenizer: Tokenizer, texts: Sequence[str], max_length: int | None, progress: Progress
) -> tf.RaggedTensor:
    parts = []
    with progress.step("Tokenizing", len(texts)) as advance:
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = texts[start : start + _TEXTS_AT_ONCE]
            ids = tokenizer(tf.constant(part))
            parts.append(ids if max_length is None else ids[:, :max_length])
            advance(len(part))
    return tf.concat(parts, axis=0)


def _fingerprint(tokenizer: Tokenizer, texts: Sequence[str], max_length: int | None) -> str:
    digest = hashlib.sha256(f"{tokenizer.fingerprint()} {max_length}".encode())
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()[:16]


def oov_rate(token_ids: tf.RaggedTensor) -> float:
    """The share of tokens that the vocabulary lacks, from 0 to 1."""
    return float(tf.reduce_mean(tf.cast(token_ids.flat_values == OOV_ID, tf.float64)))


@dataclass(frozen=True)
class Batches:
    """A dataset and its size.

    Attributes:
        dataset: Yields `(token_ids, labels)`: int32 `(batch, time)` and int64 `(batch,)`.
        steps: Batches in one pass.
        padding_share: Of the time steps computed in one pass, the share that is padding, from 0 to
            1. That of one shuffled pass; the others differ by chance.
    """

    dataset: tf.data.Dataset
    steps: int
    padding_share: float


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
    buckets = min(_MOST_BUCKETS, max(1, len(lengths) // (_BATCHES_A_BUCKET * batch_size)))
    boundaries = length_buckets(lengths, buckets)
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
    cells = _computed_steps(lengths, bucket_of, batch_size, shuffle_seed)
    options = tf.data.Options()
    # The data are in memory: there are no files to shard by.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    dataset = dataset.with_options(options).prefetch(tf.data.AUTOTUNE)
    return Batches(dataset, steps, 1 - int(lengths.sum()) / cells)


def _computed_steps(
    lengths: NDArray[np.int64], bucket_of: NDArray[np.int64], batch_size: int, seed: int | None
) -> int:
    """Time steps of one pass, each batch as long as its longest text."""
    order = np.arange(len(lengths))
    if seed is not None:
        order = np.random.default_rng(seed).permutation(order)
    cells = 0
    for bucket in range(int(bucket_of.max()) + 1):
        dealt = lengths[order[bucket_of[order] == bucket]]
        for start in range(0, len(dealt), batch_size):
            batch = dealt[start : start + batch_size]
            cells += len(batch) * int(batch.max())
    return cells


def _dense(token_ids: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    # A slice of a ragged tensor has a ragged type, which padded batches refuse.
    return tf.convert_to_tensor(token_ids), label


def _length(token_ids: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    return tf.shape(token_ids)[0]
