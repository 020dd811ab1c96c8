"""What each worker does: gets the chief's task, trains on its share, keeps its own records."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from lstm_sentiment.errors import InvalidInputError, TrainingError
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.config import SnapshotEvery, TrainingConfig
from lstm_sentiment.training.inputs.batches import make_batches
from lstm_sentiment.training.loop import OnEpoch, OnSnapshot, TrainingLoop
from lstm_sentiment.training.network import precision_scope
from lstm_sentiment.training.records.history import save_history
from lstm_sentiment.training.records.tensorboard import TensorBoardLog
from lstm_sentiment.training.task import TrainingTask, load_task, save_task
from lstm_sentiment.training.workers.distribution import Workers, describe, start_workers

CHECKPOINT = Path("checkpoints") / "last.npz"
"""A run's checkpoint, below the run's folder."""

WORKERS = "workers"
"""Folder below the run's that holds what workers other than the chief keep, by their number."""

_PREPARED = "prepared"


@dataclass(frozen=True)
class Mission:
    """How to train, as the chief tells the others.

    Attributes:
        training: The chief's.
        run: The run's folder, which all workers share; `None` keeps nothing.
        resume: Whether to go on from the run's checkpoint, if there is one.
        tensorboard: Whether to write TensorBoard logs.
    """

    training: TrainingConfig
    run: Path | None
    resume: bool
    tensorboard: bool

    def to_json(self) -> str:
        """As `from_json` takes it; the folder's path is absolute."""
        facts = {"training": asdict(self.training), "run": str(Path(self.run or "").absolute())}
        return json.dumps({**facts, "resume": self.resume, "tensorboard": self.tensorboard})

    @classmethod
    def from_json(cls, text: str) -> "Mission":
        """Reads what `to_json` wrote."""
        facts = json.loads(text)
        return cls(
            TrainingConfig(**facts["training"]),
            Path(facts["run"]),
            facts["resume"],
            facts["tensorboard"],
        )


def shared_task(
    workers: Workers, mission: Mission, make_task: Callable[[], TrainingTask]
) -> tuple[TrainingTask, Mission]:
    """The chief's task and mission, at every worker; all must call it.

    Args:
        workers: Who trains.
        mission: The chief's; that of others is not looked at.
        make_task: Makes the task; called by the chief alone.

    Returns:
        The task, its model made in the strategy's scope, and the mission.

    Raises:
        InvalidInputError: If there are several workers and no folder.
        TrainingError: If a worker is lost, or the folder is not shared.
    """
    if workers.count > 1 and mission.run is None:
        raise InvalidInputError(
            "`run_dir` must be given, a folder that all workers share. Received: none."
        )
    if workers.count == 1:
        with workers.strategy.scope():
            return make_task(), mission
    if workers.is_chief and mission.run is not None:
        # Outside the scope: there, every variable made is a meeting of all workers.
        save_task(make_task(), mission.run / _PREPARED)
    mission = Mission.from_json(workers.told_by_chief(mission.to_json()))
    return _task_from_chief(workers, mission), mission


def _task_from_chief(workers: Workers, mission: Mission) -> TrainingTask:
    with workers.together(), workers.strategy.scope():
        return load_task((mission.run or Path()) / _PREPARED)


def join_fit(training: TrainingConfig, *, progress: Progress = SILENT) -> None:
    """The part of every worker but the chief where the chief alone has the texts.

    The chief calls `fit`; what it decides goes for all.

    Args:
        training: For the strategy, and how long to wait.
        progress: Told what runs where, and how far it is.

    Raises:
        ConfigError: As `start_workers`.
        TrainingError: If a worker is lost, or the chief's folder is not there to be read.
    """
    workers = start_workers(training, progress)
    if workers.is_chief:
        raise InvalidInputError("`join_fit` must be called by workers other than the chief.")
    mission = Mission.from_json(workers.told_by_chief())
    keras.utils.set_random_seed(mission.training.seed)
    with precision_scope(mission.training.precision):
        task = _task_from_chief(workers, mission)
        train_task(workers, mission, task, None, None, progress)


def train_task(
    workers: Workers,
    mission: Mission,
    task: TrainingTask,
    tokenizer: Tokenizer | None,
    on_epoch: OnEpoch | None,
    progress: Progress,
    *,
    snapshots: SnapshotEvery | None = None,
    on_snapshot: OnSnapshot | None = None,
) -> TrainingLoop:
    """Trains with all workers; each keeps its own records, the chief those of the run.

    Args:
        workers: Who trains; all must call it.
        mission: How.
        task: What. Its model has the weights of the best epoch in the end.
        tokenizer: Names the word vectors in TensorBoard's log; `None` writes curves alone.
        on_epoch: Called at the end of each epoch.
        progress: Told what runs where, and how far it is.
        snapshots: How often `on_snapshot` is called.
        on_snapshot: Called by the chief alone.

    Raises:
        TrainingError: If training has to stop, or a worker is lost.
    """
    training, run = mission.training, mission.run
    progress.say(describe(workers, training))
    batches = make_batches(
        task.train_ids, task.train_labels, batch_size=training.batch_size, seed=training.seed
    )
    progress.say(
        f"Batches: {batches.steps:,} of up to {training.batch_size} texts, "
        f"{batches.padding_share:.1%} of their time steps are padding"
    )
    with workers.together(), workers.strategy.scope():
        loop = TrainingLoop(
            task.network,
            training,
            batches,
            (task.dev_ids, task.dev_labels),
            class_weights=task.class_weights,
            checkpoint_path=None if run is None else run / CHECKPOINT,
            workers=workers,
            snapshot_steps=snapshots.steps(batches.steps) if snapshots is not None else None,
            on_snapshot=on_snapshot if workers.is_chief else None,
        )
        if run is None:
            loop.run(progress, on_epoch)
            return loop
        if mission.resume and (run / CHECKPOINT).exists():
            progress.say(f"Resumed after {loop.resume():,} steps")
        own = run if workers.is_chief else run / WORKERS / str(workers.index)
        _train_in_folder(loop, mission, task.network, tokenizer, own, on_epoch, progress)
        workers.sum(np.zeros(1, np.int32))  # nobody reads what the chief prepared any more
    if workers.is_chief:
        shutil.rmtree(run / _PREPARED, ignore_errors=True)
    return loop


def _train_in_folder(
    loop: TrainingLoop,
    mission: Mission,
    network: SentimentModel,
    tokenizer: Tokenizer | None,
    run: Path,
    on_epoch: OnEpoch | None,
    progress: Progress,
) -> None:
    """Runs the loop, and keeps in this worker's folder what is to outlast it."""
    run.mkdir(parents=True, exist_ok=True)
    log = TensorBoardLog(run / "tensorboard") if mission.tensorboard else None
    if log is not None and tokenizer is not None:
        log.write_graph(network)

    def after_epoch(epoch: int, scores: Mapping[str, float]) -> None:
        save_history(loop.history, run / "history.csv")
        if log is not None:
            log.write_scores(epoch, scores)
        if on_epoch is not None:
            on_epoch(epoch, scores)

    try:
        loop.run(progress, after_epoch)
    except TrainingError as error:
        raise TrainingError(f"{error}{_keep_best(loop, network, run)}") from error
    save_history(loop.history, run / "history.csv")  # again: the last epoch may have been cut off
    if log is not None:
        if tokenizer is not None:
            vectors = network.embedding.merged_matrix()[2:]
            log.write_vectors(tokenizer.vocabulary.tokens, vectors)
        log.close()


def _keep_best(loop: TrainingLoop, network: SentimentModel, run: Path) -> str:
    """Writes the best weights of a run that had to stop, and says so."""
    path = run / "model.keras"
    if not loop.best_epoch:
        return ""
    try:
        network.save(path)
    except OSError:  # a full disk may be why it had to stop: the checkpoint holds them too
        return ""
    return f" The weights of epoch {loop.best_epoch} are in {path}."
