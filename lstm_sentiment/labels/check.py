"""`find_label_issues`: which labels of a corpus are likely wrong."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import in_range
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.confident_learning import (
    confident_joint,
    estimate_noise,
    estimated_joint,
    label_posteriors,
)
from lstm_sentiment.labels.groups import TextGroups, group_texts
from lstm_sentiment.labels.issues import MOST_FOLDS, Confusion, IssueKind, LabelIssue, LabelIssues
from lstm_sentiment.labels.linear import linear_logits
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import exact_digest
from lstm_sentiment.training.evaluation.calibration import fit_temperature
from lstm_sentiment.training.evaluation.intervals import estimate_accuracy
from lstm_sentiment.training.folds import NEVER_HELD_OUT, deal_folds

Probabilities = NDArray[np.float64]


def find_label_issues(
    corpus: Corpus,
    *,
    quick: bool = False,
    config: PipelineConfig | None = None,
    folds: int = 5,
    seed: int = 0,
    cache_dir: str | os.PathLike[str] = Path("runs") / "cache",
    progress: Progress = SILENT,
) -> LabelIssues:
    """Finds the labels of a corpus that are likely wrong.

    The texts are dealt into folds, and each fold is scored by a classifier that was trained on the
    others. Confident learning (Northcutt, Jiang and Chuang 2021, https://arxiv.org/abs/1911.00068)
    estimates from these probabilities how often each class was given in the place of another, and
    Bayes' rule how likely each label is right.

    Args:
        corpus: Labelled texts, duplicates and contradictions included.
        quick: Scores by a linear classifier of n-grams, which takes seconds. By default each fold
            is scored by a classifier as `run_pipeline` trains it.
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
    corpus.require_classes()
    groups = group_texts(_with_present_classes(corpus))
    numbers = deal_folds(groups.labels, groups.texts.near_digests, folds, seed)
    checked = numbers != NEVER_HELD_OUT
    if not checked.any():
        raise InvalidInputError(
            "At least two classes need two different texts each, to be checked in two folds. "
            f"Received: {len(groups.texts)} different texts."
        )
    if quick:
        logits = linear_logits(groups.texts, numbers, progress)
    else:
        # It imports TensorFlow, which a quick check does without.
        from lstm_sentiment.labels.network import network_logits

        config = config or PipelineConfig()
        logits = network_logits(
            groups.texts, numbers, config, cache_dir=Path(cache_dir), progress=progress
        )
    return _issues(groups, _calibrated(logits, groups.labels, checked), checked, numbers)


def _with_present_classes(corpus: Corpus) -> Corpus:
    """Leaves out the classes that no text has."""
    present, labels = np.unique(np.asarray(corpus.labels, np.int64), return_inverse=True)
    if len(present) == len(corpus.label_names):
        return corpus
    names = tuple(corpus.label_names[label] for label in present)
    return Corpus(corpus.texts, tuple(labels.tolist()), names)


def _calibrated(
    logits: NDArray[np.float64], labels: NDArray[np.int64], checked: NDArray[np.bool_]
) -> Probabilities:
    scores = logits / fit_temperature(logits[checked], labels[checked])
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def _issues(
    groups: TextGroups,
    probabilities: Probabilities,
    checked: NDArray[np.bool_],
    numbers: NDArray[np.int64],
) -> LabelIssues:
    labels, classes = groups.labels, groups.votes.shape[1]
    judged = checked & ~groups.contradictory & ~groups.near_contradictory
    joint = confident_joint(labels[judged], probabilities[judged], classes)
    counts = np.bincount(labels[judged], minlength=classes)
    estimated = estimated_joint(joint, counts)
    posteriors = label_posteriors(labels, probabilities, estimated)
    found = [
        *_wrong(groups, probabilities, posteriors, judged),
        *_contradictory(groups, probabilities, posteriors),
        *_near_duplicates(groups, probabilities, posteriors),
    ]
    right = int((probabilities.argmax(axis=1) == labels)[checked].sum())
    names = groups.texts.label_names
    return LabelIssues(
        issues=tuple(sorted(found, key=lambda issue: (issue.score, issue.row))),
        noise=dict(zip(names, estimate_noise(joint), strict=True)),
        confusions=_confusions(estimated, names),
        accuracy=estimate_accuracy(right, int(checked.sum())),
        label_names=names,
        texts=int(checked.sum()),
        folds=int(numbers.max()) + 1,
        unchecked=int((~checked).sum()),
    )


def _wrong(
    groups: TextGroups,
    probabilities: Probabilities,
    posteriors: Probabilities,
    judged: NDArray[np.bool_],
) -> Iterator[LabelIssue]:
    """Yields the labels that are more likely wrong than right."""
    likely = posteriors.argmax(axis=1)
    for text in np.flatnonzero(judged & (likely != groups.labels)).tolist():
        yield _issue(groups, probabilities, posteriors, text, int(likely[text]), "wrong")


def _contradictory(
    groups: TextGroups, probabilities: Probabilities, posteriors: Probabilities
) -> Iterator[LabelIssue]:
    """Yields each label of a text that most copies, or with as many the classifier, gainsay."""
    for text in np.flatnonzero(groups.contradictory).tolist():
        likely = _most_voted(groups.votes[text], probabilities[text])
        for given in np.flatnonzero(groups.votes[text]).tolist():
            if given != likely:
                yield _issue(
                    groups, probabilities, posteriors, text, likely, "contradictory", given
                )


def _near_duplicates(
    groups: TextGroups, probabilities: Probabilities, posteriors: Probabilities
) -> Iterator[LabelIssue]:
    """Yields the labels that most near duplicates gainsay."""
    for text in np.flatnonzero(groups.near_contradictory).tolist():
        likely = _most_voted(groups.near_votes[text], probabilities[text])
        if groups.labels[text] != likely:
            yield _issue(groups, probabilities, posteriors, text, likely, "near_duplicate")


def _most_voted(votes: NDArray[np.int64], probabilities: Probabilities) -> int:
    return max(range(len(votes)), key=lambda label: (votes[label], probabilities[label]))


def _issue(
    groups: TextGroups,
    probabilities: Probabilities,
    posteriors: Probabilities,
    text: int,
    likely: int,
    kind: IssueKind,
    given: int | None = None,
) -> LabelIssue:
    given = int(groups.labels[text]) if given is None else given
    names, words = groups.texts.label_names, groups.texts.texts[text]
    twin = groups.twin(text, likely) if kind == "near_duplicate" else -1
    return LabelIssue(
        row=int(groups.rows[text, given]) + 1,
        text=words,
        digest=exact_digest(words).hex(),
        given_label=names[given],
        likely_label=names[likely],
        kind=kind,
        score=float(posteriors[text, given]),
        probability_of_given=float(probabilities[text, given]),
        probability_of_likely=float(probabilities[text, likely]),
        nearest_text=groups.texts.texts[twin] if twin >= 0 else "",
    )


def _confusions(joint: NDArray[np.float64], names: tuple[str, ...]) -> tuple[Confusion, ...]:
    """Returns the confusions of at least half a text."""
    found = [
        Confusion(names[given], names[likely], round(float(joint[given, likely]), 1))
        for given, likely in np.argwhere(joint >= 0.5)
        if given != likely
    ]
    return tuple(sorted(found, key=lambda confusion: -confusion.texts))
