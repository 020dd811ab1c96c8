"""The temperature of a teacher's probabilities: fitted on labelled texts before training."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.evaluation.calibration import fit_temperature
from lstm_sentiment.training.inputs.soft_targets import logits_of_soft_labels, matches

FEWEST_TEXTS = 50
"""Fewest labelled texts that a temperature is fitted on."""


def settle_teacher(
    training: TrainingConfig,
    train: Corpus,
    dev: Corpus,
    soft_labels: SoftLabels | None,
    progress: Progress = SILENT,
) -> TrainingConfig:
    """Replaces `auto` in `teacher_temperature` by a number; without a teacher, changes nothing.

    The temperature makes the teacher's probabilities as sure as it is right on the dev texts that
    it has judged (see `fit_temperature`). With fewer than 50 of those, the training texts count
    too; but since the teacher may have learned their labels, its probabilities then get softer or
    stay as they are. With fewer than 50 of both, they stay.

    Args:
        training: Settings of training.
        train: Labelled training texts.
        dev: Labelled dev texts.
        soft_labels: The teacher's probabilities.
        progress: Receives a message with the temperature.
    """
    if soft_labels is None or training.teacher_temperature != "auto":
        return training
    part, lowest = "dev", 0.0
    rows, labels = _judged(soft_labels, [dev])
    if len(rows) < FEWEST_TEXTS:
        part, lowest = "labelled", 1.0
        rows, labels = _judged(soft_labels, [train, dev])
    if len(rows) < FEWEST_TEXTS:
        return replace(training, teacher_temperature=1.0)
    fitted = fit_temperature(logits_of_soft_labels(rows), labels)
    temperature = round(max(lowest, fitted), 2)
    progress.say(
        f"Teacher: right on {np.mean(rows.argmax(axis=1) == labels):.1%} of {len(rows):,} {part} "
        f"texts; the temperature of its probabilities is {temperature:g}"
    )
    return replace(training, teacher_temperature=temperature)


def _judged(
    soft_labels: SoftLabels, parts: Sequence[Corpus]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns the soft labels and the labels of the labelled texts that have both."""
    rows, labels = [], []
    for part in parts:
        texts, places = matches(part.exact_digests, soft_labels.exact_digests)
        rows.append(soft_labels.probabilities[places])
        labels.append(np.asarray(part.labels, np.int64)[texts])
    return np.concatenate(rows), np.concatenate(labels)
