"""The teacher: a logistic regression on the embeddings of the labelled texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from lstm_sentiment.pipeline.teacher.embeddings import embed_texts
from lstm_sentiment.pipeline.teacher.encoder import Encoder
from lstm_sentiment.progress import Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.soft_labels import SoftLabels

ENOUGH_LABELS = 1_000
"""Labelled texts from which on the teacher was measured to be of no use."""

_INVERSE_PENALTIES = (1.0, 3.0, 10.0, 30.0)
_DEFAULT_INVERSE_PENALTY = 10.0
_FOLDS = 5
_DECIMALS = 4
_LEAST_PROBABILITY = 1e-4
_MOST_ROUNDS = 1_000

Rows = NDArray[np.float64]
Probabilities = NDArray[np.float32]


def teach(
    train: Corpus,
    unlabelled: Sequence[str],
    encoder: Encoder,
    *,
    cache_dir: Path,
    progress: Progress,
) -> SoftLabels:
    """Gives texts soft labels by a logistic regression on sentence embeddings.

    The regression learns the labelled texts, all classes weighing alike. Its penalty is chosen by
    the likelihood of labels out of fold.

    Args:
        train: The labelled texts.
        unlabelled: Other texts, none of them among `train`.
        encoder: Embeds the texts.
        cache_dir: As in `embed_texts`.
        progress: Receives the step of `embed_texts`, and a line on how right the teacher is.

    Returns:
        The labelled texts with the probabilities of a regression that has not learned them, then
        the unlabelled ones. Where a class has a single text, the unlabelled ones alone.
    """
    texts = (*train.texts, *unlabelled)
    rows = _centred(embed_texts(texts, encoder, cache_dir, progress))
    labels = np.asarray(train.labels, np.int64)
    known, new = rows[: len(labels)], rows[len(labels) :]
    chosen = _choose(known, labels, len(train.label_names))
    probabilities = _learn(known, labels, chosen.inverse_penalty, new, len(train.label_names))
    if chosen.out_of_fold is None:
        progress.say(f"Teacher e5: soft labels for {len(new):,} texts without a label")
        return SoftLabels(texts[len(labels) :], probabilities, train.label_names)
    right = np.mean(chosen.out_of_fold.argmax(axis=1) == labels)
    progress.say(
        f"Teacher e5: soft labels for {len(new):,} texts without a label; of the {len(labels):,} "
        f"labelled ones it gets {right:.1%} right that it has not learned from"
    )
    both = np.concatenate([chosen.out_of_fold, probabilities])
    return SoftLabels(texts, both, train.label_names)


@dataclass(frozen=True)
class _Choice:
    """A penalty, and the probabilities of labelled texts by regressions that left them out."""

    inverse_penalty: float = _DEFAULT_INVERSE_PENALTY
    out_of_fold: Probabilities | None = None


def _choose(rows: Rows, labels: NDArray[np.int64], classes: int) -> _Choice:
    """Returns the inverse penalty with the highest likelihood out of fold."""
    counts = np.bincount(labels, minlength=classes)
    smallest = int(counts[counts > 0].min())
    if smallest < 2:
        return _Choice()
    folds = StratifiedKFold(min(_FOLDS, smallest), shuffle=True, random_state=0)
    splits = list(folds.split(rows, labels))

    def out_of_fold(inverse_penalty: float) -> Probabilities:
        found = np.zeros((len(labels), classes), np.float32)
        for inside, outside in splits:
            found[outside] = _learn(
                rows[inside], labels[inside], inverse_penalty, rows[outside], classes
            )
        return found

    def loss(probabilities: Probabilities) -> float:
        right = probabilities[np.arange(len(labels)), labels]
        return float(-np.mean(np.log(np.maximum(right, _LEAST_PROBABILITY))))

    found = {value: out_of_fold(value) for value in _INVERSE_PENALTIES}
    best = min(_INVERSE_PENALTIES, key=lambda value: loss(found[value]))
    return _Choice(best, found[best])


def _learn(
    rows: Rows, labels: NDArray[np.int64], inverse_penalty: float, new: Rows, classes: int
) -> Probabilities:
    """Learns labelled rows; returns the probabilities of new ones, `(new, classes)`."""
    regression = LogisticRegression(
        C=inverse_penalty, max_iter=_MOST_ROUNDS, class_weight="balanced"
    ).fit(rows, labels)
    probabilities = np.zeros((len(new), classes))
    probabilities[:, regression.classes_] = regression.predict_proba(new)
    # A resumed run compares them: other threads of the linear algebra must not make others.
    return probabilities.round(_DECIMALS).astype(np.float32)


def _centred(embeddings: NDArray[np.float32]) -> Rows:
    """Returns embeddings less their mean, each of length 1.

    Those of e5 all point in about one direction; the rest distinguishes the texts.
    """
    rows = embeddings.astype(np.float64)
    rows -= rows.mean(axis=0)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
