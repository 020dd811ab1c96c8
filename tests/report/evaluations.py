"""Evaluations made by hand, whose numbers are known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lstm_sentiment import Explanation, VersionEvaluation
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.version_folder import TokenCounts
from lstm_sentiment.versions.labelled_answers import LabelledAnswers

CARS = ("不买", "选车", "买车")


def explain(texts: Sequence[str]) -> list[Explanation]:
    """Each character a token; the first one speaks for the label, the others against it."""
    return [
        Explanation("", (), tuple(text), (0.5, *(-0.25 for _ in text[1:])), 3) for text in texts
    ]


def make_evaluation(
    texts: Sequence[str],
    labels: Sequence[int],
    probabilities: Sequence[Sequence[float]],
    *,
    names: Sequence[str] = CARS,
    version_dir: Path = Path("models/cars/3"),
    sizes: bool = True,
    seen: int | None = 0,
    can_explain: bool = True,
) -> VersionEvaluation:
    """What was said of texts; each token is a character, and every `?` unknown."""
    tokens = np.array([len(text) for text in texts])
    oov = np.array([text.count("?") for text in texts])
    scores = LabelledAnswers(
        version_dir,
        3,
        Corpus(tuple(texts), tuple(labels), tuple(names)),
        np.array(probabilities, np.float32),
        TokenCounts(tokens, np.zeros_like(tokens), oov) if sizes else None,
    )
    return VersionEvaluation(scores, 2, seen, explain if can_explain else None)


def some_evaluation(
    *,
    names: Sequence[str] = CARS,
    texts: int = 60,
    version_dir: Path = Path("models/cars/3"),
    seen: int | None = 0,
    sizes: bool = True,
    can_explain: bool = True,
) -> VersionEvaluation:
    """Three of four texts of each class are right, with a probability that grows."""
    classes = len(names)
    labels = [n % classes for n in range(texts)]
    given = [label if n % 4 else (label + 1) % classes for n, label in enumerate(labels)]
    probabilities = np.zeros((texts, classes))
    for n, label in enumerate(given):
        top = 0.5 + 0.45 * n / texts
        probabilities[n] = (1 - top) / (classes - 1)
        probabilities[n, label] = top
    words = [f"第{n}条" + "好" * (n % 7) + "?" * (n % 3) for n in range(texts)]
    return make_evaluation(
        words,
        labels,
        probabilities.tolist(),
        names=names,
        version_dir=version_dir,
        sizes=sizes,
        seen=seen,
        can_explain=can_explain,
    )
