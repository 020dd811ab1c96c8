"""What would take minutes, done small: training and export; all else of a command is real."""

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstm_sentiment
from lstm_sentiment import Corpus, FitResult, PipelineConfig, TrainingError, TuneResult
from lstm_sentiment.display_names import save_display_names
from lstm_sentiment.export import servable
from lstm_sentiment.export.card import make_card
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.pipeline import corpora
from lstm_sentiment.pipeline import run as pipeline
from lstm_sentiment.pipeline.run_folder import new_run_dir
from lstm_sentiment.serving.saved_model import loader
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable, load_saved_model
from lstm_sentiment.text.corpus import demo
from lstm_sentiment.text.vectors.options import VectorTrainingConfig
from lstm_sentiment.training import fit as training_fit
from lstm_sentiment.training import fit_result
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.evaluation.metrics import Evaluation
from lstm_sentiment.tuning import search as tuning
from lstm_sentiment.version_digests import save_digests
from lstm_sentiment.version_folder import CARD, LABELS, TEXTS_SEEN
from tests.conftest import fit_small
from tests.corpora import hotel_like

write_version = servable.write_version
_search = tuning.tune
_RUNS = itertools.count(1)


class Training:
    """Trains once for each number of classes; later runs get that classifier under their names."""

    def __init__(self, three_classes: FitResult, folder: Path) -> None:
        self._trained = {3: three_classes}
        self._folder = folder
        self._loaded: dict[bytes, SavedModelServable] = {}
        self.is_cut_off = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Puts itself in the place of training, and makes small what is still computed."""
        # The package's own names first: they are looked up in the modules that are patched next.
        for module in (lstm_sentiment, pipeline, training_fit):
            patch.setattr(module, "fit", self.fit)
        patch.setattr(pipeline, "new_run_dir", _new_run_dir)
        patch.setattr(servable, "write_version", self.write)
        patch.setattr(loader, "load_saved_model", self.load)
        patch.setattr(fit_result, "logits_function", cache(logits_function))
        for module in (lstm_sentiment, demo, corpora):
            patch.setattr(module, "load_demo_corpus", demo_corpus)
        for module in (lstm_sentiment, tuning):
            patch.setattr(module, "tune", _tune)
        _at_most(patch, ModelConfig, lstm_units=8, max_length=20)
        _at_most(patch, TrainingConfig, epochs=2)
        _at_most(patch, VectorTrainingConfig, epochs=1)

    def fit(self, train: Corpus, dev: Corpus, **arguments: Any) -> FitResult:
        """As `lstm_sentiment.fit`, in no time."""
        if self.is_cut_off:
            raise TrainingError("The run was killed.")
        if arguments.get("on_epoch") is not None:
            arguments["on_epoch"](1, {"val_loss": 0.5, "val_accuracy": 0.75})
        classes = len(train.label_names)
        if classes not in self._trained:
            self._trained[classes] = fit_small(_of_classes(classes))
        result = replace(
            self._trained[classes],
            label_names=tuple(train.label_names),
            data={"train": train.fingerprint(), "dev": dev.fingerprint()},
            examples=tuple(dev.texts[:20]),
        )
        if arguments.get("snapshots") is not None:
            arguments["on_snapshot"](replace(result, snapshot_step=4))
        return result

    def write(self, result: FitResult, folder: Path, test: Evaluation | None, *_: object) -> None:
        """As the export does; the graph is traced once for each classifier."""
        kept = self._folder / str(len(result.label_names))
        if not kept.exists():
            kept.mkdir(parents=True)
            write_version(result, kept, None)
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        (folder / LABELS).write_text("\n".join(result.label_names) + "\n", "utf-8")
        card = json.dumps(make_card(result, test), ensure_ascii=False)
        (folder / CARD).write_text(card, "utf-8")
        if result.texts_seen is not None:
            np.save(folder / TEXTS_SEEN, result.texts_seen)
        save_display_names(result.display_names, folder)
        save_digests(folder)

    def load(self, folder: Path, *_: object) -> SavedModelServable:
        """As the loader does; versions with the same contents are loaded once."""
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "assets.extra" not in path.parts:
                digest.update(path.name.encode() + path.read_bytes())
        if digest.digest() not in self._loaded:
            loaded = load_saved_model(folder)
            kept = KeptServable(loaded._session, loaded.signature_defs)
            self._loaded[digest.digest()] = kept
        return self._loaded[digest.digest()]

    def close(self) -> None:
        """Frees what was loaded."""
        for loaded in self._loaded.values():
            SavedModelServable.close(loaded)


class KeptServable(SavedModelServable):
    """One that several versions with the same contents share."""

    def close(self) -> None:
        """Stays for the next of them."""


def demo_corpus() -> Corpus:
    """In the place of 17,363 reviews."""
    return hotel_like(900, seed=1)


def _new_run_dir(given: Path | None) -> Path:
    """Runs are named after the second in which they begin; here several begin in one."""
    return new_run_dir(given or Path("runs") / f"run-{next(_RUNS)}")


def _tune(config: PipelineConfig, *, trials: int, **options: Any) -> TuneResult:
    return _search(config, trials=min(trials, 2), **options)


def _of_classes(count: int) -> Corpus:
    corpus = hotel_like(240)
    labels = (str(label % count) for label in corpus.labels)
    return Corpus.from_rows(list(zip(corpus.texts, labels, strict=True)))


def _at_most(patch: pytest.MonkeyPatch, config: type, **most: int) -> None:
    """Makes the settings of a config no larger, wherever they come from."""
    check: Callable[[Any], None] = vars(config)["__post_init__"]

    def check_and_shrink(self: Any) -> None:
        check(self)
        for name, value in most.items():
            given = getattr(self, name)
            object.__setattr__(self, name, min(given, value) if isinstance(given, int) else value)

    patch.setattr(config, "__post_init__", check_and_shrink)
