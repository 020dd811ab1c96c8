"""The training loop: steps, epochs, checkpoints and snapshots."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError, TrainingError
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.training.budget import budget_for
from lstm_sentiment.training.config import SnapshotEvery, TrainingConfig
from lstm_sentiment.training.evaluation.calibration import cross_entropies
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.inputs.batches import make_batches
from lstm_sentiment.training.records.checkpoint import Checkpoint, load_last, save_checkpoint
from lstm_sentiment.training.records.state import TrainingState
from lstm_sentiment.training.run import OnEpoch
from lstm_sentiment.training.steps import make_optimizer, make_step
from lstm_sentiment.training.task import EpochScores, TrainingTask
from lstm_sentiment.training.workers.distribution import Workers

_CHECKPOINT_SECONDS = 60.0
_LOSS, _RIGHT, _TEXTS, _TOKENS, _SECONDS = range(5)

OnSnapshot = Callable[[int], None]
"""Called with the number of steps done, while the model has its averaged weights, if any."""


class TrainingLoop:
    """Trains a model in the scope of the current strategy.

    All state is in the checkpoint or follows from the seed and the number of the step. So a run
    that is stopped and resumed ends with the same weights; on a CPU they are equal to the bit.

    Attributes:
        model: The model that is trained.
        batches: The training texts.
        state: The position in the training, its history included.
        logits_of: Computes logits with the model's current weights; all workers must call it.
    """

    def __init__(
        self,
        task: TrainingTask,
        training: TrainingConfig,
        *,
        workers: Workers | None = None,
        checkpoint_path: Path | None = None,
        snapshots: SnapshotEvery | None = None,
        on_snapshot: OnSnapshot | None = None,
        on_dev_logits: Callable[[NDArray[np.float32]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Builds the training step.

        Args:
            task: The model with its first weights, and the texts' ids and labels.
            training: Settings of training.
            workers: The processes that train; `None` is this process alone, with the current
                strategy.
            checkpoint_path: File that the chief writes checkpoints to; `None` writes none.
            snapshots: How often `on_snapshot` is called; `None` never calls it.
            on_snapshot: An exception in it ends the training.
            on_dev_logits: Called with the logits of the dev texts at the end of each epoch.
            clock: Returns seconds that never decrease.
        """
        self._budget = budget_for(training, len(task.train_labels))
        self.batches = make_batches(
            task.train_ids,
            task.train_labels,
            batch_size=self._budget.batch_size,
            seed=training.seed,
            targets=task.train_targets,
        )
        self.model, self._task, self._training = task.network, task, training
        self._snapshot_steps = None if snapshots is None else snapshots.steps(self.batches.steps)
        self._on_snapshot, self._checkpoint_path, self._clock = on_snapshot, checkpoint_path, clock
        self._on_dev_logits = on_dev_logits
        self._workers = workers or Workers(tf.distribute.get_strategy())
        self._total_steps = self._budget.epochs * self.batches.steps
        optimizer = make_optimizer(training, self._total_steps)
        self._averages = [
            tf.Variable(variable.value, trainable=False)
            for variable in (self.model.trainable_variables if training.average_momentum else ())
        ]
        self._step = make_step(
            self.model,
            optimizer,
            training,
            class_weights=task.class_weights,
            averages=self._averages,
        )
        self.logits_of = logits_function(self.model, workers=self._workers)
        self._variables = {
            "model": _trained_variables(self.model),
            "optimizer": list(optimizer.variables),
            "average": self._averages,
        }
        self.state = TrainingState()
        self._saved_at = 0.0

    def resume(self, progress: Progress = SILENT) -> int:
        """Restores the state of the checkpoint, and returns the number of steps done.

        Where the checkpoint is damaged, the one before it is taken, and `progress` told.

        Raises:
            InvalidInputError: If the checkpoint is missing or of another model, or both are
                damaged.
        """
        path = self._checkpoint_path
        if path is None:
            raise InvalidInputError("`checkpoint_path` must be given to resume from it.")
        checkpoint = load_last(path, progress)
        for name, variables in self._variables.items():
            arrays = checkpoint.arrays.get(name, ())
            if [tuple(v.shape) for v in variables] != [array.shape for array in arrays]:
                raise InvalidInputError(f"{path}: must be a checkpoint of this model: see {name}.")
            _assign(variables, arrays)
        values = checkpoint.values
        if "best_epoch" not in values:
            raise InvalidInputError(f"{path}: must be a checkpoint that this release wrote.")
        self.state = TrainingState(
            values["step"],
            np.array(values["sums"]),
            {name: list(scores) for name, scores in values["history"].items()},
            list(checkpoint.arrays.get("best", ())),
            values["best_epoch"],
            next(iter(checkpoint.arrays.get("lowest_losses", ())), np.zeros(0)),
        )
        return self.state.step

    def run(self, progress: Progress = SILENT, on_epoch: OnEpoch | None = None) -> None:
        """Trains to the last epoch; the model ends with the weights of its best epoch.

        Args:
            progress: Receives every step and every epoch.
            on_epoch: Called at the end of each epoch; an exception in it ends the training.

        Raises:
            TrainingError: If the loss is not finite, or a checkpoint cannot be written. The model
                then has the weights of the best epoch so far, if one has ended.
        """
        state = self.state
        self._saved_at = self._clock()
        try:
            if self._is_done():
                return
            batches = self._batches_of_workers()
            with progress.step("Training", self._total_steps) as advance:
                advance(state.step)
                while not self._is_done():
                    started = self._clock()
                    self._add_step(self._step(batches).numpy(), started)
                    advance(status=self._status())
                    self._take_snapshot()
                    if state.step % self.batches.steps == 0:
                        self._end_epoch(progress, on_epoch)
                    elif self._is_time_to_save():
                        self._save()
        finally:
            if state.best:
                _assign(self._variables["model"], state.best)

    def _add_step(self, sums: NDArray[np.float32], started: float) -> None:
        state = self.state
        state.step += 1
        if not np.isfinite(sums[_LOSS]):
            self._stop(f"the loss is {sums[_LOSS]}")
        state.sums += [*sums, self._clock() - started]

    def _take_snapshot(self) -> None:
        every, step = self._snapshot_steps, self.state.step
        if every and self._on_snapshot is not None and step % every == 0:
            with self._judged_weights():
                self._on_snapshot(step)

    @contextmanager
    def _judged_weights(self) -> Iterator[list[NDArray[Any]]]:
        """Swaps averaged weights, if there are any, into the model; yields all of its variables."""
        variables = self._variables["model"]
        kept = judged = [np.array(variable) for variable in variables]
        if self._averages:
            averages = [np.array(average) for average in self._averages]
            judged = [*averages, *kept[len(averages) :]]
            _assign(variables, judged)
        yield judged
        if self._averages:
            _assign(variables, kept)

    def _batches_of_workers(self) -> Any:
        """Returns an iterator over this worker's shares of the batches, from the next step on."""
        workers, first_step = self._workers, self.state.step
        return iter(
            workers.strategy.distribute_datasets_from_function(
                lambda context: self.batches.dataset(
                    first_step=first_step, replicas=workers.replicas, shares=workers.shares
                )
            )
        )

    def _is_done(self) -> bool:
        state = self.state
        if state.step >= self._total_steps:
            return True
        stale = state.epochs_done - state.best_epoch
        # Where folds have judged, they have gone through all epochs.
        return self._task.dev_scores is None and stale >= self._budget.patience

    def _status(self) -> str:
        state, sums = self.state, self.state.sums
        dev = state.history.get("val_accuracy", ())
        return (
            f"epoch {self._epoch}/{self._budget.epochs}, loss {sums[_LOSS] / sums[_TEXTS]:.3f}, "
            f"{sums[_TOKENS] / max(sums[_SECONDS], 1e-9):,.0f} tokens/s"
            + (f", dev accuracy {dev[-1]:.3f}" if dev else "")
        )

    def _end_epoch(self, progress: Progress, on_epoch: OnEpoch | None) -> None:
        state = self.state
        with self._judged_weights() as judged:
            losses, dev = self._dev_losses()
            scores = self._scores(dev)
        for name, value in scores.items():
            state.history.setdefault(name, []).append(value)
        epoch = state.epochs_done
        if losses is None:
            state.keep(judged)
        else:
            state.judge(losses, judged)
        state.sums = np.zeros(5)
        self._save()
        progress.say(
            f"Epoch {epoch} of {self._budget.epochs}: loss {scores['loss']:.4f}, dev loss "
            f"{scores['val_loss']:.4f}, dev accuracy {scores['val_accuracy']:.4f}, "
            f"{scores['tokens_per_second']:,.0f} tokens a second"
        )
        if on_epoch is not None:
            on_epoch(epoch, scores)

    def _dev_losses(self) -> tuple[NDArray[np.float64] | None, EpochScores]:
        """Returns the loss of each dev text and the scores; of known scores, no losses."""
        known, labels = self._task.dev_scores, self._task.dev_labels
        if known is not None:
            return None, known[self.state.epochs_done]
        logits = self.logits_of(self._task.dev_ids)
        if not np.isfinite(logits).all():
            self._stop("the logits of the dev texts are not finite")
        if self._on_dev_logits is not None:
            self._on_dev_logits(logits)
        losses = cross_entropies(logits, labels)
        right = logits.argmax(axis=1) == labels
        return losses, EpochScores(float(losses.mean()), float(right.mean()))

    def _scores(self, dev: EpochScores) -> dict[str, float]:
        sums = self.state.sums
        return {
            "loss": float(sums[_LOSS] / sums[_TEXTS]),
            "accuracy": float(sums[_RIGHT] / sums[_TEXTS]),
            "val_loss": dev.loss,
            "val_accuracy": dev.accuracy,
            "seconds": float(sums[_SECONDS]),
            "tokens_per_second": float(sums[_TOKENS] / max(sums[_SECONDS], 1e-9)),
        }

    def _is_time_to_save(self) -> bool:
        steps = self._training.checkpoint_steps
        if steps is not None:
            return self.state.step % steps == 0
        return self._clock() - self._saved_at >= _CHECKPOINT_SECONDS

    def _save(self) -> None:
        """Writes a checkpoint; raises where weights are not finite."""
        if not self._workers.is_chief:
            return
        arrays = {
            name: [np.array(variable) for variable in variables]
            for name, variables in self._variables.items()
        }
        if not all(np.isfinite(array).all() for array in arrays["model"]):
            self._stop("the weights are not finite")
        self._saved_at = self._clock()
        if self._checkpoint_path is None:
            return
        state = self.state
        arrays |= {"best": state.best, "lowest_losses": [state.lowest_losses]}
        values = {
            "step": state.step,
            "sums": state.sums.tolist(),
            "history": state.history,
            "best_epoch": state.best_epoch,
        }
        save_checkpoint(Checkpoint(arrays, values), self._checkpoint_path)

    def _stop(self, reason: str) -> None:
        raise TrainingError(
            "Loss, logits and weights must be finite: a lower `learning_rate` helps. Received: "
            f"{reason} at step {self.state.step} (epoch {self._epoch})."
        )

    @property
    def _epoch(self) -> int:
        return (self.state.step - 1) // self.batches.steps + 1


def _trained_variables(model: SentimentModel) -> list[Any]:
    """Returns all variables that training changes, random generators' states included."""
    weights = {id(variable) for variable in model.weights}
    generators = [variable for variable in model.variables if id(variable) not in weights]
    return [*model.trainable_variables, *generators]


def _assign(variables: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> None:
    for variable, array in zip(variables, arrays, strict=False):
        variable.assign(array)
