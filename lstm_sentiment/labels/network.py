"""Out-of-fold logits of classifiers as `fit` trains them: an LSTM beside linear views."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.linear import texts_to_train_on
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.run_texts import load_given_vectors
from lstm_sentiment.pipeline.words import make_words
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.budget import settle_budget
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.cross_validation import CrossValidation, score_folds
from lstm_sentiment.training.evaluation.calibration import cross_entropy, fit_temperature
from lstm_sentiment.training.folds import Folds
from lstm_sentiment.training.network import precision_scope
from lstm_sentiment.training.run import TrainingOrders, TrainingRun


@dataclass(frozen=True)
class _TrustedFolds(Folds):
    """Folds of which some texts are scored and never trained on.

    Attributes:
        trusted: Mask of the texts to train on, `(texts,)`.
    """

    trusted: NDArray[np.bool_]

    def others(self, fold: int) -> NDArray[np.int64]:
        """Returns the positions of the texts to train on for a fold, ascending."""
        return texts_to_train_on(self.labels, self.numbers != fold, self.trusted)


def network_logits(
    texts: Corpus,
    folds: NDArray[np.int64],
    trusted: NDArray[np.bool_],
    config: PipelineConfig,
    *,
    cache_dir: Path,
    progress: Progress = SILENT,
) -> NDArray[np.float64]:
    """Trains a classifier for each fold on trusted other texts, and scores the fold.

    Tokenizer and word vectors are made once, of all texts: they know no labels. The epoch with the
    highest likelihood out of fold is kept; later ones have learned wrong labels by heart.

    Args:
        texts: Labelled texts.
        folds: The fold of each text, as `deal_folds` returns them, int64 `(texts,)`. Texts that are
            in no fold have logits of 0.
        trusted: Mask of the texts to train on, `(texts,)`; all texts are scored.
        config: Settings of words, model and training.
        cache_dir: Folder that keeps trained word vectors.
        progress: Receives each step.

    Returns:
        Logits of the mixture of LSTM and linear views, float64 `(texts, classes)`.

    Raises:
        InvalidInputError: If `config` names a version to begin with.
        TrainingError: If the loss of a training is not finite.
    """
    if config.init_from is not None:
        raise InvalidInputError(
            "`init_from` must not be set to check labels: the version may have learned them. "
            f"Received: {config.init_from}."
        )
    given = load_given_vectors(config, progress)
    tokenizer, vectors = make_words(
        config, texts.texts, given, None, cache_dir=cache_dir, progress=progress
    )
    run = TrainingRun(
        orders=TrainingOrders(_settled(config.training, len(texts), progress), None, False, False),
        train=texts,
        dev=Corpus((), (), texts.label_names),
        tokenizer=tokenizer,
        vectors=vectors,
        model=config.model,
        start=None,
        soft_labels=None,
        cache_dir=None,
        on_epoch=None,
        snapshots=None,
        on_snapshot=None,
        progress=progress,
    )
    dealt = _TrustedFolds(texts, folds, trusted)
    with precision_scope(run.orders.training.precision):
        scored = score_folds(run, dealt)
    logits = np.zeros((len(texts), len(texts.label_names)))
    positions = np.concatenate([dealt.held_out(fold) for fold in range(len(dealt))])
    logits[positions] = scored.mixed(scored.views, _best_epoch(scored))[1]
    return logits


def _settled(training: TrainingConfig, texts: int, progress: Progress) -> TrainingConfig:
    # Weighted classes would tilt the probabilities away from how often each label is given.
    weights = "none" if training.class_weights == "auto" else training.class_weights
    return settle_budget(replace(training, class_weights=weights), texts, progress)


def _best_epoch(scored: CrossValidation) -> int:
    """Returns the epoch, from 1, of the highest likelihood, each at its own temperature."""
    losses = [
        cross_entropy(logits / fit_temperature(logits, scored.labels), scored.labels)
        for logits in scored.lstm_logits
    ]
    return int(np.argmin(losses)) + 1
