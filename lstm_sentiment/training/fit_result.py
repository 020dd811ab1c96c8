"""The result of `fit`: a trained classifier."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.display_names import NO_NAMES, DisplayNames
from lstm_sentiment.drift.features import MeasuredTexts
from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.predictions import Prediction
from lstm_sentiment.progress import SILENT, Progress, muted_below
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.python_values import texts_of
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.evaluation.logits import LogitsOf, logits_function
from lstm_sentiment.training.evaluation.metrics import Evaluation, evaluate_logits
from lstm_sentiment.training.inputs.encoding import MANY_TEXTS, encode_texts
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.version_folder import probabilities_of

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
        drift_reference: What the training and dev texts look like, with the answers to texts that
            were not learned; `None` if unknown.
        display_names: What people see in the place of the labels.
    """

    model: SentimentModel
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    training: TrainingConfig
    history: dict[str, list[float]]
    dev: Evaluation
    padding_share: float
    temperature: float = 1.0
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    examples: tuple[str, ...] = field(default=(), repr=False)
    snapshot_step: int | None = None
    texts_seen: NDArray[np.uint64] = field(
        default_factory=lambda: np.zeros(0, np.uint64), repr=False
    )
    folds: int = 0
    drift_reference: DriftReference | None = field(default=None, compare=False, repr=False)
    display_names: DisplayNames = NO_NAMES

    def predict(self, texts: Iterable[str], *, progress: Progress = SILENT) -> list[Prediction]:
        """Classifies texts.

        Args:
            texts: At least one: a list, a generator, an array, a column of a table.
            progress: Receives the progress of tokenizing more than 2,000 texts.

        Returns:
            One prediction for each text, in order: those of the version that `export_servable`
            writes, but for the precision of the arithmetic. Their `model_version` is `None`.

        Raises:
            InvalidInputError: If there is no text, or one is missing; the message has its row.
        """
        probabilities = self.probabilities(texts, progress=progress)
        return [
            Prediction(self.label_names[best], best, tuple(scores), None)
            for best, scores in zip(
                probabilities.argmax(axis=1).tolist(), probabilities.tolist(), strict=True
            )
        ]

    def probabilities(
        self, texts: Iterable[str], *, progress: Progress = SILENT
    ) -> NDArray[np.float64]:
        """Returns the probabilities of the classes of `label_names`, `(texts, classes)`.

        Arguments and errors are those of `predict`.
        """
        listed = texts_of(texts)
        if not listed:
            raise InvalidInputError("There must be at least one text. Received: none.")
        ids = encode_texts(
            self.tokenizer,
            listed,
            max_length=self.model.config.max_length,
            progress=muted_below(MANY_TEXTS, len(listed), progress),
        )
        return probabilities_of(self._logits_of(ids), self.temperature)

    @cached_property
    def _logits_of(self) -> LogitsOf:
        return logits_function(self.model)

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
        scores, _ = self.evaluate_held_out(corpus, cache_dir=cache_dir, progress=progress)
        return scores

    def evaluate_held_out(
        self,
        corpus: Corpus,
        *,
        cache_dir: str | os.PathLike[str] | None = None,
        progress: Progress = SILENT,
    ) -> tuple[Evaluation, "FitResult"]:
        """Scores the classifier on labelled texts that it has not learned.

        The arguments are those of `evaluate`.

        Returns:
            The scores, and this result with the answers in its `drift_reference`.
        """
        ids = encode_texts(
            self.tokenizer,
            corpus.texts,
            max_length=self.model.config.max_length,
            cache_dir=cache_dir,
            progress=progress,
        )
        logits = self._logits_of(ids)
        scores = evaluated(ids, logits, corpus, self.temperature)
        reference = with_answers(self.drift_reference, logits, self.temperature, ids)
        return scores, replace(self, drift_reference=reference)


def evaluated(
    ids: TokenRows, logits: NDArray[np.float32], corpus: Corpus, temperature: float
) -> Evaluation:
    """Returns the scores of logits on labelled texts, with the OOV rate of their ids."""
    scores = evaluate_logits(corpus.labels, logits, corpus.label_names, temperature=temperature)
    return replace(scores, oov_rate=ids.oov_rate)


def with_answers(
    reference: DriftReference | None,
    logits: NDArray[np.float32],
    temperature: float,
    ids: TokenRows | None = None,
) -> DriftReference | None:
    """Adds the answers to texts that were not learned to a reference, if there is one.

    Args:
        reference: The reference.
        logits: Float `(texts, classes)`.
        temperature: Divisor of the logits before the softmax.
        ids: Token ids of the texts; `None` if the vocabulary was made of these texts, so that the
            OOV rate of others would be higher.
    """
    if reference is None:
        return None
    probabilities = probabilities_of(logits, temperature)
    return reference.with_answers(
        MeasuredTexts(
            (),
            oov_rates=None if ids is None else ids.oov_rates,
            classes=probabilities.argmax(axis=1),
            confidences=probabilities.max(axis=1),
        )
    )
