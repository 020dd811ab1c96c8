"""The linear views of a run's model, trained on its texts."""

import hashlib
import json
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.ngram_view import NgramView
from lstm_sentiment.training.characters import fit_character_ngrams, settled_character_ngrams
from lstm_sentiment.training.evaluation.calibration import Labels
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.ngrams import fit_ngrams
from lstm_sentiment.training.records.kept_views import VIEWS, Views, kept_views
from lstm_sentiment.training.run import TrainingRun

_FORMAT = 1  # of the fingerprint, and of the training where a release changes it


def fit_views(
    run: TrainingRun,
    token_ids: TokenRows,
    labels: Labels,
    targets: NDArray[np.float32] | None = None,
) -> Views:
    """Trains the linear classifiers of n-grams of tokens and of characters.

    A run with a folder keeps them there. If it is resumed, they are taken from there, unless the
    texts or settings that they depend on are others.

    Args:
        run: Its settings say how long the n-grams are, and how much each class weighs.
        token_ids: Ids of the training texts.
        labels: Label ids, one a text.
        targets: Probability of each class to learn, `(texts, classes)`; `None` learns the labels.

    Returns:
        The two classifiers; `None` for one that the settings leave out or that has no n-gram.
    """
    orders, config = run.orders, settled_character_ngrams(run.model, run.tokenizer)
    train = partial(_trained_views, run, token_ids, labels, targets)
    if orders.folder is None or not (config.ngrams or config.character_ngrams):
        return train()
    return kept_views(
        orders.folder / VIEWS,
        _fingerprint(run, token_ids, labels, targets),
        train,
        resume=orders.resume,
        progress=run.progress,
    )


def _trained_views(
    run: TrainingRun,
    token_ids: TokenRows,
    labels: Labels,
    targets: NDArray[np.float32] | None,
) -> Views:
    config = settled_character_ngrams(run.model, run.tokenizer)
    num_classes = len(run.train.label_names)
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


def _fingerprint(
    run: TrainingRun,
    token_ids: TokenRows,
    labels: Labels,
    targets: NDArray[np.float32] | None,
) -> str:
    """Returns a SHA-256 of all that the views depend on, the token ids among it."""
    config = settled_character_ngrams(run.model, run.tokenizer)
    settings = [
        *(_FORMAT, config.ngrams, config.character_ngrams),
        *(run.orders.training.class_weights, len(run.train.label_names)),
        *(run.tokenizer.fingerprint(), token_ids.fingerprint()),
        None if targets is None else targets.shape,
    ]
    digest = hashlib.sha256(json.dumps(settings).encode())
    digest.update(np.asarray(labels, "<i8").tobytes())
    if targets is not None:
        digest.update(targets.astype("<f4").tobytes())
    return digest.hexdigest()


def view_logits(view: NgramView, token_ids: TokenRows) -> NDArray[np.float32]:
    """Computes a linear view's own logits of texts, float32 `(texts, classes)`."""
    return logits_function(lambda padded, training: view.ngram_logits(padded))(token_ids)
