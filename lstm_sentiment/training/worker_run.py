"""One worker's part of a training: gets the chief's task, trains on a share, writes records."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from lstm_sentiment.errors import InvalidInputError, TrainingError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.loop import OnSnapshot, TrainingLoop
from lstm_sentiment.training.network import precision_scope
from lstm_sentiment.training.records.checkpoint import has_checkpoint
from lstm_sentiment.training.records.history import save_history
from lstm_sentiment.training.records.model_file import save_model
from lstm_sentiment.training.records.tensorboard import TensorBoardLog
from lstm_sentiment.training.run import OnEpoch, TrainingOrders, TrainingRun
from lstm_sentiment.training.task import TrainingTask, load_task, save_task
from lstm_sentiment.training.workers.distribution import Workers, describe, start_workers

CHECKPOINT = Path("checkpoints") / "last.npz"
"""The checkpoint, below a run's folder."""

WORKERS = "workers"
"""The folder, below a run's, for the records of workers other than the chief, by number."""

_PREPARED = "prepared"


def shared_task(
    workers: Workers, orders: TrainingOrders, make_task: Callable[[], TrainingTask]
) -> tuple[TrainingTask, TrainingOrders]:
    """Returns the chief's task and orders; all workers must call it.

    Args:
        workers: The processes that train.
        orders: The chief's; those of other workers are ignored.
        make_task: Called by the chief alone.

    Returns:
        The task, its model made in the strategy's scope, and the orders.

    Raises:
        InvalidInputError: If there are several workers and no folder.
        TrainingError: If a worker is lost, or the folder is not shared.
    """
    if workers.count > 1 and orders.folder is None:
        raise InvalidInputError(
            "`run_dir` must be given, a folder that all workers share. Received: none."
        )
    if workers.count == 1:
        with workers.strategy.scope():
            return make_task(), orders
    if workers.is_chief and orders.folder is not None:
        # Outside of the scope, where creating a variable needs all workers.
        save_task(make_task(), orders.folder / _PREPARED)
    orders = TrainingOrders.from_json(workers.told_by_chief(orders.to_json()))
    return _task_from_chief(workers, orders), orders


def _task_from_chief(workers: Workers, orders: TrainingOrders) -> TrainingTask:
    with workers.together(), workers.strategy.scope():
        return load_task((orders.folder or Path()) / _PREPARED)


def join_fit(training: TrainingConfig, *, progress: Progress = SILENT) -> None:
    """Trains as a worker other than the chief, where the chief alone has the texts and calls `fit`.

    Args:
        training: The strategy, and how long to wait for the other workers. All else is the chief's.
        progress: Receives messages and each step.

    Raises:
        ConfigError: As `start_workers`.
        TrainingError: If a worker is lost, or the chief's folder cannot be read.
    """
    workers = start_workers(training, progress)
    if workers.is_chief:
        raise InvalidInputError("`join_fit` must be called by workers other than the chief.")
    orders = TrainingOrders.from_json(workers.told_by_chief())
    keras.utils.set_random_seed(orders.training.seed)
    with precision_scope(orders.training.precision):
        train_task(workers, orders, _task_from_chief(workers, orders), progress)


def train_task(
    workers: Workers,
    orders: TrainingOrders,
    task: TrainingTask,
    progress: Progress,
    run: TrainingRun | None = None,
    on_snapshot: OnSnapshot | None = None,
) -> TrainingLoop:
    """Trains the task's model, and writes this worker's records; all workers must call it.

    Args:
        workers: The processes that train.
        orders: The chief's.
        task: The chief's. Its model ends with the weights of the best epoch.
        progress: Receives messages and each step.
        run: The run at a worker that has the texts; `None` elsewhere.
        on_snapshot: Called only by the chief, as often as `run` sets.

    Raises:
        TrainingError: If training has to stop, or a worker is lost.
    """
    training, folder = orders.training, orders.folder
    progress.say(describe(workers, training))
    with workers.together(), workers.strategy.scope():
        loop = TrainingLoop(
            task,
            training,
            workers=workers,
            checkpoint_path=None if folder is None else folder / CHECKPOINT,
            snapshots=None if run is None else run.snapshots,
            on_snapshot=on_snapshot if workers.is_chief else None,
        )
        progress.say(
            f"Batches: {loop.batches.steps:,} of up to {loop.batches.batch_size} texts, "
            f"{loop.batches.padding_share:.1%} of their time steps are padding"
        )
        if folder is None:
            loop.run(progress, None if run is None else run.on_epoch)
            return loop
        if orders.resume and has_checkpoint(folder / CHECKPOINT):
            progress.say(f"Resumed after {loop.resume(progress):,} steps")
        own = folder if workers.is_chief else folder / WORKERS / str(workers.index)
        with _recorded(loop, own, orders, run) as after_epoch:
            loop.run(progress, after_epoch)
        workers.sum(np.zeros(1, np.int32))  # from here on no worker reads the chief's task
    if workers.is_chief:
        shutil.rmtree(folder / _PREPARED, ignore_errors=True)
    return loop


@contextmanager
def _recorded(
    loop: TrainingLoop, folder: Path, orders: TrainingOrders, run: TrainingRun | None
) -> Iterator[OnEpoch]:
    """Writes history, TensorBoard log and, if training has to stop, the best weights to `folder`.

    Yields the function to call at the end of each epoch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = TensorBoardLog(folder / "tensorboard") if orders.tensorboard else None
    if log is not None and run is not None:
        log.write_graph(loop.model)

    def after_epoch(epoch: int, scores: Mapping[str, float]) -> None:
        save_history(loop.state.history, folder / "history.csv")
        if log is not None:
            log.write_scores(epoch, scores)
        if run is not None and run.on_epoch is not None:
            run.on_epoch(epoch, scores)

    try:
        yield after_epoch
    except TrainingError as error:
        raise TrainingError(f"{error}{_keep_best(loop, folder)}") from error
    save_history(loop.state.history, folder / "history.csv")  # the last write may have been cut off
    if log is not None:
        if run is not None:
            vectors = loop.model.embedding.merged_matrix()[2:]
            log.write_vectors(run.tokenizer.vocabulary.tokens, vectors)
        log.close()


def _keep_best(loop: TrainingLoop, folder: Path) -> str:
    """Saves the best weights so far; returns the sentence that names their file."""
    path = folder / "model.keras"
    if not loop.state.best_epoch:
        return ""
    try:
        save_model(loop.model, path)
    except TrainingError:  # such as a full disk; the checkpoint holds the weights too
        return ""
    return f" The weights of epoch {loop.state.best_epoch} are in {path}."
