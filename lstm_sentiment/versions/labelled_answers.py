"""What an exported version says of labelled texts: what reports and comparisons are made of."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.evaluation.metrics import Evaluation, evaluate_logits
from lstm_sentiment.version_folder import TokenCounts
from lstm_sentiment.versions.predictor import SavedModelPredictor

# Probabilities are float32: below this, a logarithm would tell nothing.
_LEAST_PROBABILITY = 1e-30


@dataclass(frozen=True)
class LabelledAnswers:
    """Answers of one version to labelled texts.

    Attributes:
        version_dir: The version's folder.
        version: Its number; `None` where the folder's name is none.
        corpus: The texts and what they are labelled; its `label_names` are the version's.
        probabilities: Float32 `(texts, classes)`.
        sizes: Of the texts; `None` where the version cannot tell them.
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
        """Label ids that the version gives, `(texts,)`."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @cached_property
    def is_right(self) -> NDArray[np.bool_]:
        """Whether each text was given its label, `(texts,)`."""
        return np.asarray(self.predicted == self.labels)

    @cached_property
    def confidences(self) -> NDArray[np.float32]:
        """Probability of the label given to each text, `(texts,)`."""
        return np.asarray(self.probabilities.max(axis=1), np.float32)

    def evaluation(self) -> Evaluation:
        """Accuracy, macro-F1, each class's scores, confusion matrix and calibration error."""
        logits = np.log(self.probabilities.clip(min=_LEAST_PROBABILITY))
        scores = evaluate_logits(self.labels.tolist(), logits, self.corpus.label_names)
        # The temperature is in the version: what the error was without it cannot be seen here.
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
    """Asks a version about labelled texts.

    Args:
        predictor: The version.
        corpus: The texts, as they are labelled. Its classes must be among the version's; they may
            be in another order.
        batch_size: Texts computed at once.
        progress: Told of each batch.

    Returns:
        The answers.

    Raises:
        InvalidInputError: If there is no text, a label that the version does not know, or the
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
    """The same texts and labels, with the classes of a version, in its order.

    Args:
        corpus: The texts.
        label_names: The version's classes, in id order.

    Raises:
        InvalidInputError: If a text has a label that is none of them.
    """
    if corpus.label_names == label_names:
        return corpus
    ids = {name: position for position, name in enumerate(label_names)}
    for name, count in corpus.class_counts().items():
        if count and name not in ids:
            raise InvalidInputError(
                f"Labels must be among those of the version: {', '.join(label_names)}. "
                f"Received: {name!r}."
            )
    moved = np.array([ids.get(name, -1) for name in corpus.label_names])
    return Corpus(corpus.texts, tuple(moved[np.asarray(corpus.labels)].tolist()), label_names)
