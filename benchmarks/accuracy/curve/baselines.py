"""TF-IDF with logistic regression, on the very texts that the product is given."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import lstm_sentiment as ls
from benchmarks.accuracy.baselines import tfidf
from benchmarks.accuracy.curve.recipes import Request
from lstm_sentiment.pipeline.corpora import prepare_corpora

BASELINES: Mapping[str, str | None] = {
    "TF-IDF": None,
    "TF-IDF balanced": "balanced",
}
"""By name, the class weights of the logistic regression."""

_INVERSE_PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
_FOLDS = 5


def run_baseline(name: str, request: Request) -> dict[str, Any]:
    """Trains and scores one baseline; its penalty is chosen without the test texts.

    The whole set has a dev part of its own, which chooses. A draw has none: cross-validation
    chooses, then all texts of the draw are learned from. The plain one is chosen by accuracy, the
    balanced one by macro-F1.
    """
    train, dev, test = _parts(request)
    started = time.monotonic()
    features = tfidf(train.texts)
    rows, weights = features.fit_transform(train.texts), BASELINES[name]
    score = "accuracy" if weights is None else "f1_macro"
    if dev is None:
        chosen, dev_scores = _by_folds(rows, train.labels, weights, score)
    else:
        chosen, dev_scores = _by_dev(
            (rows, train.labels), (features.transform(dev.texts), dev), weights, score
        )
    answers = [int(label) for label in chosen.predict(features.transform(test.texts))]
    seconds = time.monotonic() - started
    scores = ls.evaluate_predictions(test.labels, answers, test.label_names)
    return {
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        **dev_scores,
        "seconds": seconds,
        "labels": [int(label) for label in test.labels],
        "answers": answers,
    }


def _parts(request: Request) -> tuple[ls.Corpus, ls.Corpus | None, ls.Corpus]:
    labelled = request.labelled
    if request.size is not None:
        return labelled.drawn(request.size, request.draw), None, labelled.parts[1]
    return prepare_corpora(
        ls.PipelineConfig(
            data=labelled.data,
            text_column=labelled.text_column,
            label_column=labelled.label_column,
            split_seed=0,
        )
    )


def _models(weights: str | None) -> list[Any]:
    from sklearn.linear_model import LogisticRegression

    return [
        LogisticRegression(C=inverse_penalty, max_iter=1_000, class_weight=weights)
        for inverse_penalty in _INVERSE_PENALTIES
    ]


def _by_folds(
    rows: Any, labels: Sequence[int], weights: str | None, score: str
) -> tuple[Any, dict[str, float]]:
    from sklearn.model_selection import StratifiedKFold, cross_validate

    smallest = int(np.bincount(labels)[np.unique(labels)].min())
    folds = StratifiedKFold(max(2, min(_FOLDS, smallest)), shuffle=True, random_state=0)
    models = _models(weights)
    found = [
        cross_validate(model, rows, labels, cv=folds, scoring=("accuracy", "f1_macro"))
        for model in models
    ]
    means = [{key: float(np.mean(result[f"test_{key}"])) for key in _NAMES} for result in found]
    best = max(range(len(models)), key=lambda index: means[index][score])
    return models[best].fit(rows, labels), _named(means[best])


def _by_dev(
    train: tuple[Any, Sequence[int]], dev: tuple[Any, ls.Corpus], weights: str | None, score: str
) -> tuple[Any, dict[str, float]]:
    rows, corpus = dev
    models = [model.fit(*train) for model in _models(weights)]
    found = [
        ls.evaluate_predictions(
            corpus.labels, [int(label) for label in model.predict(rows)], corpus.label_names
        )
        for model in models
    ]
    means = [{"accuracy": one.accuracy, "f1_macro": one.macro_f1} for one in found]
    best = max(range(len(models)), key=lambda index: means[index][score])
    return models[best], _named(means[best])


_NAMES = {"accuracy": "dev_accuracy", "f1_macro": "dev_macro_f1"}


def _named(means: Mapping[str, float]) -> dict[str, float]:
    return {_NAMES[key]: value for key, value in means.items()}
