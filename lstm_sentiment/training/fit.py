"""Trains a `SentimentModel`."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.ngram_view import NgramView
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import MUTED, SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import distinct
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.budget import budget_for, settle_budget
from lstm_sentiment.training.class_weights import choose_class_weights
from lstm_sentiment.training.config import SnapshotEvery, TrainingConfig
from lstm_sentiment.training.cross_validation import CrossValidation, cross_validate
from lstm_sentiment.training.evaluation.calibration import fit_temperature
from lstm_sentiment.training.evaluation.logits import LogitsOf, logits_function
from lstm_sentiment.training.evaluation.metrics import Evaluation
from lstm_sentiment.training.fit_result import FitResult, evaluated, with_answers
from lstm_sentiment.training.folds import Folds, make_folds, number_of_folds
from lstm_sentiment.training.inputs.soft_targets import count_learned
from lstm_sentiment.training.inputs.teacher_temperature import settle_teacher
from lstm_sentiment.training.network import precision_scope
from lstm_sentiment.training.ngrams import best_shares, mixed_logits
from lstm_sentiment.training.records.state import TrainingState
from lstm_sentiment.training.run import OnEpoch, TrainingOrders, TrainingRun
from lstm_sentiment.training.task import TrainingTask, make_task
from lstm_sentiment.training.teacher_weight import settle_teacher_weight
from lstm_sentiment.training.views import view_logits
from lstm_sentiment.training.warm_start import StartWeights
from lstm_sentiment.training.worker_run import shared_task, train_task
from lstm_sentiment.training.workers.distribution import start_workers

_EXAMPLES = 20
_NGRAMS_OF = {"ngrams": "tokens"}


def fit(
    train: Corpus,
    dev: Corpus,
    *,
    tokenizer: Tokenizer,
    vectors: WordVectors | None = None,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    start: StartWeights | None = None,
    soft_labels: SoftLabels | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    resume: bool = False,
    tensorboard: bool = False,
    cache_dir: str | os.PathLike[str] | None = None,
    on_epoch: OnEpoch | None = None,
    snapshots: SnapshotEvery | None = None,
    on_snapshot: Callable[[FitResult], None] | None = None,
    progress: Progress = SILENT,
) -> FitResult:
    """Trains a classifier and keeps the weights of its best epoch, judged by the dev texts.

    Few dev texts choose badly. With few of them, a cross-validation chooses instead (see
    `TrainingConfig.cross_validation`): training and dev texts are divided into folds, and a
    classifier that is trained on all other texts scores each fold. The returned classifier is then
    trained on all training and dev texts, to the last epoch.

    Seeds the global random generators of Python, NumPy and TensorFlow. Several workers all call
    `fit` with the same arguments; the chief alone reads the texts, and hands token ids and first
    weights to the others in `run_dir`, which all must share.

    Args:
        train: Texts to train on.
        dev: Texts that decide when to stop, the n-grams' shares and the temperature. Not trained
            on, unless there is a cross-validation.
        tokenizer: Turns texts into token ids, here and in every export.
        vectors: Pretrained word vectors. Rows are trained for tokens without a vector that occur at
            least twice in `train`, and for unknown tokens if they have none. `None` begins with
            random rows and trains them all.
        model: Sizes and switches of the model.
        training: Settings of training.
        start: First weights, from a classifier of the same model sizes. `None` draws them.
        soft_labels: Class probabilities of texts from another classifier, a teacher. From texts in
            `train`, both labels are learned (`TrainingConfig.teacher_weight`); other texts are
            learned too, only with their soft labels. Texts of `dev` and their near duplicates are
            left out.
        run_dir: Folder for `checkpoints/`, `history.csv` and `tensorboard/`. `None` writes no
            files, and the run cannot be resumed.
        resume: Continues from the checkpoint in `run_dir`, if there is one, with the n-grams'
            classifiers that are kept there. With all other arguments unchanged, the result is that
            of a run never stopped, on a CPU to the bit.
        tensorboard: Writes a TensorBoard log to `run_dir` (extra `tensorboard`).
        cache_dir: Folder that keeps token ids on disk, for this run and later ones on the same
            texts; `None` keeps them in memory.
        on_epoch: Called at the end of each epoch with its number, from 1, and its scores; an
            exception in it ends the training.
        snapshots: How often `on_snapshot` is called; `None` never calls it.
        on_snapshot: Called with a copy of the classifier, for example to export it. An exception in
            it ends the training.
        progress: Receives messages and each step.

    Returns:
        The trained classifier.

    Raises:
        InvalidInputError: If there are fewer than two classes, the dev texts are missing or have
            other classes, or an argument breaks its rule.
        ConfigError: As `start_workers`.
        TrainingError: If the loss is not finite, the checkpoint cannot be written, or another
            worker has stopped. The best weights so far are then in `run_dir`.
    """
    folder = None if run_dir is None else Path(run_dir)
    texts = max(1, count_learned(train, dev, soft_labels))
    training = settle_budget(training or TrainingConfig(), texts, progress)
    training = settle_teacher(training, train, dev, soft_labels, progress)
    run = TrainingRun(
        orders=TrainingOrders(training, folder, resume, tensorboard),
        train=train,
        dev=dev,
        tokenizer=tokenizer,
        vectors=vectors,
        model=model or ModelConfig(),
        start=start,
        soft_labels=soft_labels,
        cache_dir=cache_dir,
        on_epoch=on_epoch,
        snapshots=snapshots,
        on_snapshot=on_snapshot,
        progress=progress,
    )
    run.check()
    workers = start_workers(training, progress)
    folds = _folds(run)
    run = settle_teacher_weight(_with_class_weights(run, folds), folds)
    training = run.orders.training
    with precision_scope(training.precision):
        # The chief alone, outside of the strategy's scope: the texts are few.
        validation = None
        if folds is not None and workers.is_chief:
            validation = cross_validate(run, folds)
        keras.utils.set_random_seed(training.seed)
        make = partial(make_task, run)
        if validation is not None:
            whole = replace(run, train=validation.folds.texts)
            make = partial(make_task, whole, validation.epoch_scores())
        task, orders = shared_task(workers, run.orders, make)
        if folds is not None and not workers.is_chief:
            # The chief's folds are in the folder by now.
            here = replace(run, orders=replace(run.orders, resume=True), progress=MUTED)
            validation = cross_validate(here, folds)
        take_snapshot = partial(_take_snapshot, run, task, validation)
        loop = train_task(workers, orders, task, progress, run, take_snapshot)
    progress.say(_kept(loop.state, validation))
    if validation is not None:
        chosen = _of_folds(run, task.network, validation, loop.state.epochs_done, progress)
    else:
        # The loop's own function computes with all workers, of which only those with texts are
        # here.
        logits_of = loop.logits_of if workers.count == 1 else logits_function(task.network)
        chosen = _of_dev_texts(run, task, task.network, logits_of, progress)
    return replace(
        chosen, history=dict(loop.state.history), padding_share=loop.batches.padding_share
    )


def _folds(run: TrainingRun) -> Folds | None:
    training = run.orders.training
    count = number_of_folds(
        training.cross_validation,
        train_texts=len(run.train),
        dev_texts=len(run.dev),
        soft_texts=count_learned(run.train, run.dev, run.soft_labels) - len(run.train),
    )
    folds = make_folds(run.train, run.dev, count, training.seed)
    if count and folds is None:
        run.progress.say(
            "No cross-validation: at least two classes need two different texts each, in two folds"
        )
    return folds


def _with_class_weights(run: TrainingRun, folds: Folds | None) -> TrainingRun:
    """Returns the run with class weights other than `auto`."""
    training = run.orders.training
    if training.class_weights != "auto":
        return run
    chosen = choose_class_weights(run, folds)
    if chosen.reason:
        run.progress.say(chosen.reason)
    training = replace(training, class_weights=chosen.class_weights)
    return replace(run, orders=replace(run.orders, training=training))


def _kept(state: TrainingState, validation: CrossValidation | None) -> str:
    """Returns which epoch was kept and why, and what to do where training ended too early."""
    if validation is not None:
        texts = len(validation.folds.texts)
        return f"Kept the last epoch, {state.best_epoch}, of the training on all {texts:,} texts"
    kept, losses = state.best_epoch, state.history["val_loss"]
    told, lowest = f"Kept epoch {kept} of {len(losses)}", losses.index(min(losses)) + 1
    if kept != lowest:
        return (
            f"{told}, the last that is as good as epoch {lowest} of the lowest dev loss "
            f"({losses[kept - 1]:.4f}, {min(losses):.4f}) as far as "
            f"{len(state.lowest_losses):,} dev texts can tell"
        )
    told = f"{told}, which has the lowest dev loss ({min(losses):.4f})"
    if kept < len(losses):
        return told
    return f"{told}. The last epoch was the best: try more with --epochs {2 * len(losses)}"


def _take_snapshot(
    run: TrainingRun, task: TrainingTask, validation: CrossValidation | None, step: int
) -> None:
    def take() -> None:
        if run.on_snapshot is None:
            return
        network = task.network.without_cudnn()
        if validation is None:
            result = _of_dev_texts(run, task, network, logits_function(network), MUTED)
        else:
            texts = len(task.train_labels)
            steps = -(-texts // budget_for(run.orders.training, texts).batch_size)
            result = _of_folds(run, network, validation, -(-step // steps), MUTED)
        run.on_snapshot(replace(result, snapshot_step=step))

    # A thread is outside of the strategy's scope, where each new variable would belong to all
    # replicas.
    with ThreadPoolExecutor(1) as outside:
        outside.submit(take).result()


def _of_dev_texts(
    run: TrainingRun,
    task: TrainingTask,
    network: SentimentModel,
    logits_of: LogitsOf,
    progress: Progress,
) -> FitResult:
    """Makes the result of a run whose dev texts choose the shares and the temperature.

    Word vectors get the precision that a version keeps, so that the scores are those of the served
    version.
    """
    network.embedding.round_to(network.config.embedding_storage)
    logits, views = logits_of(task.dev_ids), network.views()
    of_views = [view_logits(view, task.dev_ids) for view in views]
    shares = best_shares(logits, of_views, task.dev_labels)
    mixed = mixed_logits(logits, of_views, shares)
    _set_shares(views, shares, "dev texts", progress)
    temperature = fit_temperature(mixed, run.dev.labels)
    scores = evaluated(task.dev_ids, mixed, run.dev, temperature)
    result = _result(run, network, scores, temperature)
    reference = with_answers(run.drift_reference, mixed, temperature, task.dev_ids)
    return replace(result, drift_reference=reference)


def _of_folds(
    run: TrainingRun,
    network: SentimentModel,
    validation: CrossValidation,
    epoch: int,
    progress: Progress,
) -> FitResult:
    """Makes the result of a run whose shares and temperature a cross-validation chooses."""
    network.embedding.round_to(network.config.embedding_storage)
    views = network.views()
    mixture = validation.mixture([view.name for view in views], epoch)
    _set_shares(views, mixture.shares, "folds", progress)
    result = _result(run, network, mixture.scores, mixture.temperature)
    reference = with_answers(run.drift_reference, mixture.logits, mixture.temperature)
    return replace(result, folds=len(validation.folds), drift_reference=reference)


def _set_shares(
    views: Sequence[NgramView], shares: Sequence[float], chosen_on: str, progress: Progress
) -> None:
    if not views:
        return
    for view, share in zip(views, shares, strict=True):
        view.set_share(share)
    named = zip(views, shares, strict=True)
    told = ", ".join(
        f"{share:.0%} n-grams of {_NGRAMS_OF.get(view.name, view.name)}" for view, share in named
    )
    progress.say(f"Mixed with the LSTM, in shares chosen on the {chosen_on}: {told}")


def _result(
    run: TrainingRun, network: SentimentModel, dev_scores: Evaluation, temperature: float
) -> FitResult:
    """Makes a result without history, as that of a snapshot."""
    dev = run.dev
    soft = run.soft_labels
    taught = () if soft is None else (soft.near_digests,)
    taught_by = {} if soft is None else {"teacher": soft.fingerprint()}
    some = np.linspace(0, len(dev) - 1, min(_EXAMPLES, len(dev))).astype(int)
    return FitResult(
        model=network,
        tokenizer=run.tokenizer,
        label_names=dev.label_names,
        training=run.orders.training,
        history={},
        dev=dev_scores,
        padding_share=0.0,
        temperature=temperature,
        data={"train": run.train.fingerprint(), "dev": dev.fingerprint(), **taught_by},
        examples=tuple(dev.texts[place] for place in some),
        texts_seen=distinct(run.train.near_digests, dev.near_digests, *taught),
    )
