"""Predicts labelled texts with an exported version, for reports and comparisons."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.label_names import known_names
from lstm_sentiment.training.evaluation.metrics import Evaluation, evaluate_logits
from lstm_sentiment.version_folder import TokenCounts
from lstm_sentiment.versions.predictor import SavedModelPredictor

# Keeps the logarithm of a float32 probability of 0 finite.
_LEAST_PROBABILITY = 1e-30


@dataclass(frozen=True)
class LabelledAnswers:
    """A version's predictions for labelled texts.

    Attributes:
        version_dir: The version's folder.
        version: Its number; `None` if the folder's name is not a number.
        corpus: The texts and their true labels; `label_names` are in the version's order.
        probabilities: Float32 `(texts, classes)`.
        sizes: Token counts of the texts; `None` if the version cannot count.
    """

    version_dir: Path
    version: int | None
    corpus: Corpus
    probabilities: NDArray[np.float32]
    sizes: TokenCounts | None

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """True label ids, `(texts,)`."""
        return np.asarray(self.corpus.labels, np.int64)

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted label ids, `(texts,)`."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @cached_property
    def is_right(self) -> NDArray[np.bool_]:
        """True where the predicted label is the true one, `(texts,)`."""
        return np.asarray(self.predicted == self.labels)

    @cached_property
    def confidences(self) -> NDArray[np.float32]:
        """Probability of the predicted label, `(texts,)`."""
        return np.asarray(self.probabilities.max(axis=1), np.float32)

    def evaluation(self) -> Evaluation:
        """Computes accuracy, macro-F1, F1 of classes, confusion matrix and calibration error."""
        logits = np.log(self.probabilities.clip(min=_LEAST_PROBABILITY))
        scores = evaluate_logits(self.labels.tolist(), logits, self.corpus.label_names)
        # The probabilities include the temperature, so the error before it is unknown.
        return replace(
            scores,
            oov_rate=None if self.sizes is None else self.sizes.oov_rate,
            calibration_error_before=None,
        )


def predict_corpus(
    predictor: SavedModelPredictor,
    corpus: Corpus,
    *,
    batch_size: int = 128,
    progress: Progress = SILENT,
) -> LabelledAnswers:
    """Predicts labelled texts with a version.

    Args:
        predictor: The version. Must have all classes that occur in `corpus`, in any order.
        corpus: The labelled texts.
        batch_size: Texts computed at once.
        progress: Shows each batch.

    Raises:
        InvalidInputError: If there is no text, a label is not one of the version's, or the
            version has no signature `text`.
    """
    if not len(corpus):
        raise InvalidInputError("There must be at least one labelled text. Received: none.")
    corpus = with_label_names(corpus, predictor.label_names)
    probabilities, sizes = [], []
    with progress.step("Scoring", len(corpus)) as advance:
        for start in range(0, len(corpus), batch_size):
            texts = list(corpus.texts[start : start + batch_size])
            answers = predictor.predict(texts, batch_size=batch_size)
            probabilities += [answer.probabilities for answer in answers]
            measured = predictor.text_statistics(texts, batch_size=batch_size)
            if measured is not None:
                counts = [measured[name] for name in TokenCounts.OUTPUTS]
                sizes.append(np.stack(counts).astype(np.int64))
            advance(len(texts))
    return LabelledAnswers(
        predictor.version_dir,
        predictor.version,
        corpus,
        np.asarray(probabilities, np.float32),
        TokenCounts(*np.concatenate(sizes, axis=1)) if sizes else None,
    )


def with_label_names(corpus: Corpus, label_names: tuple[str, ...]) -> Corpus:
    """Returns the corpus with its label ids renumbered for a version's `label_names`.

    Raises:
        InvalidInputError: If a text has a label that is not among `label_names`.
    """
    if corpus.label_names == label_names:
        return corpus
    known = known_names(corpus.label_names, label_names)
    for name, count in corpus.class_counts().items():
        if count and name not in known:
            raise InvalidInputError(
                f"Labels must be among those of the version: {', '.join(label_names)}. "
                f"Received: {name!r}."
            )
    ids = {name: label_names.index(match) for name, match in known.items()}
    moved = np.array([ids.get(name, -1) for name in corpus.label_names])
    return Corpus(corpus.texts, tuple(moved[np.asarray(corpus.labels)].tolist()), label_names)
