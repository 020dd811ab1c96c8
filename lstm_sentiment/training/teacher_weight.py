"""The share of a teacher's soft label in what is learned of a text that has a label too."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.training.evaluation.calibration import cross_entropies, fit_temperature
from lstm_sentiment.training.folds import Folds
from lstm_sentiment.training.inputs.soft_targets import matches, soft_targets
from lstm_sentiment.training.quick_judge import judging_parts, quick_logits
from lstm_sentiment.training.run import TrainingRun

USUAL_WEIGHT = 0.5
"""The share where there is nothing to choose by."""

_CHOICES = (0.0, 0.25, USUAL_WEIGHT, 0.75, 1.0)
_MOST_UNLABELLED = 2_000  # that the linear classifiers learn: they only compare the choices

Losses = NDArray[np.float64]


def settle_teacher_weight(run: TrainingRun, folds: Folds | None) -> TrainingRun:
    """Replaces `auto` in `teacher_weight` by a number; without a teacher, changes nothing.

    For each of the shares 0, 0.25, 0.5, 0.75 and 1, a linear classifier of n-grams is trained. The
    share with the lowest loss is taken if the loss at 0.5 is higher by more than the standard error
    of the difference; else 0.5.

    Args:
        run: The run whose texts decide.
        folds: As `judging_parts` takes them.
    """
    training, soft = run.orders.training, run.soft_labels
    if training.teacher_weight != "auto" or soft is None:
        return run
    weight = USUAL_WEIGHT
    if len(matches(run.train.exact_digests, soft.exact_digests)[0]):
        losses = _losses(run, soft, folds)
        if losses:
            weight = _choose(losses)
            run.progress.say(
                f"Teacher: its share is {weight:g} where a text has a label too. Linear "
                f"classifiers have a loss of {losses[weight].mean():.3f} with it, "
                f"{losses[0.0].mean():.3f} with labels alone, {losses[1.0].mean():.3f} with soft "
                "labels alone"
            )
    return replace(
        run, orders=replace(run.orders, training=replace(training, teacher_weight=weight))
    )


def _choose(losses: Mapping[float, Losses]) -> float:
    best = min(losses, key=lambda weight: float(losses[weight].mean()))
    gain = losses[USUAL_WEIGHT] - losses[best]
    noise = float(gain.std()) / len(gain) ** 0.5
    return best if float(gain.mean()) > noise else USUAL_WEIGHT


def _losses(run: TrainingRun, soft: SoftLabels, folds: Folds | None) -> dict[float, Losses]:
    """Returns the loss of each text by each choice; empty if no classifier could be trained."""
    soft = _with_few_unlabelled(soft, run)
    parts = [_part_losses(run, soft, *part) for part in judging_parts(run, folds)]
    scored = [part for part in parts if part]
    if not scored:
        return {}
    return {weight: np.concatenate([part[weight] for part in scored]) for weight in _CHOICES}


def _with_few_unlabelled(soft: SoftLabels, run: TrainingRun) -> SoftLabels:
    has_label = np.zeros(len(soft.texts), bool)
    for corpus in (run.train, run.dev):
        has_label[matches(soft.exact_digests, corpus.exact_digests)[0]] = True
    others = np.random.default_rng(0).permutation(np.flatnonzero(~has_label))
    return soft.select(np.sort(np.append(np.flatnonzero(has_label), others[:_MOST_UNLABELLED])))


def _part_losses(
    run: TrainingRun, soft: SoftLabels, train: Corpus, dev: Corpus
) -> dict[float, Losses]:
    training = run.orders.training
    temperature = training.teacher_temperature
    labels, dev_ids = np.asarray(dev.labels, np.int64), run.encode(dev.texts)
    losses = {}
    for weight in _CHOICES:
        taught = soft_targets(
            soft,
            train,
            dev,
            weight=weight,
            temperature=1.0 if isinstance(temperature, str) else temperature,
        )
        ids = run.encode((*train.texts, *taught.more_texts))
        logits = quick_logits(run, ids, taught.labels, dev_ids, targets=taught.targets)
        if logits is None:
            return {}
        losses[weight] = cross_entropies(logits / fit_temperature(logits, labels), labels)
    return losses
