"""The result of `fit`: a trained classifier."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.evaluation.metrics import Evaluation, evaluate_logits
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.inputs.token_rows import TokenRows

_EXAMPLES = 20


@dataclass(frozen=True)
class FitResult:
    """A trained classifier, its scores and its origin.

    Attributes:
        model: The model with the weights of its best epoch.
        tokenizer: The tokenizer that the model was trained with, and must be served with.
        label_names: The classes in id order.
        training: The settings it was trained with.
        history: `loss`, `accuracy`, `val_loss`, `val_accuracy`, `seconds` and `tokens_per_second`
            (without padding) of each epoch, by name.
        dev: Scores on the dev texts or, after a cross-validation, on all training and dev texts,
            each by a classifier that was not trained on it.
        padding_share: Share of padding in the computed time steps, 0 to 1.
        temperature: Divisor of the logits before the softmax: see `fit_temperature`.
        data: Fingerprints of the `train` and `dev` texts, by name: see `Corpus.fingerprint`; with
            soft labels, of the `teacher` too.
        examples: Up to 20 of the dev texts.
        snapshot_step: Steps done when the snapshot was taken; `None` for the result of a whole
            training.
        texts_seen: Digests of all training and dev texts, uint64, ascending: see `near_digests`.
            Versions that continue this one must not be scored on these texts.
        folds: Number of folds of the cross-validation, or 0: see `fit`.
    """

    model: SentimentModel
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    training: TrainingConfig
    history: dict[str, list[float]]
    dev: Evaluation
    padding_share: float
    temperature: float = 1.0
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    snapshot_step: int | None = None
    texts_seen: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    folds: int = 0

    def evaluate(
        self,
        corpus: Corpus,
        *,
        cache_dir: str | os.PathLike[str] | None = None,
        progress: Progress = SILENT,
    ) -> Evaluation:
        """Scores the classifier on labelled texts.

        Args:
            corpus: Texts with the classes of the training texts.
            cache_dir: As in `fit`.
            progress: Receives the progress of tokenizing.
        """
        ids = encode_texts(
            self.tokenizer,
            corpus.texts,
            max_length=self.model.config.max_length,
            cache_dir=cache_dir,
            progress=progress,
        )
        return evaluated(ids, logits_function(self.model)(ids), corpus, self.temperature)


def evaluated(
    ids: TokenRows, logits: NDArray[np.float32], corpus: Corpus, temperature: float
) -> Evaluation:
    """Returns the scores of logits on labelled texts, with the OOV rate of their ids."""
    scores = evaluate_logits(corpus.labels, logits, corpus.label_names, temperature=temperature)
    return replace(scores, oov_rate=ids.oov_rate)
