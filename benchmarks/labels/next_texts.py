"""Learning curves of labels that are uncovered at random, or as `choose_next` says."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray

import lstm_sentiment as ls
from benchmarks.accuracy.baselines import tfidf
from benchmarks.accuracy.curve.draws import LabelledSet

BENCHMARK = "next texts"
RANDOM, CHOSEN = "random", "labels next"

_POOL_SHARE = 2 / 3
_TRAINING = Path(__file__).parents[1] / "accuracy" / "curve" / "training.py"
_KEPT = ("accuracy", "macro_f1", "seconds")
_INVERSE_PENALTY = 10.0


@dataclass(frozen=True)
class Learned:
    """A classifier that was trained on the labels uncovered so far.

    Attributes:
        scores: On the test part.
        model: The version's folder; `None` if it is no version.
        probabilities: Of each text of the pool; `None` if `model` gives them.
    """

    scores: Mapping[str, float]
    model: Path | None = None
    probabilities: NDArray[np.float64] | None = None


Learner = Callable[[ls.Corpus, LabelledSet, ls.Corpus, int], Learned]
"""Trains and scores a classifier of labelled texts, with the set, the pool and a seed."""


def run_draw(
    labelled: LabelledSet,
    choice: str,
    draw: int,
    sizes: Sequence[int],
    learn: Learner,
) -> Iterator[dict[str, Any]]:
    """Uncovers the labels of one pool step by step, and trains a classifier at each size.

    Args:
        labelled: The set; its test part is never chosen from.
        choice: `random` or `labels next`.
        draw: Draws the pool, and is the seed of training and choice.
        sizes: Numbers of labels, ascending.
        learn: Trains and scores the classifier, whose doubts decide on the next texts.

    Yields:
        The scores at each size.
    """
    if choice not in (RANDOM, CHOSEN):
        raise SystemExit(f"error: a choice must be {RANDOM!r} or {CHOSEN!r}. Received: {choice!r}.")
    rest = labelled.parts[0]
    generator = np.random.default_rng(draw)
    pool = rest.select(generator.permutation(len(rest))[: round(_POOL_SHARE * len(rest))])
    order: list[int] = list(range(len(pool)))
    learned = None
    for before, size in zip((0, *sizes), sizes, strict=False):
        if choice == CHOSEN:
            order = _choose(pool, order[:before], size - before, learned, draw)
        learned = learn(pool.select(order[:size]), labelled, pool, draw)
        yield {
            "benchmark": BENCHMARK,
            "set": labelled.name,
            "choice": choice,
            "draw": draw,
            "labels": size,
            **{name: round(score, 4) for name, score in learned.scores.items()},
            "characters": round(float(np.mean([len(pool.texts[n]) for n in order[:size]])), 1),
        }


def _choose(
    pool: ls.Corpus, known: Sequence[int], number: int, learned: Learned | None, seed: int
) -> list[int]:
    """Returns the positions of the texts with a label, and those of `number` more."""
    found = ls.choose_next(
        pool.texts,
        number,
        model=None if learned is None else learned.model,
        probabilities=None if learned is None else learned.probabilities,
        labelled=[pool.texts[place] for place in known],
        seed=seed,
    )
    return [*known, *(text.position for text in found.texts)]


def linear(corpus: ls.Corpus, labelled: LabelledSet, pool: ls.Corpus, seed: int) -> Learned:
    """Trains balanced TF-IDF of words and characters with logistic regression, in a second."""
    from sklearn.linear_model import LogisticRegression

    features, test = tfidf(corpus.texts), labelled.parts[1]
    rows = features.fit_transform(corpus.texts)
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1_000, class_weight="balanced")
    model.fit(rows, corpus.labels)
    answers = [int(label) for label in model.predict(features.transform(test.texts))]
    scores = ls.evaluate_predictions(test.labels, answers, test.label_names)
    return Learned(
        {"accuracy": scores.accuracy, "macro_f1": scores.macro_f1},
        probabilities=model.predict_proba(features.transform(pool.texts)),
    )


def product(work: Path, settings: Mapping[str, Any]) -> Learner:
    """Makes a learner that trains and exports a version as `fit` does.

    Args:
        work: Folder for files made on the way.
        settings: Of `training`, where they differ from the defaults.
    """

    def learn(corpus: ls.Corpus, labelled: LabelledSet, pool: ls.Corpus, seed: int) -> Learned:
        folder = work.resolve() / f"fit-{os.getpid()}"
        shutil.rmtree(folder, ignore_errors=True)
        return _fitted(corpus, labelled, folder, {**settings, "seed": seed})

    return learn


def _fitted(
    corpus: ls.Corpus, labelled: LabelledSet, folder: Path, training: Mapping[str, Any]
) -> Learned:
    """Trains and exports a version in a process of its own."""
    folder.mkdir(parents=True)
    data = folder / "data.csv"
    with data.open("w", encoding="utf-8", newline="") as file:
        names = (corpus.label_names[label] for label in corpus.labels)
        csv.writer(file).writerows([("text", "label"), *zip(corpus.texts, names, strict=True)])
    config, job, result = (folder / name for name in ("run.toml", "job.json", "result.json"))
    settings = {
        "data": [str(data)],
        "test_data": str(labelled.test_file()),
        "run_dir": str(folder / "run"),
        "model_dir": str(folder / "models"),
        "training": dict(training),
    }
    config.write_text(tomli_w.dumps(settings), "utf-8")
    job.write_text(json.dumps({"config": str(config), "result": str(result)}), "utf-8")
    subprocess.run(
        [sys.executable, "-P", str(_TRAINING), str(job)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    scores = json.loads(result.read_text("utf-8"))
    return Learned({name: scores[name] for name in _KEPT}, model=folder / "models")
