"""Out-of-fold logits of a linear classifier: of each text by one that was not trained on it."""

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.text_features import text_features, text_units
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.ngram_regression import Examples, fit_regression


def linear_logits(
    texts: Corpus, folds: NDArray[np.int64], progress: Progress = SILENT
) -> NDArray[np.float64]:
    """Trains a linear classifier for each fold on all other texts, and scores the fold.

    Args:
        texts: Labelled texts.
        folds: The fold of each text, as `deal_folds` returns them, int64 `(texts,)`. Texts that are
            in no fold have logits of 0.
        progress: Receives each step.

    Returns:
        Logits, float64 `(texts, classes)`.

    Raises:
        InvalidInputError: If no two texts have a word or character in common.
    """
    features = text_features(text_units(texts.texts, progress), progress)
    if features.shape[1] == 0:
        raise InvalidInputError(
            "At least one word or character must occur in two texts. "
            f"Received: {len(texts)} texts without one."
        )
    labels = np.asarray(texts.labels, np.int64)
    logits = np.zeros((len(labels), len(texts.label_names)))
    count = int(folds.max()) + 1
    with progress.step("Training linear classifiers", count) as advance:
        for fold in range(count):
            others, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            examples = Examples.of(labels[others], None, "none")
            kernel, bias = fit_regression(features[others], examples, "none")
            logits[held_out] = features[held_out] @ kernel + bias
            advance()
    return logits
