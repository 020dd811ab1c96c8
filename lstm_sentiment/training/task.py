"""The task of a training: a model and its data, made by the chief and handed to other workers."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import TrainingError
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import muted_below
from lstm_sentiment.system import write_whole
from lstm_sentiment.training.class_weights import class_weights_of
from lstm_sentiment.training.config import AutoNumber
from lstm_sentiment.training.inputs.encoding import MANY_TEXTS
from lstm_sentiment.training.inputs.soft_targets import soft_targets
from lstm_sentiment.training.inputs.token_rows import TokenRows, save_token_rows
from lstm_sentiment.training.network import make_network
from lstm_sentiment.training.run import TrainingRun
from lstm_sentiment.training.teacher_weight import USUAL_WEIGHT
from lstm_sentiment.training.views import fit_views

_TARGETS = "targets"
_TRAIN, _DEV, _NETWORK, _WEIGHTS, _LABELS = "train", "dev", "network.json", "weights.npz", "labels"


class EpochScores(NamedTuple):
    """Scores after one epoch.

    Attributes:
        loss: Cross entropy, in nats.
        accuracy: Share of correct answers.
    """

    loss: float
    accuracy: float


@dataclass(frozen=True)
class TrainingTask:
    """A model with its first weights, and the data to train and judge it on.

    Attributes:
        network: The model.
        train_ids: Token ids of the training texts.
        train_labels: Label ids of the training texts, int64 `(texts,)`.
        dev_ids: Token ids of the dev texts.
        dev_labels: Label ids of the dev texts, int64 `(texts,)`.
        class_weights: Weight of each class's texts in the loss; `None` weighs all texts alike.
        train_targets: Probability of each class to learn for each training text, float32
            `(texts, classes)`; `None` learns `train_labels` alone.
        dev_scores: Scores of each epoch, known from a cross-validation. Training then goes through
            all epochs and keeps the last, and the dev texts may be among the training texts. `None`
            scores the dev texts after each epoch.
    """

    network: SentimentModel
    train_ids: TokenRows
    train_labels: NDArray[np.int64]
    dev_ids: TokenRows
    dev_labels: NDArray[np.int64]
    class_weights: Sequence[float] | None
    train_targets: NDArray[np.float32] | None = None
    dev_scores: Sequence[EpochScores] | None = None


def make_task(run: TrainingRun, dev_scores: Sequence[EpochScores] | None = None) -> TrainingTask:
    """Tokenizes the texts of a run and makes its model with the first weights."""
    train, training = run.train, run.orders.training
    num_classes = len(train.label_names)
    train_ids = run.encode(train.texts, "training texts", run.progress)
    of_dev = muted_below(MANY_TEXTS, len(run.dev), run.progress)
    dev_ids = run.encode(run.dev.texts, "dev texts", of_dev)
    labels, targets = np.asarray(train.labels, np.int64), None
    if run.soft_labels is not None:
        taught = soft_targets(
            run.soft_labels,
            train,
            run.dev,
            weight=_number(training.teacher_weight, USUAL_WEIGHT),
            temperature=_number(training.teacher_temperature, 1.0),
            smoothing=training.label_smoothing,
        )
        targets, labels = taught.targets, taught.labels
        if taught.more_texts:
            train_ids = train_ids.joined(run.encode(taught.more_texts))
    views = fit_views(run, train_ids, labels, targets)
    network = make_network(run, train_ids, views)
    if run.start is not None:
        run.start.copy_to(network, train.label_names)
    return TrainingTask(
        network,
        train_ids,
        labels,
        dev_ids,
        np.asarray(run.dev.labels, np.int64),
        class_weights_of(train.labels, num_classes, training.class_weights),
        targets,
        dev_scores,
    )


def _number(setting: AutoNumber, usual: float) -> float:
    """Returns a setting; the usual value for one that was not settled, as outside of `fit`."""
    return usual if isinstance(setting, str) else setting


def save_task(task: TrainingTask, folder: Path) -> None:
    """Writes a task to a folder, which is replaced.

    Raises:
        TrainingError: If the folder cannot be written.
    """
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        save_token_rows([task.train_ids], folder / _TRAIN)
        save_token_rows([task.dev_ids], folder / _DEV)
        arrays: dict[str, Any] = {str(i): np.array(v) for i, v in enumerate(task.network.variables)}
        with write_whole(folder / _WEIGHTS) as file:
            np.savez(file, **arrays)
        with write_whole(folder / f"{_LABELS}.npz") as file:
            labels: dict[str, Any] = {"train": task.train_labels, "dev": task.dev_labels}
            if task.train_targets is not None:
                labels[_TARGETS] = task.train_targets
            np.savez(file, **labels)
        network = keras.saving.serialize_keras_object(task.network)
        with write_whole(folder / _NETWORK) as file:
            weights = None if task.class_weights is None else list(task.class_weights)
            facts = {
                "network": network,
                "class_weights": weights,
                "dev_scores": task.dev_scores,
            }
            file.write(json.dumps(facts).encode())
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be written: {error.strerror}.") from error


def load_task(folder: Path) -> TrainingTask:
    """Loads a task in the scope of the strategy that trains; token ids stay in their files.

    Raises:
        TrainingError: If the task is missing or damaged.
    """
    try:
        facts = json.loads((folder / _NETWORK).read_text("utf-8"))
        network = keras.saving.deserialize_keras_object(facts["network"])
        with np.load(folder / _WEIGHTS) as weights:
            for i, variable in enumerate(network.variables):
                variable.assign(weights[str(i)])
        with np.load(folder / f"{_LABELS}.npz") as labels:
            train_labels, dev_labels = labels["train"], labels["dev"]
            targets = labels.get(_TARGETS)
        train_ids, dev_ids = TokenRows.load(folder / _TRAIN), TokenRows.load(folder / _DEV)
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            "`run_dir` must be a folder that all workers share: what the chief writes there, the "
            f"others read. Received: {folder}: {error}."
        ) from error
    scores = facts["dev_scores"]
    return TrainingTask(
        network,
        train_ids,
        train_labels,
        dev_ids,
        dev_labels,
        facts["class_weights"],
        targets,
        None if scores is None else [EpochScores(*values) for values in scores],
    )
