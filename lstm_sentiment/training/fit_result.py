"""What training ends with: a classifier that is ready to be asked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.evaluation.calibration import fit_temperature
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.evaluation.metrics import Evaluation, evaluate_logits
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.ngrams import best_share
from lstm_sentiment.training.task import TrainingTask

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


def finish(
    task: TrainingTask,
    dev: Corpus,
    tokenizer: Tokenizer,
    training: TrainingConfig,
    data: Mapping[str, Mapping[str, Any]],
    texts_seen: NDArray[np.uint64],
    network: SentimentModel,
    *,
    history: Mapping[str, list[float]] = MappingProxyType({}),
    padding_share: float = 0.0,
    snapshot_step: int | None = None,
    progress: Progress = SILENT,
) -> FitResult:
    """Makes a trained network a classifier, with what is chosen on the dev texts.

    Its word vectors are rounded to what a version keeps of them, so that what is scored is what is
    served.

    Args:
        task: What was trained for.
        dev: The texts that decide the n-grams' share and the temperature.
        tokenizer: What it was trained with.
        training: How it was trained.
        data: As `FitResult` has it.
        texts_seen: As `FitResult` has it.
        network: With the weights that it was trained to; changed.
        history: As `FitResult` has it.
        padding_share: As `FitResult` has it.
        snapshot_step: As `FitResult` has it.
        progress: Told what is chosen.
    """
    network.embedding.round_to(network.config.embedding_storage)
    logits = _mix_in_ngrams(network, task, logits_function(network)(task.dev_ids), progress)
    temperature = fit_temperature(logits, dev.labels)
    some = np.linspace(0, len(dev) - 1, min(_EXAMPLES, len(dev))).astype(int)
    return FitResult(
        model=network,
        tokenizer=tokenizer,
        label_names=dev.label_names,
        training=training,
        history={name: list(values) for name, values in history.items()},
        dev=evaluated(task.dev_ids, logits, dev, temperature),
        padding_share=padding_share,
        temperature=temperature,
        data=data,
        examples=tuple(dev.texts[place] for place in some),
        snapshot_step=snapshot_step,
        texts_seen=texts_seen,
    )


def _mix_in_ngrams(
    network: SentimentModel, task: TrainingTask, logits: NDArray[np.float32], progress: Progress
) -> NDArray[np.float32]:
    """Gives the n-grams the share that suits the dev texts best; returns their logits."""
    view = network.ngram_view
    if view is None:
        return logits
    score = logits_function(lambda token_ids, training: view.ngram_logits(token_ids))
    ngram_logits = score(task.dev_ids)
    share = best_share(logits, ngram_logits, task.dev_labels)
    view.set_share(share)
    progress.say(f"The n-grams' share in the logits, chosen on the dev texts: {share:.0%}")
    return np.asarray((1 - share) * logits + share * ngram_logits, np.float32)


def evaluated(
    ids: TokenRows, logits: NDArray[np.float32], corpus: Corpus, temperature: float
) -> Evaluation:
    """The scores of logits on labelled texts."""
    scores = evaluate_logits(corpus.labels, logits, corpus.label_names, temperature=temperature)
    return replace(scores, oov_rate=ids.oov_rate)
