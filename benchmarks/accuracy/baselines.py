"""Other classifiers, trained and scored on the very texts that the recipes see."""

import importlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lstm_sentiment as ls
from benchmarks.accuracy.scores import print_run
from benchmarks.accuracy.sets import CHINESE, SET_NAMES, Sets
from lstm_sentiment.pipeline.corpora import Splits

_PAIRS = 200_000  # rows that pairs of words share; the default of 2 million takes 800 MB

Classify = Callable[[Sequence[str]], list[int]]
"""Takes texts, gives label ids."""


class SkippedError(Exception):
    """A baseline that cannot be had here; the message says why."""


def majority(name: str, train: ls.Corpus, dev: ls.Corpus, seed: int) -> Classify:
    """The most frequent class, whatever the text."""
    label = Counter(train.labels).most_common(1)[0][0]
    return lambda texts: [label] * len(texts)


def logistic_regression(name: str, train: ls.Corpus, dev: ls.Corpus, seed: int) -> Classify:
    """TF-IDF of words and characters; the penalty with the best dev accuracy."""
    from sklearn.linear_model import LogisticRegression

    features = tfidf(train.texts)
    rows = features.fit_transform(train.texts)
    dev_rows = features.transform(dev.texts)
    models = [
        LogisticRegression(C=inverse_penalty, max_iter=1_000).fit(rows, train.labels)
        for inverse_penalty in (1.0, 3.0, 10.0, 30.0)
    ]
    best = max(models, key=lambda model: model.score(dev_rows, dev.labels))
    return lambda texts: [int(label) for label in best.predict(features.transform(texts))]


def tfidf(texts: Sequence[str]) -> Any:
    """Makes the features of words and characters that suit the language of some texts.

    Args:
        texts: Where most letters are Chinese, words are cut by rjieba and characters are taken by
            1 to 3; elsewhere words stand between spaces, and characters are taken by 2 to 5.

    Returns:
        An untrained vectorizer of scikit-learn.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    chinese = _mostly_chinese(texts)
    words = TfidfVectorizer(
        analyzer="word",
        tokenizer=_cut_chinese() if chinese else str.split,
        token_pattern=None,
        ngram_range=(1, 2),
        min_df=2,
        sublinear_tf=True,
    )
    characters = TfidfVectorizer(
        analyzer="char",
        ngram_range=(1, 3) if chinese else (2, 5),
        min_df=2,
        sublinear_tf=True,
    )
    return FeatureUnion([("words", words), ("characters", characters)])


def fasttext(name: str, train: ls.Corpus, dev: ls.Corpus, seed: int) -> Classify:
    """A fastText classifier of words and pairs; epochs and step size by dev accuracy."""
    library = _library("fasttext", "fasttext-community")
    cut = _cut(name)

    def lines(texts: Sequence[str]) -> list[str]:
        return [" ".join(cut(text)) for text in texts]

    dev_lines = lines(dev.texts)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        rows = zip(train.labels, lines(train.texts), strict=True)
        file.write_text("".join(f"__label__{label} {line}\n" for label, line in rows), "utf-8")
        models = [
            library.train_supervised(
                str(file),
                wordNgrams=2,
                epoch=epochs,
                lr=rate,
                seed=seed,
                thread=1,
                verbose=0,
                bucket=_PAIRS,
            )
            for epochs in (10, 25)
            for rate in (0.1, 0.5)
        ]

    def classify(model: Any, cut_texts: list[str]) -> list[int]:
        found, _ = model.predict(cut_texts)
        return [int(labels[0].removeprefix("__label__")) for labels in found]

    best = max(models, key=lambda model: _right(classify(model, dev_lines), dev.labels))
    return lambda texts: classify(best, lines(texts))


def snownlp(name: str, train: ls.Corpus, dev: ls.Corpus, seed: int) -> Classify:
    """The model of sentiment of snownlp, trained anew."""
    if name not in CHINESE or len(train.label_names) != 2:
        raise SkippedError("it knows two classes of Chinese texts only")
    sentiment = _library("snownlp.sentiment", "snownlp")
    model = sentiment.Sentiment()
    texts: tuple[list[str], list[str]] = ([], [])
    for text, label in zip(train.texts, train.labels, strict=True):
        texts[label].append(text)
    model.train(*texts)
    return lambda found: [int(model.classify(text) > 0.5) for text in found]


BASELINES: Mapping[str, Callable[[str, ls.Corpus, ls.Corpus, int], Classify]] = {
    "majority": majority,
    "TF-IDF, logistic regression": logistic_regression,
    "fastText": fasttext,
    "snownlp": snownlp,
}
_SEEDED = ("fastText",)


def run_baselines(
    sets: Sets,
    names: Sequence[str] = SET_NAMES,
    *,
    only: Sequence[str] = (),
    seeds: Sequence[int] = (0, 1, 2),
) -> list[dict[str, Any]]:
    """Trains every baseline on every set; those that draw numbers, once a seed.

    Args:
        sets: Where the texts are.
        names: Sets to train on.
        only: Names of baselines; none takes all.
        seeds: Of the training; the split stays.

    Returns:
        The runs, which it has printed too.
    """
    runs: list[dict[str, Any]] = []
    for name in names:
        splits = sets.splits(name)
        for baseline, train in BASELINES.items():
            if only and baseline not in only:
                continue
            for seed in seeds if baseline in _SEEDED else seeds[:1]:
                try:
                    scores = _scores(name, train, splits, seed)
                except SkippedError as error:
                    print(f"{name}: {baseline} is left out: {error}.", file=sys.stderr)
                    break
                print_run(runs, set=name, name=baseline, seed=seed, **scores)
    return runs


def _scores(
    name: str,
    train_on: Callable[[str, ls.Corpus, ls.Corpus, int], Classify],
    splits: Splits,
    seed: int,
) -> dict[str, Any]:
    train, dev, test = splits
    started = time.monotonic()
    classify = train_on(name, train, dev, seed)
    seconds = time.monotonic() - started
    on_dev, on_test = (
        ls.evaluate_predictions(part.labels, classify(part.texts), part.label_names)
        for part in (dev, test)
    )
    return {
        "accuracy": on_test.accuracy,
        "macro_f1": on_test.macro_f1,
        "dev_accuracy": on_dev.accuracy,
        "dev_macro_f1": on_dev.macro_f1,
        "seconds": seconds,
    }


def _cut(name: str) -> Callable[[str], list[str]]:
    """Texts to words: by rjieba where no spaces divide them."""
    return _cut_chinese() if name in CHINESE else str.split


def _mostly_chinese(texts: Sequence[str]) -> bool:
    letters = [character for text in texts for character in text if character.isalpha()]
    return 2 * sum("\u4e00" <= letter <= "\u9fff" for letter in letters) > len(letters)


def _cut_chinese() -> Callable[[str], list[str]]:
    rjieba = _library("rjieba", "rjieba")
    return lambda text: [word for word in rjieba.cut(text) if word.strip()]


def _library(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SkippedError(f"it needs `pip install {package}`") from error


def _right(given: Sequence[int], labels: Sequence[int]) -> int:
    return sum(a == b for a, b in zip(given, labels, strict=True))
