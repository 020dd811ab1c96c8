"""The linear classifier of n-grams in NumPy and SciPy: features, regression, log ratios.

Imports no TensorFlow, so that labels can be checked within seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from lstm_sentiment.training.config import ClassWeights

_RARE = 2  # n-grams of fewer texts are left out: they would only memorize a text
_MANY_TEXTS = 2_000  # from which on rare n-grams weigh more
_INVERSE_PENALTY = 10.0
_TO_THE_END: Mapping[str, Any] = {"max_iter": 300}
_ROUGHLY: Mapping[str, Any] = {"solver": "liblinear", "dual": True, "tol": 0.1, "random_state": 0}
_LEAST_PROBABILITY = 0.01  # of a class that becomes a row of a text with soft labels


def frequent_ngrams(
    counts: NDArray[np.int64], most: int, *, least_texts: int = _RARE
) -> NDArray[np.int64]:
    """Returns the positions of the n-grams to keep, ascending.

    Args:
        counts: Number of texts that hold each n-gram, `(ngrams,)`.
        most: Number of n-grams to keep, the most frequent ones.
        least_texts: N-grams of fewer texts are left out.
    """
    kept = np.flatnonzero(counts >= least_texts)
    if len(kept) > most:
        by_count = np.argsort(-counts[kept], kind="stable")
        kept = np.sort(kept[by_count[:most]])
    return kept


def inverse_document_frequencies(counts: NDArray[np.int64], texts: int) -> NDArray[np.float64]:
    """Returns the inverse document frequencies of n-grams; 1 for all if the texts are few.

    With few texts nearly all n-grams are rare, which means nothing.
    """
    if texts < _MANY_TEXTS:
        return np.ones(len(counts))
    return np.asarray(np.log((1 + texts) / (1 + counts)) + 1)


def unit_rows(
    rows: NDArray[np.int32], columns: NDArray[np.int32], idf: NDArray[np.float64], texts: int
) -> csr_matrix:
    """Returns the weights of the texts' n-grams, `(texts, ngrams)`, each row of length 1."""
    values = idf[columns]
    lengths = np.sqrt(np.bincount(rows, values**2, minlength=texts))
    return csr_matrix((values / lengths[rows], (rows, columns)), shape=(texts, len(idf)))


@dataclass(frozen=True)
class Examples:
    """What the regression learns: texts, or with soft labels a weighted row a text and class.

    Attributes:
        labels: The class of each row, `(rows,)`.
        texts: The text of each row; `None` for each text once.
        weights: Of each row; `None` weighs all alike.
    """

    labels: NDArray[np.int64]
    texts: NDArray[np.int64] | None = None
    weights: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        labels: NDArray[np.int64],
        targets: NDArray[np.float32] | None,
        class_weights: ClassWeights,
    ) -> "Examples":
        """Makes the rows of texts from their labels, or from the probabilities in `targets`."""
        if targets is None:
            return cls(labels)
        texts, classes = np.nonzero(targets >= _LEAST_PROBABILITY)
        weights = targets[texts, classes].astype(np.float64)
        if class_weights == "balanced":
            mass = np.bincount(classes, weights)
            weights *= weights.sum() / (np.count_nonzero(mass) * mass[classes])
        return cls(classes, texts, weights)


def fit_regression(
    features: csr_matrix,
    examples: Examples,
    class_weights: ClassWeights,
    *,
    roughly: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns kernel `(ngrams, classes)` and bias `(classes,)`.

    `roughly` takes a solver that is a few times as fast and stops early.

    Each class has a logistic regression against the others. Its features are scaled by the log
    ratio of how often the n-grams occur inside and outside of the class, which helps more with few
    texts than the plain features (Wang and Manning, 2012, https://aclanthology.org/P12-2018).
    """
    rows = features if examples.texts is None else features[examples.texts]
    labels, weights = examples.labels, examples.weights
    if class_weights == "balanced" and weights is None:
        weights = compute_sample_weight("balanced", labels)
    counts = _counts(rows, labels, weights)
    # Two classes have one regression: the second's mirrors the first's.
    columns = []
    for label in (1,) if len(counts) == 2 else range(len(counts)):
        ratio = _log_ratio(counts[label], counts.sum(axis=0) - counts[label])
        regression = LogisticRegression(
            C=_INVERSE_PENALTY, **(_ROUGHLY if roughly else _TO_THE_END)
        )
        regression.fit((rows @ diags(ratio)).tocsr(), labels == label, weights)
        columns.append(np.append(ratio * regression.coef_[0], regression.intercept_))
    both = np.stack(columns, axis=1)
    if len(counts) == 2:
        both = np.hstack([-both, both]) / 2
    return both[:-1], both[-1]


def _counts(
    features: csr_matrix, labels: NDArray[np.int64], weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Returns the weight of each class's texts that hold an n-gram, `(classes, ngrams)`."""
    texts = len(labels)
    values = np.ones(texts) if weights is None else weights
    of_class = csr_matrix((values, (labels, np.arange(texts))))
    return np.asarray((of_class @ features.sign()).toarray())


def _log_ratio(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the log ratio of the n-grams' shares in a class and outside, smoothed by one text."""
    inside, outside = 1 + inside, 1 + outside
    return np.asarray(np.log((inside / inside.sum()) / (outside / outside.sum())))
