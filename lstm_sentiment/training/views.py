"""The linear views of a run's model, trained on its texts."""

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.character_view import CharacterWeights
from lstm_sentiment.model.ngram_view import NgramView, NgramWeights
from lstm_sentiment.training.characters import fit_character_ngrams, settled_character_ngrams
from lstm_sentiment.training.evaluation.calibration import Labels
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.ngrams import fit_ngrams
from lstm_sentiment.training.run import TrainingRun


def fit_views(
    run: TrainingRun,
    token_ids: TokenRows,
    labels: Labels,
    targets: NDArray[np.float32] | None = None,
) -> tuple[NgramWeights | None, CharacterWeights | None]:
    """Trains the linear classifiers of n-grams of tokens and of characters.

    Args:
        run: Its settings say how long the n-grams are, and how much each class weighs.
        token_ids: Ids of the training texts.
        labels: Label ids, one a text.
        targets: Probability of each class to learn, `(texts, classes)`; `None` learns the labels.

    Returns:
        The two classifiers; `None` for one that the settings leave out or that has no n-gram.
    """
    config, num_classes = (
        settled_character_ngrams(run.model, run.tokenizer),
        len(run.train.label_names),
    )
    ngrams = characters = None
    if config.ngrams:
        ngrams = fit_ngrams(
            token_ids,
            labels,
            num_classes=num_classes,
            vocabulary_size=len(run.tokenizer.vocabulary),
            longest=config.ngrams,
            targets=targets,
            class_weights=run.orders.training.class_weights,
            progress=run.progress,
        )
    if isinstance(config.character_ngrams, int) and config.character_ngrams:
        characters = fit_character_ngrams(
            token_ids,
            labels,
            run.tokenizer,
            num_classes=num_classes,
            longest=config.character_ngrams,
            targets=targets,
            class_weights=run.orders.training.class_weights,
            progress=run.progress,
        )
    return ngrams, characters


def view_logits(view: NgramView, token_ids: TokenRows) -> NDArray[np.float32]:
    """Computes a linear view's own logits of texts, float32 `(texts, classes)`."""
    return logits_function(lambda padded, training: view.ngram_logits(padded))(token_ids)
