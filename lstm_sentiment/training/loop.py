"""The training loop: epochs, checkpoints, the best weights kept."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError, TrainingError
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import SILENT, Advance, Progress
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.evaluation.calibration import Labels, cross_entropy
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.inputs.batches import Batches
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.records.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from lstm_sentiment.training.steps import make_optimizer, make_step
from lstm_sentiment.training.workers.distribution import Workers

_CHECKPOINT_SECONDS = 60.0
_LOSS, _RIGHT, _TEXTS, _TOKENS, _SECONDS = range(5)

OnEpoch = Callable[[int, Mapping[str, float]], None]
"""Called with the number of the epoch just ended, from 1, and its scores by name."""

OnSnapshot = Callable[[int], None]
"""Called with the number of steps done, while the model has the weights that it is judged by."""


@dataclass
class _State:
    """Where training stands between two steps, but for the variables.

    Attributes:
        step: Steps done, over all epochs.
        sums: Of the epoch under way: loss, right answers, texts, real tokens, seconds.
        history: For each score its value in each epoch done.
        best: The model's variables at the end of the best epoch.
    """

    step: int = 0
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(5))
    history: dict[str, list[float]] = field(default_factory=dict)
    best: list[NDArray[Any]] = field(default_factory=list)

    @property
    def epochs_done(self) -> int:
        return len(self.history.get("val_loss", ()))

    @property
    def best_epoch(self) -> int:
        """The epoch of the lowest dev loss, from 1; 0 before the first has ended."""
        losses = self.history.get("val_loss", [])
        return losses.index(min(losses)) + 1 if losses else 0


class TrainingLoop:
    """Trains a model, epoch by epoch, in the scope of the current strategy.

    Everything that decides what comes next is in the checkpoint or follows from the seed and the
    number of the step, so a run that is stopped anywhere and goes on from its last checkpoint ends
    with the same weights, on a CPU bit for bit.

    Attributes:
        batches: The training texts.
        score: Scores texts with the model as it is, all workers together: see `logits_function`.
    """

    def __init__(
        self,
        model: SentimentModel,
        training: TrainingConfig,
        batches: Batches,
        dev: tuple[TokenRows, Labels],
        *,
        class_weights: Sequence[float] | None = None,
        checkpoint_path: Path | None = None,
        workers: Workers | None = None,
        snapshot_steps: int | None = None,
        on_snapshot: OnSnapshot | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Compiles the step and gathers what a checkpoint holds.

        Args:
            model: Built, with its first weights.
            training: How to train.
            batches: The training texts.
            dev: Token ids and labels of the texts that decide which epoch is best.
            class_weights: What a text of each class weighs; `None` weighs all alike.
            checkpoint_path: File of the checkpoint, which the chief writes; `None` writes none.
            workers: Who trains; `None` stands for this process alone, with the current strategy.
            snapshot_steps: Call `on_snapshot` every so many steps; `None` never does.
            on_snapshot: An exception in it ends the training.
            clock: Seconds, never going back.
        """
        self._snapshot_steps, self._on_snapshot = snapshot_steps, on_snapshot
        self._model, self._training, self.batches = model, training, batches
        self._dev_ids, self._dev_labels = dev
        self._checkpoint_path, self._clock = checkpoint_path, clock
        self._workers = workers or Workers(tf.distribute.get_strategy())
        self._total_steps = training.epochs * batches.steps
        optimizer = make_optimizer(training, self._total_steps)
        self._averages = [
            tf.Variable(variable.value, trainable=False)
            for variable in (model.trainable_variables if training.average_momentum else ())
        ]
        self._step = make_step(
            model, optimizer, training, class_weights=class_weights, averages=self._averages
        )
        self.score = logits_function(model, workers=self._workers)
        self._variables = {
            "model": _trained_variables(model),
            "optimizer": list(optimizer.variables),
            "average": self._averages,
        }
        self._state = _State()
        self._saved_at = 0.0

    @property
    def history(self) -> dict[str, list[float]]:
        """For each score its value in each epoch done."""
        return self._state.history

    @property
    def best_epoch(self) -> int:
        """The epoch of the lowest dev loss, from 1; 0 before the first has ended."""
        return self._state.best_epoch

    def resume(self) -> int:
        """Goes back to where the checkpoint was written.

        Returns:
            The number of steps done by then.

        Raises:
            InvalidInputError: If there is no whole checkpoint, or it is one of another model.
        """
        path = self._checkpoint_path
        if path is None:
            raise InvalidInputError("`checkpoint_path` must be given to resume from it.")
        checkpoint = load_checkpoint(path)
        for name, variables in self._variables.items():
            arrays = checkpoint.arrays.get(name, ())
            if [tuple(v.shape) for v in variables] != [array.shape for array in arrays]:
                raise InvalidInputError(f"{path}: must be a checkpoint of this model: see {name}.")
            _assign(variables, arrays)
        values = checkpoint.values
        self._state = _State(
            values["step"],
            np.array(values["sums"]),
            {name: list(scores) for name, scores in values["history"].items()},
            list(checkpoint.arrays.get("best", ())),
        )
        return self._state.step

    def run(self, progress: Progress = SILENT, on_epoch: OnEpoch | None = None) -> None:
        """Trains to the end, and leaves the model with the weights of its best epoch.

        Args:
            progress: Told of every step and every epoch.
            on_epoch: Called at the end of each epoch; an exception in it ends the training.

        Raises:
            TrainingError: If the loss is no number, or a checkpoint cannot be written. The model
                then has the weights of the best epoch so far, where one has ended.
        """
        state = self._state
        self._saved_at = self._clock()
        try:
            if not self._is_done():
                self._train_steps(progress, on_epoch)
        finally:
            if state.best:
                _assign(self._variables["model"], state.best)

    def _train_steps(self, progress: Progress, on_epoch: OnEpoch | None) -> None:
        state = self._state
        batches = self._batches_of_workers()
        with progress.step("Training", self._total_steps) as advance:
            advance(state.step)
            while not self._is_done():
                self._train_step(batches, advance)
                self._take_snapshot()
                if state.step % self.batches.steps == 0:
                    self._end_epoch(progress, on_epoch)
                elif self._is_time_to_save():
                    self._save()

    def _take_snapshot(self) -> None:
        every, step = self._snapshot_steps, self._state.step
        if every and self._on_snapshot is not None and step % every == 0:
            with self._judged_weights():
                self._on_snapshot(step)

    @contextmanager
    def _judged_weights(self) -> Iterator[list[NDArray[Any]]]:
        """Gives the model, for a while, the weights it is judged by: averages if there are any."""
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
        """Iterates over this worker's shares of the batches, from the step that is next."""
        workers, first_step = self._workers, self._state.step
        return iter(
            workers.strategy.distribute_datasets_from_function(
                lambda context: self.batches.dataset(
                    first_step=first_step, replicas=workers.replicas, shares=workers.shares
                )
            )
        )

    def _is_done(self) -> bool:
        state = self._state
        stale = state.epochs_done - state.best_epoch
        return state.step >= self._total_steps or stale >= self._training.patience

    def _train_step(self, batches: Any, advance: Advance) -> None:
        state = self._state
        started = self._clock()
        sums = self._step(batches).numpy()
        state.step += 1
        if not np.isfinite(sums[_LOSS]):
            self._stop(f"the loss is {sums[_LOSS]}")
        state.sums += [*sums, self._clock() - started]
        advance(status=self._status())

    def _status(self) -> str:
        state, sums = self._state, self._state.sums
        epoch = (state.step - 1) // self.batches.steps + 1
        dev = state.history.get("val_accuracy", ())
        return (
            f"epoch {epoch}/{self._training.epochs}, loss {sums[_LOSS] / sums[_TEXTS]:.3f}, "
            f"{sums[_TOKENS] / max(sums[_SECONDS], 1e-9):,.0f} tokens/s"
            + (f", dev accuracy {dev[-1]:.3f}" if dev else "")
        )

    def _end_epoch(self, progress: Progress, on_epoch: OnEpoch | None) -> None:
        state = self._state
        with self._judged_weights() as judged:
            logits = self.score(self._dev_ids)
            if not np.isfinite(logits).all():
                self._stop("the logits of the dev texts are not finite")
            scores = self._scores(logits)
        for name, value in scores.items():
            state.history.setdefault(name, []).append(value)
        epoch = state.epochs_done
        if state.best_epoch == epoch:
            state.best = judged
        state.sums = np.zeros(5)
        self._save()
        progress.say(
            f"Epoch {epoch} of {self._training.epochs}: loss {scores['loss']:.4f}, dev loss "
            f"{scores['val_loss']:.4f}, dev accuracy {scores['val_accuracy']:.4f}, "
            f"{scores['tokens_per_second']:,.0f} tokens a second"
        )
        if on_epoch is not None:
            on_epoch(epoch, scores)

    def _scores(self, logits: NDArray[np.float32]) -> dict[str, float]:
        sums = self._state.sums
        right = logits.argmax(axis=1) == np.asarray(self._dev_labels)
        return {
            "loss": float(sums[_LOSS] / sums[_TEXTS]),
            "accuracy": float(sums[_RIGHT] / sums[_TEXTS]),
            "val_loss": cross_entropy(logits, self._dev_labels),
            "val_accuracy": float(right.mean()),
            "seconds": float(sums[_SECONDS]),
            "tokens_per_second": float(sums[_TOKENS] / max(sums[_SECONDS], 1e-9)),
        }

    def _is_time_to_save(self) -> bool:
        steps = self._training.checkpoint_steps
        if steps is not None:
            return self._state.step % steps == 0
        return self._clock() - self._saved_at >= _CHECKPOINT_SECONDS

    def _save(self) -> None:
        """Writes a checkpoint, but none of weights that are no numbers."""
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
        state = self._state
        values = {"step": state.step, "sums": state.sums.tolist(), "history": state.history}
        save_checkpoint(Checkpoint({**arrays, "best": state.best}, values), self._checkpoint_path)

    def _stop(self, reason: str) -> None:
        state = self._state
        epoch = (state.step - 1) // self.batches.steps + 1
        raise TrainingError(
            "Loss, logits and weights must be finite: a lower `learning_rate` helps. Received: "
            f"{reason} at step {state.step} (epoch {epoch})."
        )


def _trained_variables(model: SentimentModel) -> list[Any]:
    """All variables that training changes, the random generators' states included."""
    weights = {id(variable) for variable in model.weights}
    generators = [variable for variable in model.variables if id(variable) not in weights]
    return [*model.trainable_variables, *generators]


def _assign(variables: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> None:
    for variable, array in zip(variables, arrays, strict=False):
        variable.assign(array)
