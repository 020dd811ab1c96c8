"""Cross-validation: scores of all texts, each by a classifier that was not trained on it."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.array_files import DamagedFileError, load_arrays
from lstm_sentiment.errors import TrainingError
from lstm_sentiment.progress import MUTED, Advance, Progress
from lstm_sentiment.system import write_whole
from lstm_sentiment.training.budget import budget_for
from lstm_sentiment.training.evaluation.calibration import cross_entropy, fit_temperature
from lstm_sentiment.training.evaluation.metrics import Evaluation, evaluate_logits
from lstm_sentiment.training.folds import Folds
from lstm_sentiment.training.loop import TrainingLoop
from lstm_sentiment.training.ngrams import best_shares, mixed_logits
from lstm_sentiment.training.run import TrainingRun
from lstm_sentiment.training.task import EpochScores, make_task
from lstm_sentiment.training.views import view_logits

FOLDS = "folds"
"""The folder, below a run's, for the logits of each fold."""

_LSTM = "lstm"

Logits = NDArray[np.float32]
FoldLogits = Mapping[str, Logits]
"""Logits of a fold's held-out texts: those of the LSTM after each epoch, float32 `(epochs, texts,
classes)`, and those of each linear view by its name, float32 `(texts, classes)`."""


class Mixture(NamedTuple):
    """What out-of-fold logits say of a mixture of LSTM and linear views.

    Attributes:
        shares: Share of each view in the logits.
        temperature: Divisor of the mixed logits before the softmax.
        scores: Scores of the mixture.
        logits: Mixed logits of the held-out texts, float32 `(texts, classes)`.
    """

    shares: tuple[float, ...]
    temperature: float
    scores: Evaluation
    logits: Logits


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold logits of training and dev texts.

    Attributes:
        folds: The texts in their folds.
        logits: Logits of the held-out texts of each fold, in the order of the texts.
    """

    folds: Folds
    logits: Sequence[FoldLogits]

    @property
    def labels(self) -> NDArray[np.int64]:
        """Label ids of the texts that were held out, fold after fold."""
        return self.folds.held_out_labels

    @cached_property
    def lstm_logits(self) -> Logits:
        """The LSTM's out-of-fold logits, float32 `(epochs, texts, classes)`."""
        return np.concatenate([fold[_LSTM] for fold in self.logits], axis=1)

    def epoch_scores(self) -> list[EpochScores]:
        """Returns the LSTM's out-of-fold loss and accuracy after each epoch."""
        return [
            EpochScores(
                cross_entropy(logits, self.labels),
                float((logits.argmax(axis=1) == self.labels).mean()),
            )
            for logits in self.lstm_logits
        ]

    def mixture(self, views: Sequence[str], epoch: int) -> Mixture:
        """Chooses the shares and the temperature for the LSTM after an epoch, from 1.

        Args:
            views: Names of the linear views that the trained model has.
            epoch: The number of the epoch.
        """
        shares, mixed = self.mixed(views, epoch)
        temperature = fit_temperature(mixed, self.labels)
        scores = evaluate_logits(
            self.labels.tolist(), mixed, self.folds.texts.label_names, temperature=temperature
        )
        return Mixture(shares, temperature, scores, mixed)

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the linear views that at least one fold has."""
        names = {name: None for fold in self.logits for name in fold if name != _LSTM}
        return tuple(names)

    def mixed(self, views: Sequence[str], epoch: int) -> tuple[tuple[float, ...], Logits]:
        """Returns the best shares of views, and the logits of that mixture, `(texts, classes)`.

        Args:
            views: Names of linear views.
            epoch: The number of the LSTM's epoch, from 1.
        """
        logits = self.lstm_logits[epoch - 1]
        of_views = [self._view_logits(name) for name in views]
        shares = best_shares(logits, of_views, self.labels)
        return shares, mixed_logits(logits, of_views, shares)

    def _view_logits(self, name: str) -> Logits:
        # A fold whose training texts have too few n-grams in common has no view: it says nothing.
        return np.concatenate([fold.get(name, 0 * fold[_LSTM][0]) for fold in self.logits])


def cross_validate(run: TrainingRun, folds: Folds) -> CrossValidation:
    """Chooses a run's shares and temperature by folds; see `score_folds`.

    Raises:
        TrainingError: As `score_folds`.
    """
    run.progress.say(
        f"Cross-validation: {len(folds)} folds of all {len(folds.texts):,} training and dev texts, "
        f"in place of the {len(run.dev):,} dev texts alone, choose shares and temperature"
    )
    return score_folds(run, folds)


def score_folds(run: TrainingRun, folds: Folds) -> CrossValidation:
    """Trains a classifier for each fold, on all texts outside of it, and scores the fold.

    Each training goes through all epochs. The logits of finished folds are kept in the run's
    folder: a run that is resumed does not repeat them, and begins the fold anew that was cut off.

    Raises:
        TrainingError: If the loss of a training is not finite, or a file cannot be written.
    """
    epochs, count = _epochs(run), len(folds)
    folder = None if run.orders.folder is None else run.orders.folder / FOLDS
    if folder is not None and not run.orders.resume:
        shutil.rmtree(folder, ignore_errors=True)
    logits = []
    with run.progress.step("Cross-validating", count * epochs) as advance:
        for fold in range(count):
            path = None if folder is None else folder / f"{fold}.npz"
            held_out = folds.held_out(fold)
            found = None if path is None else _load_fold(path, len(held_out), run.progress)
            if found is not None:
                advance(epochs)
            else:
                texts = folds.texts
                part = replace(
                    run, train=texts.select(folds.others(fold)), dev=texts.select(held_out)
                )
                found = _train_fold(part, advance, f"fold {fold + 1}/{count}")
                if path is not None:
                    _save_fold(found, path)
            logits.append(found)
    return CrossValidation(folds, logits)


def _epochs(run: TrainingRun) -> int:
    return budget_for(run.orders.training, len(run.train)).epochs


def _train_fold(run: TrainingRun, advance: Advance, name: str) -> FoldLogits:
    """Trains on a run's training texts; returns the logits of its dev texts."""
    epochs = _epochs(run)
    training = replace(run.orders.training, patience=epochs)
    run = replace(
        run,
        orders=replace(run.orders, training=training, folder=None),
        cache_dir=None,
        progress=MUTED,
    )
    keras.utils.set_random_seed(training.seed)
    task = make_task(run)
    logits: list[Logits] = []
    loop = TrainingLoop(task, training, on_dev_logits=logits.append)
    loop.run(
        MUTED,
        lambda epoch, scores: advance(
            status=f"{name}, epoch {epoch}/{epochs}, loss {scores['loss']:.3f}"
        ),
    )
    views = {view.name: view_logits(view, task.dev_ids) for view in task.network.views()}
    return {_LSTM: np.stack(logits), **views}


def _save_fold(logits: FoldLogits, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            arrays: dict[str, Any] = dict(logits)
            np.savez(file, **arrays)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror}.") from error


def _load_fold(path: Path, texts: int, progress: Progress) -> FoldLogits | None:
    """Returns the logits of a finished fold; `None` if it has to be trained."""
    try:
        logits = load_arrays(path)
    except FileNotFoundError:
        return None
    except DamagedFileError:
        progress.say(f"Cross-validation: {path} is damaged, its fold is trained again")
        return None
    lstm = logits.get(_LSTM)
    return logits if lstm is not None and lstm.ndim == 3 and lstm.shape[1] == texts else None
