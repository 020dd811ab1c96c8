"""The library's own classifier, in its default settings and with one of them changed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import lstm_sentiment as ls
from benchmarks.accuracy.language_model import pretrained_lstm
from benchmarks.accuracy.scores import print_run
from benchmarks.accuracy.sets import CHINESE, SET_NAMES, Sets
from lstm_sentiment.pipeline.preparation import PreparedRun, prepare_run
from lstm_sentiment.training.evaluation.calibration import cross_entropy
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.warm_start import StartWeights

Overrides = Mapping[str, Any]

LANGUAGE_MODEL = "LSTM begun as a language model of the unlabelled texts"
_UNLABELLED = "vectors of all unlabelled reviews"
_TRAINED_WORDS = 50_000

SETTINGS: Mapping[str, Overrides] = {
    "default": {},
    "without n-grams": {"model": {"ngrams": 0}},
    "without character n-grams": {"model": {"character_ngrams": 0}},
    "vectors of words only": {"vector_training": {"characters": False}},
    "pooling max": {"model": {"pooling": "max"}},
    "pooling mean": {"model": {"pooling": "mean"}},
    "pooling last": {"model": {"pooling": "last"}},
    "pooling attention": {"model": {"pooling": "attention"}},
    "one direction": {"model": {"bidirectional": False}},
    "128 units": {"model": {"lstm_units": 128}},
    "2 layers": {"model": {"lstm_layers": 2}},
    "embedding dropout 0": {"model": {"embedding_dropout": 0.0}},
    "embedding dropout 0.4": {"model": {"embedding_dropout": 0.4}},
    "recurrent dropout 0.25": {"model": {"recurrent_dropout": 0.25}},
    "label smoothing 0.1": {"training": {"label_smoothing": 0.1}},
    "weights averaged, 0.99": {"training": {"average_momentum": 0.99}},
    "constant step size": {"training": {"schedule": "constant"}},
    "linear step size": {"training": {"schedule": "linear"}},
    "warm-up 0.1": {"training": {"warmup_share": 0.1}},
    "balanced class weights": {"training": {"class_weights": "balanced"}},
    "word vectors trained too": {"model": {"trainable_embeddings": True}},
}
"""By name, what differs from the default recipe; for every set."""

CHINESE_FILES: Mapping[str, Callable[[Sets], Overrides]] = {
    _UNLABELLED: lambda sets: {"unlabelled": (sets.unlabelled(),)},
    f"{_UNLABELLED}, 128 units": lambda sets: {
        "unlabelled": (sets.unlabelled(),),
        "model": {"lstm_units": 128},
    },
    f"{_UNLABELLED}, 10 epochs": lambda sets: {
        "unlabelled": (sets.unlabelled(),),
        "vector_training": {"epochs": 10},
    },
    LANGUAGE_MODEL: lambda sets: {"unlabelled": (sets.unlabelled(),)},
}
"""As `SETTINGS`, with files; for the Chinese sets."""

ENGLISH_FILES: Mapping[str, Callable[[Sets], Overrides]] = {
    "GloVe alone": lambda sets: {"vectors": sets.english_vectors()},
    "GloVe and own vectors": lambda sets: {
        "vectors": sets.english_vectors(),
        "own_vectors": True,
    },
    f"GloVe's first {_TRAINED_WORDS:,} words and own vectors, trained too": lambda sets: {
        "vectors": sets.english_vectors(),
        "vectors_limit": _TRAINED_WORDS,
        "own_vectors": True,
        "model": {"trainable_embeddings": True},
    },
}
"""As `CHINESE_FILES`, for English."""


def recipes_of(name: str) -> dict[str, Callable[[Sets], Overrides]]:
    """By name, what makes the overrides of each recipe for a set."""
    plain = {recipe: _constant(overrides) for recipe, overrides in SETTINGS.items()}
    return {**plain, **(CHINESE_FILES if name in CHINESE else ENGLISH_FILES)}


def run_recipes(
    sets: Sets,
    names: Sequence[str] = SET_NAMES,
    *,
    only: Sequence[str] = (),
    seeds: Sequence[int] = (0, 1, 2),
) -> list[dict[str, Any]]:
    """Trains every recipe on every set, once a seed.

    Args:
        sets: Where the texts are.
        names: Sets to train on.
        only: Names of recipes; none takes all.
        seeds: Of the training; the split and the word vectors stay.

    Returns:
        The runs, which it has printed too.
    """
    runs: list[dict[str, Any]] = []
    for name in names:
        prepared: dict[ls.PipelineConfig, PreparedRun] = {}
        for recipe, overrides in recipes_of(name).items():
            if only and recipe not in only:
                continue
            config = sets.config(name, overrides(sets))
            texts = replace(config, model=ls.ModelConfig(), training=ls.TrainingConfig())
            if texts not in prepared:
                prepared[texts] = prepare_run(texts, cache_dir=sets.cache_dir)
            start = pretrained_lstm(prepared[texts], config) if recipe == LANGUAGE_MODEL else None
            for seed in seeds:
                scores = train_and_score(config, prepared[texts], seed, start)
                print_run(runs, set=name, name=recipe, seed=seed, **scores)
    return runs


def train_and_score(
    config: ls.PipelineConfig, prepared: PreparedRun, seed: int, start: StartWeights | None = None
) -> dict[str, Any]:
    """Trains a classifier with one seed and scores it on dev and test."""
    started = time.monotonic()
    result = ls.fit(
        prepared.train,
        prepared.dev,
        tokenizer=prepared.tokenizer,
        vectors=prepared.vectors,
        model=config.model,
        training=replace(config.training, seed=seed),
        start=start,
    )
    seconds = time.monotonic() - started
    test = result.evaluate(prepared.test)
    dev_loss, views = _dev_loss(result, prepared.dev), result.model.views()
    shares = {view.name: float(np.asarray(view.share)) for view in views}
    for view in views:
        view.set_share(0.0)
    lstm_alone = result.evaluate(prepared.test)
    return {
        "accuracy": test.accuracy,
        "macro_f1": test.macro_f1,
        "dev_accuracy": result.dev.accuracy,
        "dev_macro_f1": result.dev.macro_f1,
        "dev_loss": dev_loss,
        "epochs": len(result.history["loss"]),
        "ngram_share": shares.get("ngrams", 0.0),
        "character_share": shares.get("characters", 0.0),
        "lstm_accuracy": lstm_alone.accuracy,
        "seconds": seconds,
    }


def _dev_loss(result: ls.FitResult, dev: ls.Corpus) -> float:
    """Cross entropy of the dev texts, of the whole classifier at its temperature."""
    ids = encode_texts(result.tokenizer, dev.texts, max_length=result.model.config.max_length)
    logits = logits_function(result.model)(ids)
    return float(cross_entropy(np.asarray(logits / result.temperature), dev.labels))


def _constant(overrides: Overrides) -> Callable[[Sets], Overrides]:
    return lambda sets: overrides
