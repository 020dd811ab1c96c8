"""What there is to know of labelled texts before any model is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import distinct


@dataclass(frozen=True)
class Lengths:
    """How long texts are.

    Attributes:
        shortest: The shortest of them.
        median: Half of them are no longer.
        long: 95 % of them are no longer.
        longest: The longest of them.
    """

    shortest: int
    median: int
    long: int
    longest: int

    @classmethod
    def of(cls, lengths: NDArray[np.int64]) -> "Lengths":
        """Sums lengths up.

        Args:
            lengths: One for each text; at least one.
        """
        ends = np.quantile(lengths, (0, 0.5, 0.95, 1), method="inverted_cdf")
        return cls(*(int(end) for end in ends))


@dataclass(frozen=True)
class CorpusFacts:
    """What labelled texts are like.

    Attributes:
        texts: How many there are.
        classes: Number of texts of each class, in id order.
        characters: How many each text has.
        exact_duplicates: Texts that occur before, to the character.
        near_duplicates: Other texts that occur before but for spaces, punctuation, letter case or
            the width of characters.
        contradictory: Texts that occur under more than one label.
    """

    texts: int
    classes: dict[str, int]
    characters: Lengths
    exact_duplicates: int
    near_duplicates: int
    contradictory: int

    @property
    def largest_class(self) -> tuple[str, int]:
        """The class that most texts have, and how many have it."""
        label = max(self.classes, key=self.classes.__getitem__)
        return label, self.classes[label]


def corpus_facts(corpus: Corpus) -> CorpusFacts:
    """Counts what a reader should know of texts before believing a score on them.

    Args:
        corpus: At least one text.
    """
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
    """Characters of each text, `(texts,)`."""
    return np.fromiter(map(len, texts), np.int64, len(texts))
