"""`find_label_issues`: which labels of a corpus are likely wrong."""

import os
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import in_range, positive
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.confident_learning import estimate_noise
from lstm_sentiment.labels.groups import TextGroups, group_texts
from lstm_sentiment.labels.issues import MOST_FOLDS, Confusion, LabelIssue, LabelIssues
from lstm_sentiment.labels.linear import linear_logits
from lstm_sentiment.labels.scoring import ScoredLabels, ScoreFolds, score_labels
from lstm_sentiment.labels.suspects import Suspects
from lstm_sentiment.labels.text_features import TextFeatures
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.evaluation.intervals import estimate_accuracy
from lstm_sentiment.training.folds import NEVER_HELD_OUT, deal_folds


def find_label_issues(
    corpus: Corpus,
    *,
    quick: bool = False,
    number: int | None = None,
    config: PipelineConfig | None = None,
    folds: int = 5,
    seed: int = 0,
    cache_dir: str | os.PathLike[str] = Path("runs") / "cache",
    progress: Progress = SILENT,
) -> LabelIssues:
    """Finds the labels of a corpus that are likely wrong.

    The texts are dealt into folds, and each fold is scored by classifiers that were trained on the
    others: first by linear ones of n-grams, then by classifiers that leave out the suspects of the
    first round. Confident learning (Northcutt, Jiang and Chuang 2021,
    https://arxiv.org/abs/1911.00068) estimates from the probabilities how often each class was
    given in the place of another, and Bayes' rule how likely each label is right.

    Args:
        corpus: Labelled texts, duplicates and contradictions included.
        quick: Takes linear classifiers in the second round too, which takes seconds. By default
            each fold is scored by a classifier as `run_pipeline` trains it.
        number: Number of suspects that classifiers find: the labels that are least likely right.
            `None` takes as many as are estimated to be wrong, and all that are more likely wrong
            than right. Contradictory and nearly equal texts come on top.
        config: Settings of these classifiers, of which those of files and of the version's place
            are not used; `None` takes the defaults.
        folds: Number of folds, from 2 to 50.
        seed: Deals the folds.
        cache_dir: Folder that keeps trained word vectors for the next run on the same texts.
        progress: Receives each step.

    Raises:
        InvalidInputError: If there are fewer than two classes with two different texts, or `folds`
            is out of range, or `config` begins with a version, which may have learned the labels.
        TrainingError: If the loss of a training is not finite.
    """
    in_range(2, MOST_FOLDS, folds=folds)
    positive(number=number)
    corpus.require_classes()
    groups = group_texts(corpus)
    numbers = deal_folds(groups.labels, groups.texts.near_digests, folds, seed)
    checked = numbers != NEVER_HELD_OUT
    judged = checked & ~groups.contradictory & ~groups.near_contradictory
    if len(np.unique(groups.labels[judged])) < 2:
        raise InvalidInputError(
            "At least two classes need two different texts each, to be checked in two folds. "
            f"Received: {len(groups.texts)} different texts."
        )
    features = TextFeatures(groups.texts.texts, progress)
    if features.rows.shape[1] == 0:
        raise InvalidInputError(
            "At least one word or character must occur in two texts. "
            f"Received: {len(groups.texts)} texts without one."
        )
    first: ScoreFolds = partial(
        linear_logits, features.rows, groups.labels, numbers, progress=progress
    )
    second = first
    if not quick:
        # It imports TensorFlow, which a quick check does without.
        from lstm_sentiment.labels.network import network_logits

        second = partial(
            network_logits,
            groups.texts,
            numbers,
            config=config or PipelineConfig(),
            cache_dir=Path(cache_dir),
            progress=progress,
        )
    scored = score_labels(groups.labels, judged, first, second)
    if number is None:
        number = max(scored.estimated_wrong, int((scored.likely != groups.labels)[judged].sum()))
    suspects = Suspects(groups, features, scored, judged, number).issues(progress)
    return _result(groups, scored, numbers, suspects)


def _result(
    groups: TextGroups,
    scored: ScoredLabels,
    numbers: NDArray[np.int64],
    suspects: tuple[LabelIssue, ...],
) -> LabelIssues:
    checked, names = numbers != NEVER_HELD_OUT, groups.texts.label_names
    right = int((scored.probabilities.argmax(axis=1) == groups.labels)[checked].sum())
    return LabelIssues(
        issues=suspects,
        noise=dict(zip(names, estimate_noise(scored.joint), strict=True)),
        confusions=_confusions(scored.estimated, names),
        accuracy=estimate_accuracy(right, int(checked.sum())),
        label_names=names,
        texts=int(checked.sum()),
        folds=int(numbers.max()) + 1,
        unchecked=int((~checked).sum()),
    )


def _confusions(joint: NDArray[np.float64], names: tuple[str, ...]) -> tuple[Confusion, ...]:
    """Returns the confusions of at least half a text."""
    found = [
        Confusion(names[given], names[likely], round(float(joint[given, likely]), 1))
        for given, likely in np.argwhere(joint >= 0.5)
        if given != likely
    ]
    return tuple(sorted(found, key=lambda confusion: -confusion.texts))
