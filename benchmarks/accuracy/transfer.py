"""Hotel reviews, begun with a version that was trained on other labelled reviews."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lstm_sentiment as ls
from benchmarks.accuracy.recipes import train_and_score
from benchmarks.accuracy.scores import print_run
from benchmarks.accuracy.sets import Sets
from lstm_sentiment.export.trained_version import load_trained_version
from lstm_sentiment.pipeline.preparation import prepare_run

_SET = "hotel"


def run_transfer(
    sets: Sets,
    *,
    learning_rate: float = 1e-3,
    base_epochs: int = 4,
    vector_epochs: int | None = None,
    seeds: Sequence[int] = (0, 1, 2),
) -> list[dict[str, Any]]:
    """Trains a version on books and other reviews, then begins with it on hotel reviews.

    Both have the word vectors of one file, trained on all unlabelled reviews, those of hotel's
    training part among them. The version sees no text that is in hotel's set, nor any dev or test
    text of the other sets.

    Args:
        sets: Where the texts are.
        learning_rate: Of the training on hotel reviews.
        base_epochs: Of the version to begin with.
        vector_epochs: Of the word vectors; `None` takes the library's default.
        seeds: Of the training on hotel reviews; the version, the split and the vectors stay.

    Returns:
        The runs, which it has printed too.
    """
    vectors = _shared_vectors(sets, vector_epochs)
    base = _base_version(sets, vectors, base_epochs)
    config = sets.config(
        _SET, {"vectors": vectors, "init_from": base, "training": {"learning_rate": learning_rate}}
    )
    prepared = prepare_run(config, cache_dir=sets.cache_dir)
    if prepared.start is None:
        raise RuntimeError("`init_from` was not read.")
    name = (
        f"begun with a version of {base_epochs} epochs, step size {learning_rate:g}, "
        f"vectors of {vector_epochs or 'default'} epochs"
    )
    runs: list[dict[str, Any]] = []
    for seed in seeds:
        scores = train_and_score(config, prepared, seed, prepared.start.weights)
        print_run(runs, set=_SET, name=name, seed=seed, **scores)
    return runs


def _shared_vectors(sets: Sets, epochs: int | None) -> Path:
    """Vectors of all reviews but dev and test texts: of those of hotel, the training part."""
    path = sets.work / f"shared-{epochs or 'default'}.npy"
    if not path.exists():
        config = sets.config(
            _SET, {"unlabelled": (sets.unlabelled(),), "vector_training": {"epochs": epochs}}
        )
        prepared = prepare_run(config, cache_dir=sets.cache_dir)
        ls.save_word_vectors(prepared.vectors, path)
    return path


def _base_version(sets: Sets, vectors: Path, epochs: int) -> Path:
    """The version to begin with, trained where there is none yet."""
    models = sets.work / f"base-{epochs}-{vectors.stem}"
    if not models.exists():
        hotel = sets.config(_SET)
        config = ls.PipelineConfig(
            data=(sets.other_labelled(),),
            exclude_data=hotel.data,
            text_column=hotel.text_column,
            vectors=vectors,
            split_seed=0,
            model_dir=models,
            run_dir=sets.work / f"base-{epochs}-{vectors.stem}-run",
            training=ls.TrainingConfig(epochs=epochs),
        )
        ls.run_pipeline(config)
    return load_trained_version(models).path
