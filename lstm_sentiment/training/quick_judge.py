"""A linear classifier that is trained in seconds, to choose settings of training by."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.ngram_view import NgramView
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.config import ClassWeights
from lstm_sentiment.training.folds import FEW_DEV_TEXTS, Folds, make_folds
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.ngrams import fit_ngrams
from lstm_sentiment.training.run import TrainingRun
from lstm_sentiment.training.views import view_logits

_LONGEST_NGRAM = 2
_FOLDS = 5


def judging_parts(run: TrainingRun, folds: Folds | None) -> Iterator[tuple[Corpus, Corpus]]:
    """Yields texts to train on and texts to score by.

    Args:
        run: The run whose texts decide.
        folds: Folds of its texts, each scored by a classifier of the others. `None` scores the dev
            texts, or deals five folds where these are few.
    """
    if folds is None and len(run.dev) < FEW_DEV_TEXTS:
        folds = make_folds(run.train, run.dev, _FOLDS, run.orders.training.seed)
    if folds is None:
        yield run.train, run.dev
        return
    for fold in range(len(folds)):
        yield folds.texts.select(folds.others(fold)), folds.texts.select(folds.held_out(fold))


def quick_logits(
    run: TrainingRun,
    train_ids: TokenRows,
    labels: NDArray[np.int64],
    dev_ids: TokenRows,
    *,
    class_weights: ClassWeights = "none",
    targets: NDArray[np.float32] | None = None,
) -> NDArray[np.float32] | None:
    """Trains a linear classifier of n-grams and scores other texts with it.

    Args:
        run: Has the classes and the tokenizer.
        train_ids: Token ids of the texts to train on.
        labels: Their label ids, `(texts,)`.
        dev_ids: Token ids of the texts to score.
        class_weights: As in `TrainingConfig`, but not `auto`.
        targets: Probability of each class to learn, `(texts, classes)`; `None` learns the labels.

    Returns:
        Logits, float32 `(texts, classes)`; `None` if the training texts have no n-gram in common.
    """
    num_classes = len(run.train.label_names)
    weights = fit_ngrams(
        train_ids,
        labels,
        num_classes=num_classes,
        vocabulary_size=len(run.tokenizer.vocabulary),
        longest=_LONGEST_NGRAM,
        class_weights=class_weights,
        targets=targets,
    )
    if weights is None:
        return None
    view = NgramView(len(weights.keys), num_classes, _LONGEST_NGRAM)
    view.build()
    view.load_ngrams(weights)
    return view_logits(view, dev_ids)
