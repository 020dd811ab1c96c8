"""Times our own steps, and the all-reduce within them."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.scaling.runs import ROUNDS, AllReduce, Run, Timing
from benchmarks.scaling.texts import (
    CLASSES,
    DIM,
    TRAINED_ROWS,
    VOCABULARY_SIZE,
    made_up,
    vectors,
)
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.inputs.batches import Batches, make_batches
from lstm_sentiment.training.steps import make_optimizer, make_step
from lstm_sentiment.training.workers.distribution import Workers, start_workers

_SUMS = 4
_ALL_REDUCES = 30


def measure_ours(run: Run) -> list[Timing]:
    """Trains on each batch size of a run; all its workers must call it."""
    workers = start_workers(
        TrainingConfig(strategy=run.strategy, logical_devices=run.logical_devices)
    )
    with workers.together(), workers.strategy.scope():
        return [_timing(workers, batch, run.steps) for batch in run.batches]


def _timing(workers: Workers, batch: int, steps: int) -> Timing:
    network = SentimentModel(
        VOCABULARY_SIZE, DIM, CLASSES, ModelConfig(), num_trained_rows=TRAINED_ROWS
    )
    network.embedding.load_matrix(vectors(), range(VOCABULARY_SIZE - TRAINED_ROWS, VOCABULARY_SIZE))
    training = TrainingConfig(batch_size=batch)
    step = make_step(network, make_optimizer(training, 1_000 * steps), training)
    batches = make_batches(*made_up(batch * steps), batch_size=batch)
    iterator = _rounds(workers, batches)
    seconds: list[list[float]] = []
    for _ in range(1 + ROUNDS):
        seconds.append([])
        tokens = 0.0
        for _ in range(steps):
            started = time.perf_counter()
            sums = step(iterator).numpy()
            seconds[-1].append(time.perf_counter() - started)
            tokens += float(sums[3])
    if round(tokens) != batches.token_ids.lengths.sum():
        raise RuntimeError("A round must see each real token once.")
    return Timing(
        batch,
        float(np.median(seconds[1:], axis=0).mean()),
        tokens / steps,
        batches.padding_share,
        _all_reduce(workers, network.trainable_variables) if workers.replicas > 1 else None,
    )


def _rounds(workers: Workers, batches: Batches) -> Any:
    """This worker's shares of the batches of the first epoch, again and again."""
    return iter(
        workers.strategy.distribute_datasets_from_function(
            lambda context: (
                batches.dataset(1, replicas=workers.replicas, shares=workers.shares)
                .repeat()
                .prefetch(tf.data.AUTOTUNE)
            )
        )
    )


def _all_reduce(workers: Workers, variables: Sequence[Any]) -> AllReduce:
    size = 4 * (_SUMS + sum(int(np.prod(variable.shape)) for variable in variables))
    whole = _all_reduce_seconds(workers, lambda: [*map(_value, variables), tf.zeros(_SUMS)])
    # Read from a variable, or it could be summed once and for all.
    empty = _all_reduce_seconds(workers, lambda: [tf.reshape(_value(variables[0]), [-1])[:1]])
    return AllReduce(size, whole, empty)


def _value(variable: Any) -> tf.Tensor:
    return tf.identity(variable.value)  # a tensor of this replica's device, as gradients are


def _all_reduce_seconds(workers: Workers, values: Callable[[], list[tf.Tensor]]) -> float:
    """The median time of adding up values of all replicas, compiled as a step is."""

    def add_up() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        summed = context.all_reduce(tf.distribute.ReduceOp.SUM, values())
        # Looks at each, or TensorFlow would leave out what nobody needs.
        return tf.add_n([tf.reshape(each, [-1])[0] for each in summed])

    @tf.function(autograph=False)
    def on_all_replicas() -> tf.Tensor:
        return workers.strategy.experimental_local_results(workers.strategy.run(add_up))[0]

    seconds = []
    for _ in range(2 + _ALL_REDUCES):
        started = time.perf_counter()
        on_all_replicas().numpy()
        seconds.append(time.perf_counter() - started)
    return median(seconds[2:])
