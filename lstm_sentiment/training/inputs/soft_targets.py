"""What a training with soft labels learns: a row of probabilities a text.

Of a text with a label and a soft label, the target is the mixture `(1 - weight) * label + weight *
soft`. Its cross entropy is that of the label and that of the soft label, weighted alike (Hinton et
al., https://arxiv.org/abs/1503.02531, section 2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import are_in, distinct, first_of_each
from lstm_sentiment.text.corpus.near_duplicates import positions_without
from lstm_sentiment.text.corpus.soft_labels import SoftLabels

_LEAST = 1e-6  # probability of a class that the teacher holds impossible, once it is tempered


@dataclass(frozen=True)
class SoftTargets:
    """The targets of the labelled training texts, then those of texts with soft labels alone.

    Attributes:
        more_texts: The texts with soft labels alone.
        targets: Probability of each class, float32 `(texts, classes)`.
        labels: The likeliest class of each text, int64 `(texts,)`; of a labelled text, its label.
    """

    more_texts: tuple[str, ...]
    targets: NDArray[np.float32]
    labels: NDArray[np.int64]


def soft_targets(
    soft_labels: SoftLabels,
    train: Corpus,
    dev: Corpus,
    *,
    weight: float,
    temperature: float,
    smoothing: float = 0.0,
) -> SoftTargets:
    """Makes the targets of a training.

    Args:
        soft_labels: The teacher's probabilities, with the classes of `train`. Texts that are in
            `dev`, or near duplicates of one, are left out.
        train: The labelled texts.
        dev: Texts not to be learned.
        weight: Share of the soft label in the target of a text that has both, 0 to 1.
        temperature: Divisor of the teacher's logits: above 1, the soft labels get softer.
        smoothing: Share of each label spread over all classes.
    """
    soft = soft_labels.select(positions_without(soft_labels.near_digests, dev.near_digests))
    rows = tempered(soft.probabilities, temperature)
    classes = len(train.label_names)
    labels = np.asarray(train.labels, np.int64)
    targets = np.full((len(labels), classes), smoothing / classes, np.float32)
    targets[np.arange(len(labels)), labels] += 1 - smoothing
    texts, places = matches(train.exact_digests, soft.exact_digests)
    targets[texts] = (1 - weight) * targets[texts] + weight * rows[places]
    alone = np.flatnonzero(~are_in(soft.exact_digests, distinct(train.exact_digests)))
    return SoftTargets(
        tuple(soft.texts[place] for place in alone),
        np.concatenate([targets, rows[alone]]),
        np.concatenate([labels, rows[alone].argmax(axis=1)]),
    )


def count_learned(train: Corpus, dev: Corpus, soft_labels: SoftLabels | None) -> int:
    """Returns the number of texts that are learned, those with soft labels alone included.

    Args:
        train: The labelled texts.
        dev: Texts not to be learned.
        soft_labels: As `soft_targets` takes them; `None` for none.
    """
    if soft_labels is None:
        return len(train)
    soft = soft_labels.select(positions_without(soft_labels.near_digests, dev.near_digests))
    return len(train) + int(np.sum(~are_in(soft.exact_digests, distinct(train.exact_digests))))


def tempered(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Returns the softmax of the logits of `probabilities` divided by `temperature`."""
    if temperature == 1:
        return probabilities
    logits = logits_of_soft_labels(probabilities)
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def logits_of_soft_labels(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the logarithms of probabilities, `(texts, classes)`; those of 0 are finite."""
    return np.log(np.maximum(probabilities, _LEAST), dtype=np.float64)


def matches(
    ours: NDArray[np.uint64], theirs: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the positions in `ours` of digests that `theirs` has too, and their places there."""
    first = first_of_each(theirs)
    order = first[np.argsort(theirs[first])]
    ascending = theirs[order]
    found = np.flatnonzero(are_in(ours, ascending))
    return found, order[np.searchsorted(ascending, ours[found])]
