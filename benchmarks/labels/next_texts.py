"""Learning curves of labels that are uncovered at random, or as `choose_next` says."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

import lstm_sentiment as ls
from benchmarks.accuracy.curve.draws import LabelledSet

BENCHMARK = "next texts"
RANDOM, CHOSEN = "random", "labels next"

_POOL_SHARE = 2 / 3
_TRAINING = Path(__file__).parents[1] / "accuracy" / "curve" / "training.py"
_KEPT = ("accuracy", "macro_f1", "dev_accuracy", "seconds")


def run_draw(
    labelled: LabelledSet, choice: str, draw: int, sizes: Sequence[int], work: Path
) -> Iterator[dict[str, Any]]:
    """Uncovers the labels of one pool step by step, and trains a version at each size.

    Args:
        labelled: The set; its test part is never chosen from.
        choice: `random` or `labels next`.
        draw: Draws the pool, and is the seed of training and choice.
        sizes: Numbers of labels, ascending.
        work: Folder for files made on the way.

    Yields:
        The scores at each size.
    """
    if choice not in (RANDOM, CHOSEN):
        raise SystemExit(f"error: a choice must be {RANDOM!r} or {CHOSEN!r}. Received: {choice!r}.")
    rest = labelled.parts[0]
    generator = np.random.default_rng(draw)
    pool = rest.select(generator.permutation(len(rest))[: round(_POOL_SHARE * len(rest))])
    order, model = list(range(len(pool))), None
    folder = work.resolve() / f"{choice.replace(' ', '-')}-{draw}"
    for before, size in zip((0, *sizes), sizes, strict=False):
        if choice == CHOSEN:
            order = _choose(pool, order[:before], size - before, model, draw)
        shutil.rmtree(folder, ignore_errors=True)
        scores = _train(labelled, pool.select(order[:size]), draw, folder)
        model = folder / "models"
        yield {
            "benchmark": BENCHMARK,
            "set": labelled.name,
            "choice": choice,
            "draw": draw,
            "labels": size,
            **{name: round(scores[name], 4) for name in _KEPT},
            "characters": round(float(np.mean([len(pool.texts[n]) for n in order[:size]])), 1),
        }
    shutil.rmtree(folder, ignore_errors=True)


def _choose(
    pool: ls.Corpus, known: Sequence[int], number: int, model: Path | None, seed: int
) -> list[int]:
    """Returns the positions of the texts with a label, and those of `number` more."""
    labelled = [pool.texts[place] for place in known]
    found = ls.choose_next(pool.texts, number, model=model, labelled=labelled, seed=seed)
    return [*known, *(text.position for text in found.texts)]


def _train(labelled: LabelledSet, corpus: ls.Corpus, seed: int, folder: Path) -> dict[str, Any]:
    """Trains and exports a version in a process of its own, and returns its scores."""
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
        "training": {"seed": seed},
    }
    config.write_text(tomli_w.dumps(settings), "utf-8")
    job.write_text(json.dumps({"config": str(config), "result": str(result)}), "utf-8")
    repository = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-P", str(_TRAINING), str(job)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(repository)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    scores: dict[str, Any] = json.loads(result.read_text("utf-8"))
    return scores
