"""Searches for the settings with the lowest dev loss; the test set is not used."""

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lstm_sentiment.checks import positive, positive_seconds, require_train
from lstm_sentiment.errors import InvalidInputError, TrainingError
from lstm_sentiment.local_paths import sqlite_path
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.memory import check_run_memory
from lstm_sentiment.pipeline.overrides import nested, with_overrides
from lstm_sentiment.progress import SILENT, Advance, Progress
from lstm_sentiment.training.workers.cluster import read_cluster
from lstm_sentiment.tuning.space import rounded, searched_values, space_around
from lstm_sentiment.tuning.study import (
    FAILURE,
    TURN,
    ask,
    check_settings,
    check_texts,
    check_trials,
    fail_cut_off_trials,
    is_finished,
    next_turn,
    open_study,
    require_optuna,
    seal,
)

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

OnEpoch = Callable[[int, Mapping[str, float]], None]
Train = Callable[[PipelineConfig, OnEpoch], None]
"""Trains one config and calls the function after each epoch."""


@dataclass(frozen=True)
class TrialResult:
    """Result of one trial.

    Attributes:
        number: Position in the search, from 1.
        state: `complete`; `pruned`, stopped early because other trials were ahead; or `failed`.
        dev_loss: Lowest dev loss of all epochs; `None` before the first epoch's end.
        epochs: Number of epochs trained.
        settings: Values of the trial, by dotted name of the setting.
        failure: Error message of a failed trial.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    dev_loss: float | None
    epochs: int
    settings: Mapping[str, Any]
    failure: str | None = None


@dataclass(frozen=True)
class TuneResult:
    """Result of a search.

    Attributes:
        config: The config of the best trial.
        best: The complete trial with the lowest dev loss.
        trials: All finished trials, of this call and earlier ones, in order.
        study: Name of the study.
        storage: SQLite file of the study.
        seconds: Wall-clock time of this call.
    """

    config: PipelineConfig
    best: TrialResult
    trials: tuple[TrialResult, ...]
    study: str
    storage: Path
    seconds: float

    def count(self, state: str) -> int:
        """Returns the number of trials in a state."""
        return sum(trial.state == state for trial in self.trials)

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON object that `tune --json` prints."""
        return {
            "study": self.study,
            "storage": str(self.storage),
            "trials": len(self.trials),
            "complete": self.count("complete"),
            "pruned": self.count("pruned"),
            "failed": self.count("failed"),
            "best": asdict(self.best),
            "seconds": round(self.seconds, 1),
        }


def tune(
    config: PipelineConfig,
    *,
    trials: int = 20,
    timeout_seconds: float | None = None,
    storage: str | os.PathLike[str] = Path("runs") / "tune.db",
    study: str = "tune",
    progress: Progress = SILENT,
) -> TuneResult:
    """Searches for the settings with the lowest dev loss.

    Texts are read and tokenized, and word vectors trained, once for all trials. The first trial has
    the settings of `config`, the next few have random values of `SEARCH_SPACE`, and the others
    follow the best trials so far (tree-structured Parzen estimator). From its second epoch on, a
    trial whose dev loss is above the median of the earlier trials is stopped.

    Each result is stored at once. Repeating the call continues an interrupted search, with the
    result of an uninterrupted one. `config.training.seed` decides all values.

    Args:
        config: Texts, epochs, and every setting that is not searched.
        trials: Total number of trials, including those of earlier calls.
        timeout_seconds: Seconds after which no trial is started. `None` sets no limit.
        storage: SQLite file of the study, or its URL, sqlite:///PATH.
        study: Name of the study in the file.
        progress: Reports each trial.

    Raises:
        InvalidInputError: If an argument or a text breaks a rule, or Optuna is not installed.
        ConfigError: If `storage` cannot be opened, or its study was made with other texts or
            settings.
        TrainingError: If no trial of the study is complete.
    """
    started = time.monotonic()
    check_search(config, trials, timeout_seconds)
    deadline = math.inf if timeout_seconds is None else started + timeout_seconds
    storage = sqlite_path(storage)
    with open_study(storage, study) as opened:
        check_settings(opened, config, space_around(config))
        fail_cut_off_trials(opened)
        check_trials(opened, storage)
        if next_turn(opened) <= trials:
            train = _prepare(opened, config, progress)
            _search(opened, config, train, trials, deadline, progress)
        first = searched_values(config)
        done = sorted(
            (_result(trial, first) for trial in opened.get_trials() if is_finished(trial)),
            key=lambda trial: trial.number,
        )
    complete = [trial for trial in done if trial.state == "complete"]
    if not complete:
        reasons = [trial.failure for trial in done if trial.failure]
        raise TrainingError(
            f"At least one trial of study {study!r} must be complete. Received: {len(reasons)} "
            f"that failed. {' '.join(reasons[-1:])}"
        )
    best = min(complete, key=lambda trial: (trial.dev_loss, trial.number))
    return TuneResult(
        config=with_overrides(config, nested(best.settings)),
        best=best,
        trials=tuple(done),
        study=study,
        storage=storage,
        seconds=time.monotonic() - started,
    )


def check_search(config: PipelineConfig, trials: int, timeout_seconds: float | None) -> None:
    """Checks the arguments of `tune` that can be checked without importing TensorFlow.

    Raises:
        InvalidInputError: If an argument breaks a rule, or Optuna is not installed.
        MissingExtraError: If TensorFlow is not installed.
        ConfigError: If `TF_CONFIG` breaks a rule.
    """
    require_train()
    require_optuna()
    positive(trials=trials)
    positive_seconds(timeout_seconds=timeout_seconds)
    check_run_memory(config)
    if config.init_from is not None:
        raise InvalidInputError(
            "`init_from` must not be set where sizes of the model are searched. "
            f"Received: {config.init_from}."
        )
    cluster = None if config.training.strategy in ("default", "mirrored") else read_cluster()
    if config.training.strategy == "multi-worker" or (cluster and len(cluster.addresses) > 1):
        raise InvalidInputError(
            "Trials train in one process: unset `TF_CONFIG`, or take the strategy `default` or "
            "`mirrored`. Received: several workers."
        )


def _prepare(study: "Study", config: PipelineConfig, progress: Progress) -> Train:
    """Prepares texts and vectors once for all trials, and returns the function that trains one."""
    import keras

    from lstm_sentiment.pipeline.preparation import prepare_run
    from lstm_sentiment.training.fit import fit

    prepared = prepare_run(config, progress)
    check_texts(study, prepared.train, prepared.dev, prepared.vectors)

    def train(chosen: PipelineConfig, on_epoch: OnEpoch) -> None:
        try:
            fit(
                prepared.train,
                prepared.dev,
                tokenizer=prepared.tokenizer,
                vectors=prepared.vectors,
                model=chosen.model,
                training=chosen.training,
                soft_labels=prepared.soft_labels,
                cache_dir=prepared.cache_dir,  # each trial finds the token ids there
                on_epoch=on_epoch,
            )
        finally:
            keras.utils.clear_session()  # frees the models of earlier trials

    return train


def _search(
    study: "Study",
    config: PipelineConfig,
    train: Train,
    trials: int,
    deadline: float,
    progress: Progress,
) -> None:
    """Runs the missing trials, at least one even if no time is left."""
    first, space = searched_values(config), space_around(config)
    turn = next_turn(study)
    with progress.step("Tuning", trials - turn + 1) as advance:
        while turn <= trials:
            trial = ask(study, turn, space, first, config.training.seed)
            chosen = with_overrides(config, nested(rounded(trial.params, first)))
            _run_trial(study, trial, chosen, train, advance)
            result = _result(study.get_trials()[trial.number], first)
            progress.say(f"Trial {turn} of {trials}: {_described(result)}")
            advance(1)
            turn = next_turn(study)
            if time.monotonic() >= deadline and turn <= trials:
                progress.say(f"No time is left: {turn - 1} of {trials} trials are done")
                return


def _run_trial(
    study: "Study", trial: "Trial", chosen: PipelineConfig, train: Train, advance: Advance
) -> None:
    """Trains one config and records the result in the study."""
    from optuna import TrialPruned
    from optuna.trial import TrialState

    losses: list[float] = []
    number = trial.user_attrs[TURN]

    def on_epoch(epoch: int, logs: Mapping[str, float]) -> None:
        loss = float(logs["val_loss"])
        if not math.isfinite(loss):
            raise TrainingError(f"the dev loss must be finite. Received: {loss}.")
        losses.append(loss)
        trial.report(loss, epoch)
        advance(0, status=f"trial {number}, epoch {epoch}, dev loss {min(losses):.4f}")
        if trial.should_prune():
            raise TrialPruned

    try:
        train(chosen, on_epoch)
    except TrialPruned:
        seal(trial, "PRUNED", losses)
        study.tell(trial, state=TrialState.PRUNED)
    except TrainingError as error:
        seal(trial, "FAIL", losses)
        trial.set_user_attr(FAILURE, str(error))
        study.tell(trial, state=TrialState.FAIL)
    else:
        seal(trial, "COMPLETE", losses)
        study.tell(trial, min(losses))


def _result(trial: "FrozenTrial", first: Mapping[str, Any]) -> TrialResult:
    states: dict[str, Literal["complete", "pruned"]] = {
        "COMPLETE": "complete",
        "PRUNED": "pruned",
    }
    return TrialResult(
        number=trial.user_attrs[TURN],
        state=states.get(trial.state.name, "failed"),
        dev_loss=min(trial.intermediate_values.values(), default=None),
        epochs=len(trial.intermediate_values),
        settings=rounded(trial.params, first),
        failure=trial.user_attrs.get(FAILURE),
    )


def _described(trial: TrialResult) -> str:
    if trial.state == "failed":
        return f"failed: {trial.failure}"
    settings = ", ".join(
        f"{name.rpartition('.')[2]} {value}" for name, value in trial.settings.items()
    )
    loss = "none" if trial.dev_loss is None else f"{trial.dev_loss:.4f}"
    return f"{trial.state}, dev loss {loss} after {trial.epochs} epochs ({settings})"
