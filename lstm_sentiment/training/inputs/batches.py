"""Batches of token ids with little padding."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.training.evaluation.calibration import Labels
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.version_folder import OOV_ID

NO_LABEL = -1
"""The label of a row without a text."""

_JITTER = 0.05


@dataclass(frozen=True)
class Batches:
    """Training texts in batches that differ in each epoch.

    In each epoch, every length is changed at random by up to 5 %, the texts are sorted by it and
    cut into batches, and the batches are shuffled. So batches have little padding, all but one are
    full, and no two epochs have the same ones. The order depends only on the seed and the number of
    the epoch: training can continue from any step, and replicas agree without communication.

    Attributes:
        token_ids: Ids of the texts.
        labels: Label ids, int64 `(texts,)`.
        batch_size: Global batch size; one batch of each epoch may be smaller.
        seed: Seed of the order.
        targets: Probability of each class to learn, float32 `(texts, classes)`; `None` learns the
            labels alone.
    """

    token_ids: TokenRows
    labels: NDArray[np.int64]
    batch_size: int
    seed: int
    targets: NDArray[np.float32] | None = None

    @property
    def steps(self) -> int:
        """Number of batches in an epoch."""
        return -(-len(self.labels) // self.batch_size)

    @cached_property
    def padding_share(self) -> float:
        """Share of padding in the time steps of the first epoch, 0 to 1."""
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
        """Returns the batches of all epochs in order, or the shares of some replicas.

        Only the texts of these shares are read.

        Args:
            epochs: Number of the last epoch, from 1; `None` never ends.
            first_step: Batches to skip, counted from the start of the first epoch.
            replicas: Number of replicas that share each batch.
            shares: Replicas, from 0, whose share of each batch is yielded.

        Returns:
            Yields `(token_ids, labels, place)`: int32 `(texts, time)`, as long as the longest text
            of the share; int64 `(texts,)`; and int64 `(2,)`: the position of the share's first text
            in the batch, and the batch's number of texts. A share without texts has one row, of an
            unknown token, with the label `NO_LABEL`. With `targets`, a fourth part is theirs,
            float32 `(texts, classes)`.
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
        # With a known cardinality, tf.distribute need not ask all workers in each step for the end.
        count = tf.data.INFINITE_CARDINALITY
        if epochs is not None:
            count = len(shares) * max(0, epochs * self.steps - first_step)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
        return dataset.prefetch(tf.data.AUTOTUNE)

    def _deal(self, lengths: tf.Tensor, epoch: tf.Tensor) -> tf.RaggedTensor:
        """Returns the positions of the texts of each batch, ragged int64 `(steps, None)`."""
        texts = len(self.labels)
        seed = tf.stack([tf.constant(self.seed, tf.int64), epoch])
        jitter = tf.random.stateless_uniform([texts], seed, 1 - _JITTER, 1 + _JITTER)
        order = tf.argsort(tf.cast(lengths, tf.float32) * jitter, stable=True)
        rows = tf.range(0, texts, self.batch_size, dtype=tf.int64)
        dealt = tf.RaggedTensor.from_row_starts(tf.cast(order, tf.int64), rows)
        shuffled = tf.random.experimental.stateless_shuffle(tf.range(self.steps), seed)
        return tf.gather(dealt, shuffled)

    def _batch(self, positions: tf.Tensor, bounds: tf.Tensor) -> tuple[tf.Tensor, ...]:
        mine = positions[bounds[0] : bounds[1]]
        token_ids, labels = tf.numpy_function(self._read, [mine], (tf.int32, tf.int64))
        place = tf.stack([bounds[0], tf.size(positions, tf.int64)])
        batch = tf.ensure_shape(token_ids, [None, None]), tf.ensure_shape(labels, [None]), place
        if self.targets is None:
            return batch
        targets = tf.numpy_function(self._read_targets, [mine], tf.float32)
        return *batch, tf.ensure_shape(targets, [None, self.targets.shape[1]])

    def _read(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        if len(positions) == 0:
            return np.array([[OOV_ID]], np.int32), np.array([NO_LABEL], np.int64)
        return self.token_ids.padded(positions), self.labels[positions]

    def _read_targets(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        targets = np.zeros((0, 0), np.float32) if self.targets is None else self.targets
        if len(positions) == 0:
            return np.zeros((1, targets.shape[1]), np.float32)
        return targets[positions]


def _share_of(positions: tf.Tensor, share: int, replicas: int) -> tf.Tensor:
    """Returns the bounds of a replica's texts in a batch, int64 `(2,)`."""
    texts = tf.shape(tf.convert_to_tensor(positions), tf.int64)[0]
    return tf.stack([share * texts // replicas, (share + 1) * texts // replicas])


def make_batches(
    token_ids: TokenRows,
    labels: Labels,
    *,
    batch_size: int,
    seed: int = 0,
    targets: NDArray[np.float32] | None = None,
) -> Batches:
    """Makes the batches of texts; `batch_size` is the global batch size."""
    return Batches(token_ids, np.asarray(labels, np.int64), batch_size, seed, targets)
