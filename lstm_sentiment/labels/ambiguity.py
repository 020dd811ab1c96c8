"""Texts that support both of two labels, such as praise and complaint at once."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.labels.linear import Kernel
from lstm_sentiment.labels.text_features import TextFeatures

AMBIGUOUS_SHARE = 0.1
"""A text is ambiguous if what its clauses say for the given label is at least this share of what
they say for the likely one. It was chosen on 62 suspects of hotel reviews that were read."""

_CLAUSE_END = re.compile(r"[，。！？；．,.!?;\n~…]+")
_TEXTS_OF_A_CLASS = 300


def clauses_of(text: str) -> list[str]:
    """Cuts a text after each comma, full stop and other mark that ends a clause."""
    return [clause for clause in _CLAUSE_END.split(text) if clause.strip()]


class ClauseScores:
    """Scores of clauses as if each was a text of its own.

    Args:
        features: Features of the texts.
        kernel: A linear classifier with balanced classes, trained on texts with trusted labels.
        texts: These texts.
        labels: Their label ids, `(texts,)`.
        seed: Draws up to 300 texts of each class, whose clauses show what is usual.
    """

    def __init__(
        self,
        features: TextFeatures,
        kernel: Kernel,
        texts: Sequence[str],
        labels: NDArray[np.int64],
        seed: int = 0,
    ) -> None:
        """Computes the mean scores of the clauses of each class."""
        self._features, self._kernel = features, kernel
        generator = np.random.default_rng(seed)
        means = []
        for label in range(len(kernel[1])):
            of_label = np.flatnonzero(labels == label)
            drawn = generator.permutation(of_label)[:_TEXTS_OF_A_CLASS]
            clauses = [clause for place in drawn.tolist() for clause in clauses_of(texts[place])]
            means.append(
                self._scores(clauses).mean(axis=0) if clauses else np.zeros(len(kernel[1]))
            )
        self._means = np.array(means)

    def is_ambiguous(self, text: str, given: int, likely: int) -> bool:
        """Returns whether some clauses of a text support one label, and some the other.

        A clause supports the label of which it is beyond the middle between what the clauses of
        both classes usually say.

        Args:
            text: A text.
            given: Label id that the text was given.
            likely: Label id that the text likely should have.
        """
        clauses = clauses_of(text)
        if not clauses:
            return False
        scores = self._scores(clauses)
        usual = self._means[[given, likely]]
        middle = float((usual[:, likely] - usual[:, given]).mean())
        for_likely = scores[:, likely] - scores[:, given] - middle
        likely_says = float(np.clip(for_likely, 0, None).sum())
        given_says = float(np.clip(-for_likely, 0, None).sum())
        return given_says >= AMBIGUOUS_SHARE * likely_says

    def _scores(self, clauses: Sequence[str]) -> NDArray[np.float64]:
        weights, bias = self._kernel
        return np.asarray(self._features.rows_of(clauses) @ weights + bias)
