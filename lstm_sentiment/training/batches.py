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

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.padding import pad_ragged
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vocabulary import OOV_ID
from lstm_sentiment.whole_file import write_whole

_TEXTS_AT_ONCE = 2_000
_JITTER = 0.05


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
    with write_whole(cached) as file:
        np.savez(file, ids=token_ids.flat_values, lengths=token_ids.row_lengths())
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
    """Training texts, dealt anew into batches in each epoch.

    Texts are sorted by length, each length first changed at random by up to 5 %, and cut into
    batches; the batches come in random order. So texts of like length are computed together, little
    is padding, every batch but one is full, and no two epochs have the same batches. The order
    depends on the seed and the number of the epoch alone: training can go on from any step.

    Attributes:
        token_ids: Ragged int32 `(texts, None)`, at least one id a text.
        labels: Label ids, int64 `(texts,)`.
        batch_size: Texts a batch; one batch of each epoch may be smaller.
        seed: Decides the order.
    """

    token_ids: tf.RaggedTensor
    labels: tf.Tensor
    batch_size: int
    seed: int

    @property
    def steps(self) -> int:
        """Batches in one epoch."""
        return -(-int(self.labels.shape[0]) // self.batch_size)

    @property
    def padding_share(self) -> float:
        """Of the time steps computed in the first epoch, the share that is padding, 0 to 1."""
        lengths = self.token_ids.row_lengths()
        in_batches = tf.gather(lengths, self._deal(tf.constant(0, tf.int64)))
        cells = tf.reduce_max(in_batches, axis=1) * in_batches.row_lengths()
        return 1 - int(tf.reduce_sum(lengths)) / int(tf.reduce_sum(cells))

    def dataset(self, epochs: int = 1, *, first_step: int = 0) -> tf.data.Dataset:
        """The batches of all epochs, one after the other.

        Args:
            epochs: Number of the epoch to end with, counted from 1.
            first_step: Batches to leave out, counted from the start of the first epoch.

        Returns:
            Yields `(token_ids, labels)`: int32 `(batch, time)`, as long as the longest text of the
            batch, and int64 `(batch,)`.
        """
        first_epoch, skipped = divmod(first_step, self.steps)
        dataset = tf.data.Dataset.range(first_epoch, epochs).flat_map(
            lambda epoch: tf.data.Dataset.from_tensor_slices(self._deal(epoch))
        )
        dataset = dataset.skip(skipped).map(self._batch, num_parallel_calls=tf.data.AUTOTUNE)
        options = tf.data.Options()
        # The data are in memory: there are no files to shard by.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        count = max(0, epochs * self.steps - first_step)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
        return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)

    def _deal(self, epoch: tf.Tensor) -> tf.RaggedTensor:
        """The positions of the texts of each batch: ragged int64 `(steps, None)`."""
        texts = int(self.labels.shape[0])
        seed = tf.stack([tf.constant(self.seed, tf.int64), epoch])
        lengths = tf.cast(self.token_ids.row_lengths(), tf.float32)
        jitter = tf.random.stateless_uniform([texts], seed, 1 - _JITTER, 1 + _JITTER)
        order = tf.argsort(lengths * jitter, stable=True)
        rows = tf.range(0, texts, self.batch_size, dtype=tf.int64)
        dealt = tf.RaggedTensor.from_row_starts(order, rows)
        shuffled = tf.random.experimental.stateless_shuffle(tf.range(self.steps), seed)
        return tf.gather(dealt, shuffled)

    def _batch(self, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        positions = tf.convert_to_tensor(positions)  # a slice of a ragged tensor has a ragged type
        return pad_ragged(tf.gather(self.token_ids, positions)), tf.gather(self.labels, positions)


def make_batches(
    token_ids: tf.RaggedTensor, labels: Sequence[int], *, batch_size: int, seed: int = 0
) -> Batches:
    """Makes the batches of training texts.

    Args:
        token_ids: Ragged int32 `(texts, None)`, at least one id a text.
        labels: Label ids, one a text.
        batch_size: Texts a batch.
        seed: Decides the order.
    """
    return Batches(token_ids, tf.constant(list(labels), dtype=tf.int64), batch_size, seed)
