"""Linear classifiers of n-grams: out-of-fold logits, and which parts of a text support a label."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.training.config import ClassWeights
from lstm_sentiment.training.ngram_regression import Examples, fit_regression

Kernel = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weights of the n-grams, `(ngrams, classes)`, and bias, `(classes,)`."""


def fit_linear(
    rows: csr_matrix, labels: NDArray[np.int64], class_weights: ClassWeights = "none"
) -> Kernel:
    """Trains a linear classifier on rows of `TextFeatures`; each class must have a text."""
    examples = Examples.of(labels, None, class_weights)
    return fit_regression(rows, examples, class_weights, roughly=True)


def texts_to_train_on(
    labels: NDArray[np.int64], others: NDArray[np.bool_], trusted: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Returns the positions of the trusted texts outside of a fold, ascending.

    A class without a trusted text there keeps all of its texts there.

    Args:
        labels: Label ids, `(texts,)`.
        others: Mask of the texts outside of the fold, `(texts,)`.
        trusted: Mask of the texts whose labels are trusted, `(texts,)`.
    """
    lost = np.setdiff1d(labels[others], labels[others & trusted])
    return np.flatnonzero(others & (trusted | np.isin(labels, lost)))


def linear_logits(
    rows: csr_matrix,
    labels: NDArray[np.int64],
    folds: NDArray[np.int64],
    trusted: NDArray[np.bool_],
    progress: Progress = SILENT,
) -> NDArray[np.float64]:
    """Trains a linear classifier for each fold on trusted other texts, and scores the fold.

    Args:
        rows: Rows of `TextFeatures`, `(texts, ngrams)`.
        labels: Label ids, `(texts,)`.
        folds: The fold of each text, as `deal_folds` returns them, int64 `(texts,)`. Texts that are
            in no fold have logits of 0.
        trusted: Mask of the texts to train on, `(texts,)`; all texts are scored.
        progress: Receives one step of as many parts as there are folds.

    Returns:
        Logits, float64 `(texts, classes)`.
    """
    logits = np.zeros((len(labels), int(labels.max()) + 1))
    count = int(folds.max()) + 1
    with progress.step("Training linear classifiers", count) as advance:
        for fold in range(count):
            train = texts_to_train_on(labels, folds != fold, trusted)
            held_out = np.flatnonzero(folds == fold)
            kernel, bias = fit_linear(rows[train], labels[train])
            logits[held_out] = rows[held_out] @ kernel + bias
            advance()
    return logits
