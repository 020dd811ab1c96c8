"""Trains a `SentimentModel`."""

import os
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import SILENT, Advance, Progress
from lstm_sentiment.text.corpus import Corpus
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.word_vectors import WordVectors
from lstm_sentiment.training.batches import encode_texts, make_batches, oov_rate
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.distribution import describe, make_strategy
from lstm_sentiment.training.evaluation import Evaluation, evaluate_predictions, predict_logits

_RANDOM_EMBEDDING_DIM = 200
_FREQUENT = 2  # in the training texts: one occurrence teaches a word's row nothing but that text


@dataclass(frozen=True)
class FitResult:
    """A trained classifier and how it came to be.

    Attributes:
        model: The trained model, with the weights of its best epoch.
        tokenizer: What it was trained with, and must be served with.
        label_names: The classes in id order.
        training: How it was trained.
        history: For each epoch `loss`, `accuracy`, `val_loss` and `val_accuracy`, by name.
        dev: Scores on the dev texts.
        padding_share: Of the time steps that training computed, the share that was padding.
    """

    model: SentimentModel
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    training: TrainingConfig
    history: dict[str, list[float]]
    dev: Evaluation
    padding_share: float

    def evaluate(self, corpus: Corpus, *, progress: Progress = SILENT) -> Evaluation:
        """Scores the model on labelled texts.

        Args:
            corpus: Texts with the same classes as those trained on.
            progress: Told how far tokenizing is.
        """
        return _evaluate(self.model, self.tokenizer, corpus, progress)


def fit(
    train: Corpus,
    dev: Corpus,
    *,
    tokenizer: Tokenizer,
    vectors: WordVectors | None = None,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> FitResult:
    """Trains a classifier and keeps the weights of the epoch with the lowest dev loss.

    Seeds the global random generators of Python, NumPy and TensorFlow, as Keras needs it to be
    repeatable.

    Args:
        train: Texts to learn from.
        dev: Texts that decide when to stop; never learned from.
        tokenizer: Turns texts into ids, here and in every export.
        vectors: Pretrained word vectors. Of tokens that have none, and occur twice or more in the
            training texts, training moves the rows; so it does with the row of unknown tokens,
            unless `vectors` holds one for those. `None` begins with random rows, all of which
            training moves.
        model: Sizes and switches of the model.
        training: How to train.
        cache_dir: Folder that keeps the token ids for the next run on the same texts; `None` keeps
            them in memory alone.
        progress: Told what runs where, and how far it is.

    Returns:
        The trained classifier.

    Raises:
        InvalidInputError: If there are fewer than two classes, the dev texts are missing or have
            other classes, or a setting breaks its rule.
    """
    config, training = model or ModelConfig(), training or TrainingConfig()
    train.require_classes()
    if len(dev) == 0 or dev.label_names != train.label_names:
        raise InvalidInputError(
            "`dev` must hold texts and have the classes of `train`, in the same order. "
            f"Received: {len(dev)} texts of {', '.join(dev.label_names)}."
        )
    strategy = make_strategy(training.strategy)
    progress.say(describe(strategy, training.batch_size))
    keras.utils.set_random_seed(training.seed)
    train_ids = encode_texts(
        tokenizer,
        train.texts,
        max_length=config.max_length,
        cache_dir=cache_dir,
        progress=progress,
    )
    dev_ids = encode_texts(tokenizer, dev.texts, max_length=config.max_length)
    batches = make_batches(
        train_ids, train.labels, batch_size=training.batch_size, shuffle_seed=training.seed
    )
    progress.say(
        f"Batches: {batches.steps:,} of up to {training.batch_size} texts, "
        f"{batches.padding_share:.1%} of their time steps are padding"
    )
    dev_batches = make_batches(dev_ids, dev.labels, batch_size=training.batch_size)
    with strategy.scope():
        network = _make_model(
            tokenizer, vectors, config, len(train.label_names), training.seed, train_ids
        )
        network.compile(
            optimizer=keras.optimizers.Adam(
                keras.optimizers.schedules.CosineDecay(
                    training.learning_rate, training.epochs * batches.steps
                ),
                global_clipnorm=training.gradient_clip_norm,
            ),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )
    with progress.step("Training", training.epochs * batches.steps) as advance:
        history = network.fit(
            batches.dataset,
            validation_data=dev_batches.dataset,
            epochs=training.epochs,
            shuffle=False,  # the dataset shuffles itself
            verbose=0,
            callbacks=[
                keras.callbacks.EarlyStopping(
                    monitor="val_loss",
                    patience=training.patience,
                    restore_best_weights=True,
                ),
                _ProgressCallback(advance, training.epochs),
            ],
        )
    losses = history.history["val_loss"]
    progress.say(
        f"Kept epoch {losses.index(min(losses)) + 1} of {len(losses)}, "
        f"that of the lowest dev loss ({min(losses):.4f})"
    )
    return FitResult(
        model=network,
        tokenizer=tokenizer,
        label_names=train.label_names,
        training=training,
        history={name: [float(v) for v in values] for name, values in history.history.items()},
        dev=_evaluate(network, tokenizer, dev, SILENT),
        padding_share=batches.padding_share,
    )


def _make_model(
    tokenizer: Tokenizer,
    vectors: WordVectors | None,
    config: ModelConfig,
    num_classes: int,
    seed: int,
    train_ids: tf.RaggedTensor,
) -> SentimentModel:
    vocabulary = tokenizer.vocabulary
    if vectors is None:
        config = replace(config, trainable_embeddings=True)
        return SentimentModel(len(vocabulary), _RANDOM_EMBEDDING_DIM, num_classes, config)
    spell = tokenizer.spellings
    trained_ids = []
    if not config.trainable_embeddings:
        counts = np.bincount(train_ids.flat_values, minlength=len(vocabulary))
        missing = vectors.ids_without_vector(vocabulary, spell=spell)
        trained_ids = [token_id for token_id in missing if counts[token_id] >= _FREQUENT]
    network = SentimentModel(
        len(vocabulary), vectors.dim, num_classes, config, num_trained_rows=len(trained_ids)
    )
    network.embedding.load_matrix(
        vectors.embedding_matrix(vocabulary, spell=spell, seed=seed), trained_ids
    )
    return network


def _evaluate(
    model: SentimentModel, tokenizer: Tokenizer, corpus: Corpus, progress: Progress
) -> Evaluation:
    ids = encode_texts(
        tokenizer, corpus.texts, max_length=model.config.max_length, progress=progress
    )
    predicted = np.asarray(predict_logits(model, ids).argmax(axis=1)).tolist()
    scores = evaluate_predictions(corpus.labels, predicted, corpus.label_names)
    return replace(scores, oov_rate=oov_rate(ids))


class _ProgressCallback(keras.callbacks.Callback):
    """Moves the bar by one for each step, and shows the losses."""

    def __init__(self, advance: Advance, epochs: int) -> None:
        super().__init__()
        self._advance = advance
        self._epochs = epochs
        self._epoch = 0
        self._dev = ""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = f", loss {logs['loss']:.3f}" if logs else ""
        self._advance(status=f"epoch {self._epoch}/{self._epochs}{loss}{self._dev}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs:
            self._dev = f", dev accuracy {logs['val_accuracy']:.3f}"
