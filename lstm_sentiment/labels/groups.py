"""Equal and nearly equal texts of a corpus, and the labels that they were given."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.corpus import Corpus


@dataclass(frozen=True)
class TextGroups:
    """The different texts of a corpus.

    Attributes:
        texts: Each different text once, with the label that most of its copies have.
        rows: Position of the first copy of each text and label, `(texts, classes)`; -1 where no
            copy has the label.
        votes: Number of copies of each text by label, `(texts, classes)`.
        near: Number of the group of near duplicates that each text belongs to, `(texts,)`.
    """

    texts: Corpus
    rows: NDArray[np.int64]
    votes: NDArray[np.int64]
    near: NDArray[np.int64]

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Label ids of `texts`, `(texts,)`."""
        return np.asarray(self.texts.labels, np.int64)

    @cached_property
    def contradictory(self) -> NDArray[np.bool_]:
        """Mask of the texts with two labels, `(texts,)`."""
        return np.asarray((self.votes > 0).sum(axis=1) > 1)

    @cached_property
    def near_votes(self) -> NDArray[np.int64]:
        """Number of copies and near duplicates of each text by label, `(texts, classes)`."""
        votes = np.zeros((int(self.near.max()) + 1, self.votes.shape[1]), np.int64)
        np.add.at(votes, self.near, self.votes)
        return votes[self.near]

    @cached_property
    def near_contradictory(self) -> NDArray[np.bool_]:
        """Mask of the texts with one label that have a near duplicate with another, `(texts,)`."""
        return np.asarray((self.near_votes > 0).sum(axis=1) > 1) & ~self.contradictory

    def twin(self, text: int, label: int) -> int:
        """Returns the first near duplicate of a text that has a label; -1 if there is none."""
        twins = np.flatnonzero((self.near == self.near[text]) & (self.labels == label))
        return int(twins[0]) if len(twins) else -1


def group_texts(corpus: Corpus) -> TextGroups:
    """Puts equal texts, and nearly equal ones, together.

    Empty texts are left out, and classes without another text.

    Raises:
        InvalidInputError: If the corpus has fewer different texts than classes.
    """
    positions = np.flatnonzero(np.array([bool(text) for text in corpus.texts], np.bool_))
    present, labels = np.unique(np.asarray(corpus.labels, np.int64)[positions], return_inverse=True)
    names = tuple(corpus.label_names[label] for label in present)
    _, first, group = np.unique(
        corpus.exact_digests[positions], return_index=True, return_inverse=True
    )
    # In the order of the corpus, not of the digests.
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    group = place[group]
    votes = np.zeros((len(first), len(names)), np.int64)
    rows = np.full(votes.shape, -1)
    np.add.at(votes, (group, labels), 1)
    # From the last to the first, so that the first copy stays.
    rows[group[::-1], labels[::-1]] = positions[::-1]
    texts = corpus.select(positions[first[order]])
    voted = Corpus(texts.texts, tuple(_voted(votes).tolist()), names)
    _, near = np.unique(voted.near_digests, return_inverse=True)
    return TextGroups(voted, rows, votes, near)


def _voted(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the label that most copies of each text have, so that each class has a text."""
    voted = votes.argmax(axis=1)
    for label in np.setdiff1d(np.arange(votes.shape[1]), voted):
        voted[np.flatnonzero(votes[:, label])[0]] = label
    if len(np.unique(voted)) < votes.shape[1]:
        raise InvalidInputError(
            "Each class needs a text that has no other label. "
            f"Received: {len(votes)} different texts of {votes.shape[1]} classes."
        )
    return np.asarray(voted)
