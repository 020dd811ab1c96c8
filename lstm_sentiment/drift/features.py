"""Features of texts, in groups: drift compares the shares of texts that have them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.drift.word_set import words_of

LENGTH, OOV_RATE, WORDS, CLASSES, CONFIDENCE = GROUPS = (
    "length",
    "oov_rate",
    "words",
    "classes",
    "confidence",
)
"""Names of the groups, which all weigh the same."""

LENGTH_BOUNDS = (
    *(1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500, 750),
    *(1000, 1500, 2000, 3000, 5000),
)
"""A text has the feature if it has more characters."""

OOV_BOUNDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75)
"""A text has the feature if a larger share of its tokens is not in the vocabulary."""

CONFIDENCE_BOUNDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
"""A text has the feature if the probability of its predicted class is higher."""

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class MeasuredTexts:
    """Texts with what is known of them.

    Attributes:
        texts: The raw texts.
        oov_rates: Share of each text's tokens that the vocabulary lacks, float `(texts,)`; `None`
            if unknown.
        classes: Id of each text's predicted class, int `(texts,)`; `None` if unknown.
        confidences: Probability of that class, float `(texts,)`; `None` if unknown.
    """

    texts: Sequence[str]
    oov_rates: NDArray[Any] | None = None
    classes: NDArray[Any] | None = None
    confidences: NDArray[Any] | None = None


class FeatureSet:
    """The features of one version: its classes and the words that are counted."""

    def __init__(self, words: Sequence[str], labels: Sequence[str]) -> None:
        """Makes the features.

        Args:
            words: The words to count, each once.
            labels: Names of the classes, in id order.
        """
        self.words, self.labels = tuple(words), tuple(labels)
        self._places = {word: place for place, word in enumerate(self.words)}
        self.sizes = {
            LENGTH: len(LENGTH_BOUNDS),
            OOV_RATE: len(OOV_BOUNDS),
            WORDS: len(self.words),
            CLASSES: len(self.labels),
            CONFIDENCE: len(CONFIDENCE_BOUNDS),
        }

    def flags(self, measured: MeasuredTexts) -> dict[str, Flags]:
        """Returns which text has which feature.

        Returns:
            For each group that is known, bool `(texts, features)`.
        """
        lengths = np.array([len(text) for text in measured.texts])
        return {
            LENGTH: _above(lengths, LENGTH_BOUNDS),
            WORDS: self._words(measured.texts),
            **self.answer_flags(measured),
        }

    def answer_flags(self, measured: MeasuredTexts) -> dict[str, Flags]:
        """Returns which text has which feature, without the groups that the raw texts give."""
        flags = {}
        if measured.oov_rates is not None:
            flags[OOV_RATE] = _above(measured.oov_rates, OOV_BOUNDS)
        if measured.classes is not None:
            classes = np.asarray(measured.classes)
            flags[CLASSES] = classes[:, None] == np.arange(len(self.labels))
        if measured.confidences is not None:
            flags[CONFIDENCE] = _above(measured.confidences, CONFIDENCE_BOUNDS)
        return flags

    def name(self, group: str, place: int) -> str:
        """Returns a feature in words, to follow "texts"."""
        match group:
            case "length":
                return f"longer than {LENGTH_BOUNDS[place]:,} characters"
            case "oov_rate":
                return f"with more than {OOV_BOUNDS[place]:.0%} of tokens out of the vocabulary"
            case "words":
                return f"with the word {self.words[place]!r}"
            case "classes":
                return f"answered {self.labels[place]!r}"
            case _:
                return f"answered with a probability above {CONFIDENCE_BOUNDS[place]:.0%}"

    def _words(self, texts: Sequence[str]) -> Flags:
        flags = np.zeros((len(texts), len(self.words)), np.bool_)
        for row, text in enumerate(texts):
            places = map(self._places.get, words_of(text))
            flags[row, [place for place in places if place is not None]] = True
        return flags


class Tally:
    """Counts of texts that have each feature.

    Attributes:
        texts: Texts counted, by group.
        counts: Texts that have each feature, int64 `(features,)`, by group.
    """

    def __init__(self, texts: Mapping[str, int], counts: Mapping[str, Any]) -> None:
        """Makes a tally of counts, which are copied."""
        self.texts = dict(texts)
        self.counts = {group: np.array(found, np.int64) for group, found in counts.items()}

    def __add__(self, other: "Tally") -> "Tally":
        """Returns the counts of both."""
        total = Tally(self.texts, self.counts)
        for group, found in other.counts.items():
            total.texts[group] = total.texts.get(group, 0) + other.texts[group]
            total.counts[group] = total.counts.get(group, 0) + found
        return total

    def __sub__(self, earlier: "Tally") -> "Tally":
        """Returns the counts that came after an earlier tally of the same texts."""
        later = Tally(self.texts, self.counts)
        for group, found in earlier.counts.items():
            later.texts[group] -= earlier.texts[group]
            later.counts[group] -= found
        return later

    @classmethod
    def of_flags(cls, flags: Mapping[str, Flags]) -> "Tally":
        """Counts the texts of `FeatureSet.flags`."""
        texts = {group: len(found) for group, found in flags.items()}
        return cls(texts, {group: found.sum(axis=0) for group, found in flags.items()})

    @classmethod
    def sum(cls, tallies: Iterable["Tally"]) -> "Tally":
        """Returns the counts of all."""
        total = cls({}, {})
        for tally in tallies:
            total += tally
        return total


def _above(values: NDArray[Any], bounds: Sequence[float]) -> Flags:
    return np.asarray(values)[:, None] > np.asarray(bounds)
