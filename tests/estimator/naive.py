"""A training that takes no time, for tests of what is around it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lstm_sentiment import Corpus, Evaluation, InvalidInputError
from lstm_sentiment.pipeline import in_memory
from lstm_sentiment.training.evaluation.metrics import evaluate_predictions


@dataclass
class NaiveResult:
    """Counts of characters by class, in the place of a `FitResult`."""

    label_names: tuple[str, ...]
    counts: list[dict[str, int]]

    def probabilities(self, texts: list[str]) -> NDArray[np.float64]:
        totals = np.array([sum(counts.values()) + 1.0 for counts in self.counts])
        logs = [
            np.sum(
                [
                    np.log((np.array([c.get(word, 0) for c in self.counts]) + 1.0) / totals)
                    for word in text.split()
                ],
                axis=0,
            )
            * np.ones(len(self.counts))
            for text in texts
        ]
        scores = np.exp(logs - np.max(logs, axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def evaluate(self, corpus: Corpus) -> Evaluation:
        predicted = self.probabilities(list(corpus.texts)).argmax(axis=1)
        return evaluate_predictions(corpus.labels, predicted.tolist(), corpus.label_names)


def fit_naive(config: object, corpus: Corpus, **_: Any) -> NaiveResult:
    corpus.require_classes()
    if not any(corpus.texts):
        raise InvalidInputError("Some texts must not be empty.")
    counts: list[dict[str, int]] = [{} for _ in corpus.label_names]
    for text, label in zip(corpus.texts, corpus.labels, strict=True):
        for word in text.split():
            counts[label][word] = counts[label].get(word, 0) + 1
    return NaiveResult(corpus.label_names, counts)


def install(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(in_memory, "fit_corpus", fit_naive)
