"""Compares training on two replicas with training on one device, where a batch is uneven.

    python -m benchmarks.uneven_batches

One epoch of 7 texts in batches of 4, with the same network, first weights, order and Adam: by
Keras' `fit`, and by the step and loop that `fit` of this package uses. Of the last batch, the first
replica has 2 texts and the second 1. One JSON object a trainer:

    weights  largest difference of a weight between one device and two replicas
    loss     difference of the mean training loss that is reported
"""

import argparse
import json
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.inputs.batches import make_batches
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.steps import make_optimizer, make_step
from lstm_sentiment.training.workers.distribution import Workers, start_workers

TEXTS, BATCH, LENGTH, VOCABULARY, CLASSES = 7, 4, 6, 20, 2
_TRAINING = TrainingConfig(learning_rate=0.01, schedule="constant", gradient_clip_norm=1e9)
_MODEL = ModelConfig(lstm_units=8, dropout=0.0, embedding_dropout=0.0, ngrams=0)

Trained = tuple[list[NDArray[np.float32]], float]
"""The weights after an epoch, and the mean loss that was reported."""


def main() -> None:
    """Trains by both on both."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    two = start_workers(TrainingConfig(strategy="mirrored", logical_devices=2))
    one = Workers(tf.distribute.OneDeviceStrategy("CPU:0"))
    for name, train in {"Keras fit": by_keras, "lstm_sentiment": by_us}.items():
        (weights, loss), (others, other_loss) = train(one), train(two)
        apart = max(float(np.abs(a - b).max()) for a, b in zip(weights, others, strict=True))
        line = {"weights": float(f"{apart:.2g}"), "loss": float(f"{abs(loss - other_loss):.2g}")}
        print(json.dumps({"benchmark": "uneven_batches", "name": name, **line}), flush=True)


def texts() -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Returns token ids of one length, so that each batch is as given, and labels."""
    rng = np.random.default_rng(0)
    ids = rng.integers(2, VOCABULARY, (TEXTS, LENGTH)).astype(np.int32)
    return ids, np.arange(TEXTS) % CLASSES


def by_keras(workers: Workers) -> Trained:
    """Trains by Keras' own `compile` and `fit`."""
    ids, labels = _in_order(workers)
    with workers.strategy.scope():
        network = _network()
        # `fit` would build a subclassed model with token ids of the dtype float32.
        ids_in = keras.Input((LENGTH,), dtype="int32")
        trained = keras.Model(ids_in, network(ids_in))
        trained.compile(
            keras.optimizers.Adam(_TRAINING.learning_rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
    history = trained.fit(ids, labels, batch_size=BATCH, shuffle=False, verbose=0).history
    return _weights(network), float(history["loss"][0])


def by_us(workers: Workers) -> Trained:
    """Trains by the steps of this package."""
    batches = _batches()
    with workers.strategy.scope():
        network = _network()
        step = make_step(network, make_optimizer(_TRAINING, 100), _TRAINING)
        iterator = iter(
            workers.strategy.distribute_datasets_from_function(
                lambda _: batches.dataset(replicas=workers.replicas, shares=workers.shares)
            )
        )
        sums = np.sum([step(iterator).numpy() for _ in range(-(-TEXTS // BATCH))], axis=0)
    assert sums[2] == TEXTS
    return _weights(network), float(sums[0] / sums[2])


def _batches() -> Any:
    ids, labels = texts()
    rows = TokenRows.from_lists(ids.tolist())
    return make_batches(rows, labels, batch_size=BATCH, seed=0)


def _in_order(workers: Workers) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Returns the texts in the order in which the package's batches have them."""
    batches = list(_batches().dataset(replicas=1, shares=range(1)).take(-(-TEXTS // BATCH)))
    return (
        np.concatenate([ids.numpy() for ids, _, _ in batches]),
        np.concatenate([labels.numpy() for _, labels, _ in batches]),
    )


def _network() -> SentimentModel:
    network = SentimentModel(VOCABULARY, 8, CLASSES, _MODEL)
    rng = np.random.default_rng(1)
    network.embedding.load_matrix(rng.normal(0, 0.5, (VOCABULARY, 8)).astype(np.float32))
    for layer in network.members[0].layers():
        layer.set_weights([rng.normal(0, 0.5, each.shape) for each in layer.get_weights()])
    return network


def _weights(network: SentimentModel) -> list[NDArray[np.float32]]:
    return [keras.ops.convert_to_numpy(each) for each in network.trainable_variables]


if __name__ == "__main__":
    main()
