"""Trains a `SentimentModel`."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus import Corpus
from lstm_sentiment.text.overlap import text_digests
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.word_vectors import WordVectors
from lstm_sentiment.training.batches import encode_texts
from lstm_sentiment.training.calibration import fit_temperature
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.distribution import start_workers
from lstm_sentiment.training.evaluation import Evaluation, evaluate_logits, make_scorer
from lstm_sentiment.training.loop import OnEpoch
from lstm_sentiment.training.network import precision_scope
from lstm_sentiment.training.ngrams import best_share
from lstm_sentiment.training.start import StartWeights
from lstm_sentiment.training.task import TrainingTask, make_task
from lstm_sentiment.training.tensorboard import require_tensorboard
from lstm_sentiment.training.token_rows import TokenRows
from lstm_sentiment.training.worker_run import Mission, shared_task, train_task


@dataclass(frozen=True)
class FitResult:
    """A trained classifier and how it came to be.

    Attributes:
        model: The trained model, with the weights of its best epoch.
        tokenizer: What it was trained with, and must be served with.
        label_names: The classes in id order.
        training: How it was trained.
        history: For each epoch `loss`, `accuracy`, `val_loss`, `val_accuracy`, `seconds` and
            `tokens_per_second` (real ones, padding not counted), by name.
        dev: Scores on the dev texts.
        padding_share: Of the time steps that training computed, the share that was padding.
        temperature: What logits are divided by before the softmax: see `fit_temperature`.
        texts_seen: Digests of all texts that had a part in it, uint64, ascending: see
            `text_digests`. A version begun with this one must not be scored on them.
    """

    model: SentimentModel
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    training: TrainingConfig
    history: dict[str, list[float]]
    dev: Evaluation
    padding_share: float
    temperature: float = 1.0
    texts_seen: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    def evaluate(
        self,
        corpus: Corpus,
        *,
        cache_dir: str | os.PathLike[str] | None = None,
        progress: Progress = SILENT,
    ) -> Evaluation:
        """Scores the model on labelled texts.

        Args:
            corpus: Texts with the same classes as those trained on.
            cache_dir: As in `fit`.
            progress: Told how far tokenizing is.
        """
        ids = encode_texts(
            self.tokenizer,
            corpus.texts,
            max_length=self.model.config.max_length,
            cache_dir=cache_dir,
            progress=progress,
        )
        return _evaluate(ids, make_scorer(self.model)(ids), corpus, self.temperature)


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
        loop = train_task(workers, mission, task, tokenizer, on_epoch, progress)
    losses = loop.history["val_loss"]
    progress.say(
        f"Kept epoch {loop.best_epoch} of {len(losses)}, "
        f"that of the lowest dev loss ({min(losses):.4f})"
    )
    dev_logits = _mix_in_ngrams(task, make_scorer(task.network)(task.dev_ids), progress)
    temperature = fit_temperature(dev_logits, dev.labels)
    return FitResult(
        model=task.network,
        tokenizer=tokenizer,
        label_names=train.label_names,
        training=training,
        history=loop.history,
        dev=_evaluate(task.dev_ids, dev_logits, dev, temperature),
        padding_share=loop.batches.padding_share,
        temperature=temperature,
        texts_seen=text_digests(train.texts, dev.texts),
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


def _mix_in_ngrams(
    task: TrainingTask, logits: NDArray[np.float32], progress: Progress
) -> NDArray[np.float32]:
    """Gives the n-grams the share that suits the dev texts best; returns their logits."""
    view = task.network.ngram_view
    if view is None:
        return logits
    score = make_scorer(lambda token_ids, training: view.ngram_logits(token_ids))
    ngram_logits = score(task.dev_ids)
    share = best_share(logits, ngram_logits, task.dev_labels)
    view.set_share(share)
    progress.say(f"The n-grams' share in the logits, chosen on the dev texts: {share:.0%}")
    return np.asarray((1 - share) * logits + share * ngram_logits, np.float32)


def _evaluate(
    ids: TokenRows, logits: NDArray[np.float32], corpus: Corpus, temperature: float
) -> Evaluation:
    scores = evaluate_logits(corpus.labels, logits, corpus.label_names, temperature=temperature)
    return replace(scores, oov_rate=ids.oov_rate)
