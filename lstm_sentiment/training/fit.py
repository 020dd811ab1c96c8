"""Trains a `SentimentModel`."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.ngram_view import NgramView
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import distinct
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.config import SnapshotEvery, TrainingConfig
from lstm_sentiment.training.evaluation.calibration import fit_temperature
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.fit_result import FitResult, evaluated
from lstm_sentiment.training.loop import TrainingLoop
from lstm_sentiment.training.network import precision_scope
from lstm_sentiment.training.ngrams import best_share
from lstm_sentiment.training.run import OnEpoch, TrainingOrders, TrainingRun
from lstm_sentiment.training.task import TrainingTask, make_task
from lstm_sentiment.training.warm_start import StartWeights
from lstm_sentiment.training.worker_run import shared_task, train_task
from lstm_sentiment.training.workers.distribution import start_workers

_EXAMPLES = 20


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
    folder = None if run_dir is None else Path(run_dir)
    run = TrainingRun(
        orders=TrainingOrders(training or TrainingConfig(), folder, resume, tensorboard),
        train=train,
        dev=dev,
        tokenizer=tokenizer,
        vectors=vectors,
        model=model or ModelConfig(),
        start=start,
        cache_dir=cache_dir,
        on_epoch=on_epoch,
        snapshots=snapshots,
        on_snapshot=on_snapshot,
        progress=progress,
    )
    run.check()
    training = run.orders.training
    workers = start_workers(training, progress)
    keras.utils.set_random_seed(training.seed)
    with precision_scope(training.precision):
        task, orders = shared_task(workers, run.orders, partial(make_task, run))
        take_snapshot = partial(_take_snapshot, run, task)
        loop = train_task(workers, orders, task, progress, run, take_snapshot)
    losses = loop.state.history["val_loss"]
    progress.say(
        f"Kept epoch {loop.state.best_epoch} of {len(losses)}, "
        f"that of the lowest dev loss ({min(losses):.4f})"
    )
    return _result(run, task, task.network, loop)


def _take_snapshot(run: TrainingRun, task: TrainingTask, step: int) -> None:
    """Gives `on_snapshot` a copy of the classifier after `step` steps."""

    def take() -> None:
        if run.on_snapshot is not None:
            result = _result(run, task, task.network.without_cudnn())
            run.on_snapshot(replace(result, snapshot_step=step))

    # In another thread, and so outside of the strategy's scope, in which each variable made would
    # be one of all replicas.
    with ThreadPoolExecutor(1) as outside:
        outside.submit(take).result()


def _result(
    run: TrainingRun, task: TrainingTask, network: SentimentModel, loop: TrainingLoop | None = None
) -> FitResult:
    """Makes a classifier of a trained network, and chooses n-grams' share and temperature.

    Args:
        run: The run.
        task: The run's token ids.
        network: Trained. Its word vectors are rounded to the precision that a version keeps, so
            that the scores are those of the served version.
        loop: Where training is over: its history becomes part of the result.
    """
    dev = run.dev
    network.embedding.round_to(network.config.embedding_storage)
    logits = logits_function(network)(task.dev_ids)
    if network.ngram_view is not None:
        logits = _mix_in_ngrams(network.ngram_view, task, logits, run.progress if loop else SILENT)
    temperature = fit_temperature(logits, dev.labels)
    some = np.linspace(0, len(dev) - 1, min(_EXAMPLES, len(dev))).astype(int)
    return FitResult(
        model=network,
        tokenizer=run.tokenizer,
        label_names=dev.label_names,
        training=run.orders.training,
        history={} if loop is None else dict(loop.state.history),
        dev=evaluated(task.dev_ids, logits, dev, temperature),
        padding_share=0.0 if loop is None else loop.batches.padding_share,
        temperature=temperature,
        data={"train": run.train.fingerprint(), "dev": dev.fingerprint()},
        examples=tuple(dev.texts[place] for place in some),
        texts_seen=distinct(run.train.near_digests, dev.near_digests),
    )


def _mix_in_ngrams(
    view: NgramView, task: TrainingTask, logits: NDArray[np.float32], progress: Progress
) -> NDArray[np.float32]:
    """Sets the n-grams' share to the best one on the dev texts; returns the mixed logits."""
    ngram_logits = logits_function(lambda token_ids, training: view.ngram_logits(token_ids))(
        task.dev_ids
    )
    share = best_share(logits, ngram_logits, task.dev_labels)
    view.set_share(share)
    progress.say(f"The n-grams' share in the logits, chosen on the dev texts: {share:.0%}")
    return np.asarray((1 - share) * logits + share * ngram_logits, np.float32)
