"""Times Keras' own `fit` under several workers, on the same texts.

As released, Keras 3.15 does not train under `MultiWorkerMirroredStrategy`: `fit` averages a batch
over the workers to learn its shapes, and reduces the logs along an axis that they do not have.
`MendedSequential` leaves out the first and does the second without an axis.
"""

import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks.scaling.runs import ROUNDS, Run, Timing
from benchmarks.scaling.texts import CLASSES, DIM, VOCABULARY_SIZE, made_up, vectors
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.inputs.batches import make_batches
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.workers.distribution import Workers, start_workers

_UNITS = 64


class MendedSequential(keras.Sequential):
    """`keras.Sequential` that `fit` can train under several workers, built before."""

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        pass

    def make_train_function(self, force: bool = False) -> Any:
        """Makes one step, which means the logs over the replicas."""
        strategy = self.distribute_strategy

        @tf.function(reduce_retracing=True, autograph=False)
        def train_function(iterator: Any) -> Any:
            logs = strategy.run(self.train_step, args=(next(iterator),))
            mean = tf.distribute.ReduceOp.MEAN
            return {name: strategy.reduce(mean, value, axis=None) for name, value in logs.items()}

        self.train_function = train_function
        return train_function


class StepTimes(keras.callbacks.Callback):
    """Notes how long each step takes, in one list a round."""

    def __init__(self) -> None:
        """Begins with none."""
        super().__init__()
        self.seconds: list[list[float]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins a round."""
        self.seconds.append([])

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Begins a step."""
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Ends a step."""
        self.seconds[-1].append(time.perf_counter() - self._started)


def measure_keras(run: Run) -> list[Timing]:
    """Trains on each batch size of a run; all its workers must call it."""
    workers = start_workers(TrainingConfig(strategy=run.strategy))
    return [_timing(workers, run, batch) for batch in run.batches]


def _timing(workers: Workers, run: Run, batch: int) -> Timing:
    token_ids, labels = made_up(batch * run.steps)
    with workers.strategy.scope():
        as_released = run.trainer == "keras as released"
        network = _network(keras.Sequential if as_released else MendedSequential)
    by_length = make_batches(token_ids, labels, batch_size=batch)
    if run.trainer == "keras, batches by length":
        dataset = by_length.dataset(1, replicas=workers.replicas, shares=workers.shares)
        dataset = dataset.map(lambda ids, labels, place: (ids, labels))
        padding_share = by_length.padding_share
    else:
        dataset = _as_they_come(workers, token_ids, labels, batch)
        padding_share = _padding_share(token_ids, batch, workers.replicas)
    times = StepTimes()
    network.fit(
        _rounds(dataset),
        epochs=1 + ROUNDS,
        steps_per_epoch=run.steps,
        callbacks=[times],
        shuffle=False,
        verbose=0,
    )
    seconds = float(np.median(times.seconds[1:], axis=0).mean())
    return Timing(batch, seconds, int(token_ids.lengths.sum()) / run.steps, padding_share)


def _network(kind: type[keras.Sequential]) -> keras.Sequential:
    """Our default model as Keras' own layers make it, without dropout and trained rows."""
    embedding = keras.layers.Embedding(
        VOCABULARY_SIZE, DIM, weights=[vectors()], mask_zero=True, trainable=False
    )
    lstm = keras.layers.LSTM(_UNITS, return_sequences=True)
    network = kind(
        [
            keras.Input((None,), dtype="int32"),
            embedding,
            keras.layers.Bidirectional(lstm),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(CLASSES),
        ]
    )
    optimizer = keras.optimizers.Adam()
    network.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    optimizer.build(network.trainable_variables)
    return network


def _as_they_come(
    workers: Workers, token_ids: TokenRows, labels: NDArray[np.int64], batch: int
) -> tf.data.Dataset:
    """This worker's share of each batch, padded to the longest text of the share."""

    def shares() -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        for positions in _shares(len(labels), batch, workers.replicas, workers.index):
            yield token_ids.padded(positions), labels[positions]

    signature = (tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int64))
    return tf.data.Dataset.from_generator(shares, output_signature=signature)


def _rounds(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """A worker's own batches, again and again."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    # Padded once and kept, so that it is the training that is timed.
    return dataset.cache().repeat().prefetch(tf.data.AUTOTUNE).with_options(options)


def _shares(texts: int, batch: int, replicas: int, share: int) -> Iterator[NDArray[np.int64]]:
    own = batch // replicas
    for start in range(0, texts, batch):
        yield np.arange(start + share * own, start + (share + 1) * own)


def _padding_share(token_ids: TokenRows, batch: int, replicas: int) -> float:
    """Of the time steps that all replicas compute, the share that is padding."""
    computed = sum(
        token_ids.padded(positions).size
        for share in range(replicas)
        for positions in _shares(len(token_ids), batch, replicas, share)
    )
    return 1 - int(token_ids.lengths.sum()) / computed
