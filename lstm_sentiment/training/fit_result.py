"""What training ends with: a classifier that is ready to be asked."""

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
        data: Fingerprints of the texts of `train` and `dev`, by name: see `Corpus.fingerprint`.
        examples: Some of the dev texts.
        snapshot_step: The number of steps after which the weights were such, for a snapshot taken
            while training went on; `None` for the best weights, at its end.
        texts_seen: Digests of all texts that had a part in it, uint64, ascending: see
            `near_digests`. A version begun with this one must not be scored on them.
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
        return evaluated(ids, logits_function(self.model)(ids), corpus, self.temperature)


def evaluated(
    ids: TokenRows, logits: NDArray[np.float32], corpus: Corpus, temperature: float
) -> Evaluation:
    """The scores of logits on labelled texts."""
    scores = evaluate_logits(corpus.labels, logits, corpus.label_names, temperature=temperature)
    return replace(scores, oov_rate=ids.oov_rate)
