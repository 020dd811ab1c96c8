"""Deals texts into the folds of a cross-validation."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.config import CrossValidation

NEVER_HELD_OUT = -1
"""The fold of a text that is trained on in every fold."""

FEW_DEV_TEXTS = 200
"""`auto` cross-validates with fewer dev texts: their accuracy has a standard error above 2 %."""

MOST_TEXTS = 3_000
"""`auto` does not cross-validate with more labelled texts: it would take long."""

_FOLDS = 5
_FEWER_FOLDS = 3  # where texts with soft labels alone make each training long


@dataclass(frozen=True)
class Folds:
    """Texts and the folds that they are dealt into.

    Attributes:
        texts: The texts.
        numbers: The fold of each text, from 0, or `NEVER_HELD_OUT`, int64 `(texts,)`.
    """

    texts: Corpus
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of folds."""
        return int(self.numbers.max()) + 1

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Label id of each text, int64 `(texts,)`."""
        return np.asarray(self.texts.labels, np.int64)

    @cached_property
    def held_out_labels(self) -> NDArray[np.int64]:
        """Label ids of the texts in folds, fold after fold."""
        return np.concatenate([self.labels[self.held_out(fold)] for fold in range(len(self))])

    def held_out(self, fold: int) -> NDArray[np.int64]:
        """Returns the positions of a fold's texts, ascending."""
        return np.flatnonzero(self.numbers == fold)

    def others(self, fold: int) -> NDArray[np.int64]:
        """Returns the positions of the texts to train on for a fold, ascending."""
        return np.flatnonzero(self.numbers != fold)


def make_folds(train: Corpus, dev: Corpus, count: int, seed: int) -> Folds | None:
    """Deals training and dev texts into at most `count` folds; see `deal_folds`.

    Returns:
        The folds, with all texts in memory; `None` for fewer than two.
    """
    if count < 2:
        return None
    labels = tuple(int(label) for part in (train, dev) for label in part.labels)
    texts = Corpus((*train.texts, *dev.texts), labels, train.label_names)
    numbers = deal_folds(np.asarray(labels, np.int64), texts.near_digests, count, seed)
    folds = Folds(texts, numbers)
    return folds if len(folds) > 1 else None


def number_of_folds(
    setting: CrossValidation, *, train_texts: int, dev_texts: int, soft_texts: int = 0
) -> int:
    """Returns the number of folds that a setting means; 0 for no cross-validation.

    Args:
        setting: As in `TrainingConfig`.
        train_texts: Number of labelled texts to train on.
        dev_texts: Number of dev texts.
        soft_texts: Number of texts with soft labels alone.
    """
    if setting == "off":
        return 0
    if setting != "auto":
        return int(setting)
    labelled = train_texts + dev_texts
    if dev_texts >= FEW_DEV_TEXTS or labelled > MOST_TEXTS:
        return 0
    return _FOLDS if labelled + soft_texts <= MOST_TEXTS else _FEWER_FOLDS


def deal_folds(
    labels: NDArray[np.int64], digests: NDArray[np.uint64], folds: int, seed: int
) -> NDArray[np.int64]:
    """Deals texts into folds, stratified by class.

    Texts with the same digest are in the same fold. A class whose texts would all be in one fold is
    never held out, because the classifier of that fold would not know the class.

    Args:
        labels: Label id of each text, `(texts,)`.
        digests: `near_digests` of the texts, `(texts,)`.
        folds: Largest number of folds, at least 2.
        seed: The same seed deals the same folds.

    Returns:
        The fold of each text, from 0, or `NEVER_HELD_OUT`, int64 `(texts,)`. Without gaps; empty
        folds are left out.
    """
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    of_group = np.empty(len(first), np.int64)
    generator = np.random.default_rng(seed)
    dealt = 0
    for label in np.unique(labels[first]):
        members = generator.permutation(np.flatnonzero(labels[first] == label))
        # Each class goes on where the one before it ended, so that all folds have the same size.
        of_group[members] = (dealt + np.arange(len(members))) % folds
        dealt += len(members)
    for label in np.unique(labels):
        groups = np.unique(group[labels == label])
        if len(np.unique(of_group[groups])) == 1:
            of_group[groups] = NEVER_HELD_OUT
    kept = np.unique(of_group[of_group != NEVER_HELD_OUT])
    held_out = of_group != NEVER_HELD_OUT
    of_group[held_out] = np.searchsorted(kept, of_group[held_out])
    return of_group[group]
