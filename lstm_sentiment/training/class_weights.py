"""The weights of classes in the loss, and the choice whether rare classes weigh more."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.config import ClassWeights
from lstm_sentiment.training.evaluation.metrics import evaluate_predictions
from lstm_sentiment.training.folds import Folds
from lstm_sentiment.training.quick_judge import judging_parts, quick_logits
from lstm_sentiment.training.run import TrainingRun

_ALIKE = 0.9  # classes whose sizes differ by less need no weights
_LEAST_GAIN = 0.005
_FEW_TEXTS = 500

LabelIds = NDArray[np.int64]


class ChosenClassWeights(NamedTuple):
    """The choice of class weights, and why.

    Attributes:
        class_weights: `balanced` or `none`.
        reason: One line for the user; empty for classes of about the same size.
    """

    class_weights: ClassWeights
    reason: str


def class_weights_of(
    labels: Sequence[int] | NDArray[np.int64], num_classes: int, kind: ClassWeights
) -> list[float] | None:
    """Returns the weight of each class's texts in the loss; `None` for equal weights.

    `balanced` gives each class the same total weight, with 1 as the mean over all texts.
    """
    if kind != "balanced":
        return None
    counts = Counter(labels)
    return [
        len(labels) / (len(counts) * counts[label]) if counts[label] else 1.0
        for label in range(num_classes)
    ]


def choose_class_weights(run: TrainingRun, folds: Folds | None) -> ChosenClassWeights:
    """Chooses between `balanced` classes and equal weights for all texts.

    Two linear classifiers of n-grams, which take seconds, are trained: one of each kind. `balanced`
    is chosen where its macro-F1 is higher by half a point and by two standard errors of the
    difference, and its accuracy is not lower by more than one. Fewer than 500 texts cannot tell
    such a gain, but that is where rare classes are lost most: there, it is chosen unless its
    macro-F1 or its accuracy is lower by more than a standard error.

    Args:
        run: The run whose texts decide.
        folds: Folds of its texts, each scored by classifiers of the others. `None` scores the dev
            texts, or deals folds where these are few.
    """
    counts = [count for count in run.train.class_counts().values() if count]
    if min(counts) >= _ALIKE * max(counts):
        return ChosenClassWeights("none", "")
    parts = [_part_scores(run, train, dev) for train, dev in judging_parts(run, folds)]
    scored = [part for part in parts if part is not None]
    if not scored:
        return ChosenClassWeights(
            "none", "Class weights: none, since the texts are too few to choose"
        )
    labels, plain, balanced = (np.concatenate(ids) for ids in zip(*scored, strict=True))
    before, after = (
        evaluate_predictions(labels.tolist(), predicted.tolist(), run.train.label_names)
        for predicted in (plain, balanced)
    )
    differ = int(((plain == labels) != (balanced == labels)).sum())
    noise = differ**0.5 / len(labels)
    least_gain = -noise if len(labels) < _FEW_TEXTS else max(_LEAST_GAIN, 2 * noise)
    is_better = (
        after.macro_f1 >= before.macro_f1 + least_gain and after.accuracy >= before.accuracy - noise
    )
    chosen: ClassWeights = "balanced" if is_better else "none"
    is_gain = after.macro_f1 > before.macro_f1 and after.accuracy >= before.accuracy - noise
    reason = "; the gain may be chance" if is_gain and not is_better else ""
    return ChosenClassWeights(
        chosen,
        f"Class weights: {chosen}. A linear classifier has accuracy {after.accuracy:.3f} and "
        f"macro-F1 {after.macro_f1:.3f} with balanced classes, {before.accuracy:.3f} and "
        f"{before.macro_f1:.3f} without{reason}",
    )


def _part_scores(run: TrainingRun, train: Corpus, dev: Corpus) -> tuple[LabelIds, ...] | None:
    """Returns label ids of the dev texts: true, predicted without and with balanced classes.

    `None` if the training texts have no n-gram in common.
    """
    train_ids, dev_ids = run.encode(train.texts), run.encode(dev.texts)
    found: list[LabelIds] = [np.asarray(dev.labels, np.int64)]
    kinds: tuple[ClassWeights, ClassWeights] = ("none", "balanced")
    for kind in kinds:
        logits = quick_logits(
            run, train_ids, np.asarray(train.labels, np.int64), dev_ids, class_weights=kind
        )
        if logits is None:
            return None
        found.append(logits.argmax(axis=1))
    return tuple(found)
