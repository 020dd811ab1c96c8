"""Planted wrong labels: how many are found, beside cleanlab, and what mending them brings."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.labels.check import find_label_issues
from lstm_sentiment.labels.issues import LabelIssues
from lstm_sentiment.labels.linear import fit_linear
from lstm_sentiment.labels.text_features import TextFeatures
from lstm_sentiment.text.corpus.corpus import Corpus

_FOLDS = 5


def run_planted(
    corpus: Corpus, share: float, classes: str, seed: int, *, quick: bool, work: Path
) -> list[dict[str, Any]]:
    """Plants wrong labels in four fifths of the texts, and looks for them.

    Args:
        corpus: Texts whose labels are taken to be right.
        share: Share of the labels to make wrong.
        classes: `random`, or the label whose texts alone get wrong labels.
        seed: Of the split, the planted labels and the folds.
        quick: As of `find_label_issues`.
        work: Folder for word vectors.

    Returns:
        A row for us, and with `quick` one for cleanlab: precision among as many suspects as labels
        were planted, seconds, and the test accuracy of a linear classifier trained on the labels
        before, with the planted ones, without the suspects, and with the suspects' likely labels.
    """
    whole, _, test = (
        corpus.drop_empty().drop_duplicates().split(seed=seed, dev_fraction=0.0, test_fraction=0.2)
    )
    labels, planted = plant(whole, share, classes, seed)
    wrong = replace(whole, labels=tuple(labels.tolist()))
    facts = {
        "benchmark": "labels check",
        "share": share,
        "classes": classes,
        "seed": seed,
        "planted": len(planted),
        "texts": len(whole),
    }
    began = time.perf_counter()
    found = find_label_issues(
        wrong, quick=quick, number=len(planted), seed=seed, cache_dir=work / "cache"
    )
    seconds = time.perf_counter() - began
    features = TextFeatures(whole.texts)
    ours = [issue.row - 1 for issue in found.issues][: len(planted)]
    likely = np.array(whole.labels)
    for issue in found.issues:
        likely[issue.row - 1] = whole.label_names.index(issue.likely_label)
    rows = [
        facts
        | {
            "name": "labels check --quick" if quick else "labels check",
            "precision": _precision(ours, planted),
            "seconds": round(seconds, 2),
            "noise": _noise(found),
            **_retrained(whole, labels, ours, likely, features, test),
        }
    ]
    if quick:
        rows.append(facts | _cleanlab(wrong, planted))
    return rows


def plant(
    corpus: Corpus, share: float, classes: str, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns labels of which a share is wrong, and the positions of the wrong ones."""
    generator = np.random.default_rng(seed)
    labels = np.array(corpus.labels, np.int64)
    may = np.arange(len(labels))
    if classes != "random":
        may = np.flatnonzero(labels == corpus.label_names.index(classes))
    planted = generator.choice(may, round(share * len(labels)), replace=False)
    count = len(corpus.label_names)
    labels[planted] = (labels[planted] + generator.integers(1, count, len(planted))) % count
    return labels, planted


def _precision(found: Sequence[int], planted: NDArray[np.int64]) -> float:
    return round(len(set(found) & set(planted.tolist())) / len(planted), 4)


def _noise(found: LabelIssues) -> dict[str, float]:
    return {name: round(noise.value, 4) for name, noise in found.noise.items()}


def _cleanlab(wrong: Corpus, planted: NDArray[np.int64]) -> dict[str, Any]:
    """Cleanlab's own way: TF-IDF, logistic regression, `cross_val_predict`, `find_label_issues`."""
    from cleanlab.filter import find_label_issues as cleanlab_issues
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    began = time.perf_counter()
    # Once for all folds: the cheapest way, and TF-IDF knows no labels.
    rows = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2).fit_transform(wrong.texts)
    labels = np.array(wrong.labels)
    classifier = LogisticRegression(C=10, max_iter=1_000)
    probabilities = cross_val_predict(classifier, rows, labels, cv=_FOLDS, method="predict_proba")
    ranked = cleanlab_issues(
        labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    seconds = time.perf_counter() - began
    return {
        "name": "cleanlab",
        "precision": _precision(ranked[: len(planted)].tolist(), planted),
        "seconds": round(seconds, 2),
    }


def _retrained(
    whole: Corpus,
    labels: NDArray[np.int64],
    suspects: Sequence[int],
    likely: NDArray[np.int64],
    features: TextFeatures,
    test: Corpus,
) -> dict[str, float]:
    right = np.array(whole.labels, np.int64)
    kept = np.ones(len(labels), np.bool_)
    kept[list(suspects)] = False
    corrected = labels.copy()
    corrected[list(suspects)] = likely[list(suspects)]
    everything = np.ones(len(labels), np.bool_)
    tested = features.rows_of(test.texts)

    def accuracy(train: NDArray[np.int64], mask: NDArray[np.bool_]) -> float:
        kernel, bias = fit_linear(features.rows[np.flatnonzero(mask)], train[mask])
        answers = (tested @ kernel + bias).argmax(axis=1)
        return round(float((answers == np.asarray(test.labels)).mean()), 4)

    return {
        "accuracy_before": accuracy(right, everything),
        "accuracy_planted": accuracy(labels, everything),
        "accuracy_without": accuracy(labels, kept),
        "accuracy_corrected": accuracy(corrected, everything),
    }
