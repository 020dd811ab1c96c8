"""Trains a `SentimentModel`."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import keras

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import distinct
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.config import SnapshotEvery, TrainingConfig
from lstm_sentiment.training.fit_result import FitResult, finish
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.loop import OnEpoch
from lstm_sentiment.training.network import precision_scope
from lstm_sentiment.training.records.tensorboard import require_tensorboard
from lstm_sentiment.training.task import TrainingTask, make_task
from lstm_sentiment.training.warm_start import StartWeights
from lstm_sentiment.training.worker_run import Mission, shared_task, train_task
from lstm_sentiment.training.workers.distribution import start_workers


def fit(
    train: Corpus,
    dev: Corpus,
    *,
    tokenizer: Tokenizer,
    vectors: WordVectors | None = None,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    start: StartWeights | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    resume: bool = False,
    tensorboard: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
    on_epoch: OnEpoch | None = None,
    snapshots: SnapshotEvery | None = None,
    on_snapshot: Callable[[FitResult], None] | None = None,
    progress: Progress = SILENT,
) -> FitResult:
    """Trains a classifier and keeps the weights of the epoch with the lowest dev loss.

    Seeds the global random generators of Python, NumPy and TensorFlow, as Keras needs it to be
    repeatable.

    Several workers all call it with the same arguments. The chief alone looks at texts and words,
    and hands the others token ids and first weights in `run_dir`, which all must share.

    Args:
        train: Texts to learn from.
        dev: Texts that decide when to stop, and how sure the probabilities sound; never learned
            from.
        tokenizer: Turns texts into ids, here and in every export.
        vectors: Pretrained word vectors. Of tokens that have none, and occur twice or more in the
            training texts, training moves the rows; so it does with the row of unknown tokens,
            unless `vectors` holds one for those. `None` begins with random rows, all of which
            training moves.
        model: Sizes and switches of the model.
        training: How to train.
        start: Weights to begin with, of a classifier with the same model sizes. `None` draws them.
        run_dir: Folder for `checkpoints/last.npz`, `history.csv` and `tensorboard/`. `None` keeps
            nothing of a run that is stopped.
        resume: Go on from the checkpoint in `run_dir`, if there is one. All else must be as it
            was; the result is then that of a run never stopped, on a CPU to the bit.
        tensorboard: Write a TensorBoard log to `run_dir` (extra `tensorboard`).
        cache_dir: Folder that keeps the token ids, not in memory, for this run and the next on the
            same texts; `None` keeps them in memory alone.
        on_epoch: Called at the end of each epoch with its number, from 1, and its scores; an
            exception in it ends the training.
        snapshots: How often `on_snapshot` is called, if at all.
        on_snapshot: Called with the classifier as it is, to be exported say; training goes on as
            if it had not been. An exception in it ends the training.
        progress: Told what runs where, and how far it is.

    Returns:
        The trained classifier.

    Raises:
        InvalidInputError: If there are fewer than two classes, the dev texts are missing or have
            other classes, or a setting breaks its rule.
        ConfigError: As `start_workers`.
        TrainingError: If the loss is no number, the checkpoint cannot be written, or another worker
            has stopped. The best weights so far are then in `run_dir`.
    """
    config, training = model or ModelConfig(), training or TrainingConfig()
    run = None if run_dir is None else Path(run_dir)
    _check(train, dev, run, resume=resume, tensorboard=tensorboard)
    workers = start_workers(training, progress)
    keras.utils.set_random_seed(training.seed)

    def first_task() -> TrainingTask:
        train_ids = encode_texts(
            tokenizer,
            train.texts,
            max_length=config.max_length,
            cache_dir=cache_dir,
            progress=progress,
        )
        dev_ids = encode_texts(
            tokenizer, dev.texts, max_length=config.max_length, cache_dir=cache_dir
        )
        return make_task(
            train, train_ids, dev, dev_ids, tokenizer, vectors, config, training, start, progress
        )

    mission = Mission(training, run, resume, tensorboard)
    with precision_scope(training.precision):
        task, mission = shared_task(workers, mission, first_task)
        # Once for all snapshots: each is a pass over all texts.
        data = {"train": train.fingerprint(), "dev": dev.fingerprint()}
        texts_seen = distinct(train.near_digests, dev.near_digests)
        finished = partial(finish, task, dev, tokenizer, training, data, texts_seen)

        def snapshot(step: int) -> None:
            if on_snapshot is not None:
                on_snapshot(finished(task.network.without_cudnn(), snapshot_step=step))

        def take_snapshot(step: int) -> None:
            # Outside of the strategy's scope, in which each variable made is one of all replicas:
            # a scope belongs to a thread.
            with ThreadPoolExecutor(1) as outside:
                outside.submit(snapshot, step).result()

        loop = train_task(
            workers,
            mission,
            task,
            tokenizer,
            on_epoch,
            progress,
            snapshots=snapshots,
            on_snapshot=take_snapshot,
        )
    losses = loop.history["val_loss"]
    progress.say(
        f"Kept epoch {loop.best_epoch} of {len(losses)}, "
        f"that of the lowest dev loss ({min(losses):.4f})"
    )
    return finished(
        task.network,
        history=loop.history,
        padding_share=loop.batches.padding_share,
        progress=progress,
    )


def _check(
    train: Corpus, dev: Corpus, run: Path | None, *, resume: bool, tensorboard: bool
) -> None:
    """Tells now what would be told after the texts are tokenized."""
    train.require_classes()
    if len(dev) == 0 or dev.label_names != train.label_names:
        raise InvalidInputError(
            "`dev` must hold texts and have the classes of `train`, in the same order. "
            f"Received: {len(dev)} texts of {', '.join(dev.label_names)}."
        )
    if run is None and (resume or tensorboard):
        raise InvalidInputError("`run_dir` must be given with `resume` and with `tensorboard`.")
    if tensorboard:
        require_tensorboard()
