"""Counts classes, lengths and duplicates of labelled texts, without a model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import distinct


@dataclass(frozen=True)
class Lengths:
    """Quantiles of the lengths of texts.

    Attributes:
        shortest: The minimum.
        median: The 50 % quantile.
        long: The 95 % quantile.
        longest: The maximum.
    """

    shortest: int
    median: int
    long: int
    longest: int

    @classmethod
    def of(cls, lengths: NDArray[np.int64]) -> "Lengths":
        """Computes the quantiles of lengths, int `(texts,)` with at least one text."""
        ends = np.quantile(lengths, (0, 0.5, 0.95, 1), method="inverted_cdf")
        return cls(*(int(end) for end in ends))


@dataclass(frozen=True)
class CorpusFacts:
    """Counts of labelled texts.

    Attributes:
        texts: Number of texts.
        classes: Number of texts of each class, in id order.
        characters: Characters per text.
        exact_duplicates: Texts that repeat an earlier text to the character.
        near_duplicates: Other texts that repeat an earlier text except for spaces, punctuation,
            letter case or the width of characters.
        contradictory: Texts that occur with more than one label.
    """

    texts: int
    classes: dict[str, int]
    characters: Lengths
    exact_duplicates: int
    near_duplicates: int
    contradictory: int

    @property
    def largest_class(self) -> tuple[str, int]:
        """The most frequent class and its number of texts."""
        label = max(self.classes, key=self.classes.__getitem__)
        return label, self.classes[label]


def corpus_facts(corpus: Corpus) -> CorpusFacts:
    """Computes the facts of a corpus of at least one text."""
    exact = len(corpus) - len(distinct(corpus.exact_digests))
    return CorpusFacts(
        texts=len(corpus),
        classes=corpus.class_counts(),
        characters=Lengths.of(character_counts(corpus.texts)),
        exact_duplicates=exact,
        near_duplicates=len(corpus) - len(distinct(corpus.near_digests)) - exact,
        contradictory=len(corpus) - len(corpus.drop_contradictions()),
    )


def character_counts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Counts the characters of each text, int64 `(texts,)`."""
    return np.fromiter(map(len, texts), np.int64, len(texts))
