"""Confident learning: how many labels of each class are wrong, and which.

C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident Learning: Estimating Uncertainty in Dataset
Labels", Journal of Artificial Intelligence Research 70, 2021, https://arxiv.org/abs/1911.00068.
"""

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.training.evaluation.intervals import Estimate, around

Probabilities = NDArray[np.float64]
Labels = NDArray[np.int64]

_LEAST = 1e-9
_LEAST_SHARE = 0.1
_BOOTSTRAPS = 1_000
_CONFIDENCE = 0.95


def confident_joint(
    labels: Labels, probabilities: Probabilities, classes: int
) -> NDArray[np.int64]:
    """Counts the texts of each given label that confidently belong to each class.

    A text confidently belongs to a class if its probability is at least the class's threshold: the
    mean probability of the class among the texts that are labelled with it. Of several such
    classes, the most probable one counts; a text without one is not counted.

    Args:
        labels: Given label ids, `(texts,)`.
        probabilities: Out-of-fold probabilities, `(texts, classes)`; rows sum to 1.
        classes: Number of classes. One without a text has no threshold, and no text belongs to it.

    Returns:
        `(classes, classes)`: given labels in rows, classes that the texts belong to in columns.
    """
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, probabilities[np.arange(len(labels)), labels], minlength=classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = probabilities >= thresholds - _LEAST
    belongs_to = np.where(confident, probabilities, -1.0).argmax(axis=1)
    counted = confident.any(axis=1)
    joint = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (labels[counted], belongs_to[counted]), 1)
    return joint


def estimated_joint(joint: NDArray[np.integer], counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Scales a confident joint to the number of texts of each given label.

    Args:
        joint: Result of `confident_joint`.
        counts: Number of texts of each given label, `(classes,)`.

    Returns:
        Estimated numbers of texts by given and true label, float64 `(classes, classes)`; the rows
        sum to `counts`.
    """
    # A class without a confident text is taken to be right throughout.
    kept = joint + np.diag((joint.sum(axis=1) == 0).astype(joint.dtype))
    return np.asarray(kept / kept.sum(axis=1, keepdims=True) * counts[:, None], np.float64)


def estimate_noise(joint: NDArray[np.integer], seed: int = 0) -> list[Estimate]:
    """Estimates the share of wrong labels among the texts of each given label.

    Args:
        joint: Result of `confident_joint`.
        seed: Of the bootstrap, which draws the counted texts anew for a 95 % interval.

    Returns:
        An estimate for each class, from 0 to 1.
    """
    generator = np.random.default_rng(seed)
    estimates = []
    for label, row in enumerate(joint):
        total = int(row.sum())
        if total == 0:
            estimates.append(Estimate(0.0, 0.0, 1.0))
            continue
        wrong = 1 - row[label] / total
        drawn = generator.multinomial(total, row / total, size=_BOOTSTRAPS)[:, label]
        tails = 100 * (1 - _CONFIDENCE) / 2
        low, high = np.percentile(1 - drawn / total, [tails, 100 - tails])
        estimates.append(around(float(wrong), float(low), float(high)))
    return estimates


def label_posteriors(
    labels: Labels, probabilities: Probabilities, joint: NDArray[np.float64]
) -> Probabilities:
    """Computes how likely each class is the true one of each text, by its label and its words.

    A classifier that has learned given labels, wrong ones included, knows the probabilities of
    given labels. Bayes' rule leads from them to true labels, by how often each class is given in
    the place of another.

    Args:
        labels: Given label ids, `(texts,)`.
        probabilities: Out-of-fold probabilities of given labels, `(texts, classes)`.
        joint: Result of `estimated_joint`.

    Returns:
        `(texts, classes)`; rows sum to 1.
    """
    given_of_true = joint / np.maximum(joint.sum(axis=0, keepdims=True), _LEAST)
    true = probabilities @ np.linalg.pinv(given_of_true).T
    # Where the confusions explain more than all of a probability, a tenth of it stays.
    both = given_of_true[labels] * np.maximum(true, _LEAST_SHARE * probabilities)
    # Of a class whose texts were not counted nothing is known: its labels are taken to be right.
    unknown = both.sum(axis=1) == 0
    both[unknown, labels[unknown]] = 1
    return np.asarray(both / both.sum(axis=1, keepdims=True), np.float64)
