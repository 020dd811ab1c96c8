"""Texts to batches of token ids, with little padding."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.file_texts import FileTexts
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vocabulary import OOV_ID
from lstm_sentiment.training.calibration import Labels
from lstm_sentiment.training.token_rows import TokenRows, save_token_rows, token_rows

NO_LABEL = -1
"""The label of a row that stands for no text."""

_TEXTS_AT_ONCE = 2_000
_JITTER = 0.05


def encode_texts(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    max_length: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> TokenRows:
    """Tokenizes many texts once, before training.

    Args:
        tokenizer: What serves must be what trains.
        texts: Valid Unicode, as a `Corpus` holds it. Must not be empty.
        max_length: Keep at most so many tokens of each text; `None` keeps all.
        cache_dir: Folder that keeps the ids, not in memory, by the hash of tokenizer and texts, so
            that the next run need not tokenize them. `None` keeps them in memory alone.
        progress: Told how many texts are done.

    Returns:
        The ids, at least one a text.

    Raises:
        OSError: If `cache_dir` cannot be written.
    """
    order = None
    if isinstance(texts, FileTexts):
        # Files are read front to back, however the texts were dealt.
        order = texts.reading_order()
        texts = texts.select(order)
    parts = _tokenize(tokenizer, texts, max_length, progress)
    if cache_dir is None:
        rows = token_rows(parts)
    else:
        folder = Path(cache_dir) / f"token-ids-{_fingerprint(tokenizer, texts, max_length)}"
        rows = _kept(folder, parts, progress)
    return rows if order is None else rows.select(np.argsort(order))


def _kept(folder: Path, parts: Iterator[tf.RaggedTensor], progress: Progress) -> TokenRows:
    """The rows in `folder`, made where they are missing or damaged."""
    with suppress(OSError, EOFError, ValueError):
        rows = TokenRows.load(folder)
        progress.say(f"Token ids: taken from {folder}")
        return rows
    return save_token_rows((token_rows([part]) for part in parts), folder)


def _tokenize(
    tokenizer: Tokenizer, texts: Sequence[str], max_length: int | None, progress: Progress
) -> Iterator[tf.RaggedTensor]:
    with progress.step("Tokenizing", len(texts)) as advance:
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = texts[start : start + _TEXTS_AT_ONCE]
            ids = tokenizer(tf.constant(list(part)))
            yield ids if max_length is None else ids[:, :max_length]
            advance(len(part))


def _fingerprint(tokenizer: Tokenizer, texts: Sequence[str], max_length: int | None) -> str:
    digest = hashlib.sha256(f"{tokenizer.fingerprint()} {max_length}".encode())
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Batches:
    """Training texts, dealt anew into batches in each epoch.

    Texts are sorted by length, each length first changed at random by up to 5 %, and cut into
    batches; the batches come in random order. So texts of like length are computed together, little
    is padding, every batch but one is full, and no two epochs have the same batches. The order
    depends on the seed and the number of the epoch alone: training can go on from any step, and
    replicas agree on it without a word.

    Attributes:
        token_ids: The texts' ids.
        labels: Label ids, int64 `(texts,)`.
        batch_size: Texts a batch, over all replicas; one batch of each epoch may be smaller.
        seed: Decides the order.
    """

    token_ids: TokenRows
    labels: NDArray[np.int64]
    batch_size: int
    seed: int

    @property
    def steps(self) -> int:
        """Batches in one epoch."""
        return -(-len(self.labels) // self.batch_size)

    @cached_property
    def padding_share(self) -> float:
        """Of the time steps computed in the first epoch, the share that is padding, 0 to 1."""
        lengths = tf.constant(self.token_ids.lengths)
        in_batches = tf.gather(lengths, self._deal(lengths, tf.constant(0, tf.int64)))
        cells = tf.reduce_max(in_batches, axis=1) * in_batches.row_lengths()
        return 1 - int(tf.reduce_sum(lengths)) / int(tf.reduce_sum(cells))

    def dataset(
        self,
        epochs: int | None = None,
        *,
        first_step: int = 0,
        replicas: int = 1,
        shares: Sequence[int] = (0,),
    ) -> tf.data.Dataset:
        """The batches of all epochs, one after the other, or some replicas' shares of them.

        Only the texts of these shares are read.

        Args:
            epochs: Number of the epoch to end with, counted from 1; `None` never ends.
            first_step: Batches to leave out, counted from the start of the first epoch.
            replicas: How many share each batch.
            shares: Which of them the dataset is for, from 0: for each batch, it yields the share of
                each.

        Returns:
            Yields `(token_ids, labels, place)`: int32 `(texts, time)`, as long as the longest text
            of the share; int64 `(texts,)`; and int64 `(2,)`: the position of the share's first text
            in the batch, and the texts of the whole batch. A share without texts has one row, of
            an unknown token, with the label `NO_LABEL`.
        """
        lengths = tf.constant(self.token_ids.lengths)
        first_epoch, skipped = divmod(first_step, self.steps)
        last = np.iinfo(np.int64).max if epochs is None else epochs
        dataset = tf.data.Dataset.range(first_epoch, last).flat_map(
            lambda epoch: tf.data.Dataset.from_tensor_slices(self._deal(lengths, epoch))
        )
        dataset = dataset.skip(skipped).flat_map(
            lambda positions: tf.data.Dataset.from_tensor_slices(
                [_share_of(positions, share, replicas) for share in shares]
            ).map(lambda bounds: (tf.convert_to_tensor(positions), bounds))
        )
        dataset = dataset.map(self._batch, num_parallel_calls=tf.data.AUTOTUNE)
        # Of a dataset that may end, tf.distribute asks all workers in each step whether it has.
        count = tf.data.INFINITE_CARDINALITY
        if epochs is not None:
            count = len(shares) * max(0, epochs * self.steps - first_step)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
        return dataset.prefetch(tf.data.AUTOTUNE)

    def _deal(self, lengths: tf.Tensor, epoch: tf.Tensor) -> tf.RaggedTensor:
        """The positions of the texts of each batch: ragged int64 `(steps, None)`."""
        texts = len(self.labels)
        seed = tf.stack([tf.constant(self.seed, tf.int64), epoch])
        jitter = tf.random.stateless_uniform([texts], seed, 1 - _JITTER, 1 + _JITTER)
        order = tf.argsort(tf.cast(lengths, tf.float32) * jitter, stable=True)
        rows = tf.range(0, texts, self.batch_size, dtype=tf.int64)
        dealt = tf.RaggedTensor.from_row_starts(tf.cast(order, tf.int64), rows)
        shuffled = tf.random.experimental.stateless_shuffle(tf.range(self.steps), seed)
        return tf.gather(dealt, shuffled)

    def _batch(
        self, positions: tf.Tensor, bounds: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        mine = positions[bounds[0] : bounds[1]]
        token_ids, labels = tf.numpy_function(self._read, [mine], (tf.int32, tf.int64))
        place = tf.stack([bounds[0], tf.size(positions, tf.int64)])
        return tf.ensure_shape(token_ids, [None, None]), tf.ensure_shape(labels, [None]), place

    def _read(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        if len(positions) == 0:
            return np.array([[OOV_ID]], np.int32), np.array([NO_LABEL], np.int64)
        return self.token_ids.padded(positions), self.labels[positions]


def _share_of(positions: tf.Tensor, share: int, replicas: int) -> tf.Tensor:
    """Where a replica's texts begin and end in a batch: int64 `(2,)`."""
    texts = tf.shape(tf.convert_to_tensor(positions), tf.int64)[0]
    return tf.stack([share * texts // replicas, (share + 1) * texts // replicas])


def make_batches(
    token_ids: TokenRows, labels: Labels, *, batch_size: int, seed: int = 0
) -> Batches:
    """Makes the batches of training texts.

    Args:
        token_ids: At least one id a text.
        labels: Label ids, one a text.
        batch_size: Texts a batch, over all replicas.
        seed: Decides the order.
    """
    return Batches(token_ids, np.asarray(labels, np.int64), batch_size, seed)
