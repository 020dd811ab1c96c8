"""Evaluates an exported version on labelled texts."""

import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.report.analysis.corpus_facts import CorpusFacts, corpus_facts
from lstm_sentiment.report.analysis.mistakes import Explain
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.evaluation.intervals import Estimate, estimate_accuracy
from lstm_sentiment.training.evaluation.metrics import Evaluation
from lstm_sentiment.version_folder import servable_name
from lstm_sentiment.versions.labelled_answers import LabelledAnswers, predict_corpus
from lstm_sentiment.versions.predictor import SavedModelPredictor
from lstm_sentiment.versions.significance import estimate_macro_f1
from lstm_sentiment.versions.texts_seen import count_texts_seen


@dataclass(frozen=True)
class VersionEvaluation:
    """Scores of a version on labelled texts.

    Attributes:
        scores: The version's answers to the texts.
        empty_texts: Number of texts without anything but whitespace, which were left out.
        texts_seen: Number of the texts that had a part in the version's training; `None` if the
            version does not tell.
        explain: Explains the version's predictions; `None` without explanations.
    """

    scores: LabelledAnswers
    empty_texts: int = 0
    texts_seen: int | None = None
    explain: Explain | None = field(default=None, repr=False, compare=False)

    @cached_property
    def evaluation(self) -> Evaluation:
        """Accuracy, macro-F1, each class's scores, confusion matrix and calibration error."""
        return self.scores.evaluation()

    @cached_property
    def facts(self) -> CorpusFacts:
        """Counts of the texts."""
        return corpus_facts(self.scores.corpus)

    @property
    def model_name(self) -> str:
        """Name of the folder of versions."""
        return servable_name(self.scores.version_dir)

    @property
    def right(self) -> int:
        """Number of correctly classified texts."""
        return int(self.scores.is_right.sum())

    @cached_property
    def accuracy(self) -> Estimate:
        """Share of correctly classified texts, with its 95 % interval."""
        return estimate_accuracy(self.right, len(self.scores.corpus))

    @cached_property
    def macro_f1(self) -> Estimate:
        """Mean of the classes' F1, with its 95 % interval."""
        return estimate_macro_f1(self.scores.labels, self.scores.predicted)

    def _repr_html_(self) -> str:
        """Returns the scores for a notebook."""
        return self.evaluation._repr_html_()

    def to_dict(self) -> dict[str, Any]:
        """Returns the scores as `evaluate --json` prints them."""
        evaluation, facts = self.evaluation, self.facts
        return {
            "version_dir": str(self.scores.version_dir),
            "model_name": self.model_name,
            "version": self.scores.version,
            "texts": facts.texts,
            "accuracy": evaluation.accuracy,
            "accuracy_interval": [self.accuracy.low, self.accuracy.high],
            "macro_f1": evaluation.macro_f1,
            "macro_f1_interval": [self.macro_f1.low, self.macro_f1.high],
            "calibration_error": evaluation.calibration_error,
            "oov_rate": evaluation.oov_rate,
            "classes": [asdict(scores) for scores in evaluation.classes],
            "confusion_matrix": [list(row) for row in evaluation.confusion_matrix],
            "empty_texts_dropped": self.empty_texts,
            "exact_duplicates": facts.exact_duplicates,
            "near_duplicates": facts.near_duplicates,
            "contradictory_texts": facts.contradictory,
            "texts_seen_in_training": self.texts_seen,
        }


def evaluate_version(
    model: SavedModelPredictor | str | os.PathLike[str],
    corpus: Corpus,
    *,
    batch_size: int = 128,
    progress: Progress = SILENT,
) -> VersionEvaluation:
    """Evaluates an exported version on labelled texts.

        evaluation = evaluate_version("models/sentiment", read_corpus(["test.csv"]))
        write_report(evaluation, "report")

    Empty texts are left out; duplicates stay, and are counted.

    Args:
        model: The version, or its folder, or a servable's base path, of which the highest version
            is taken.
        corpus: The labelled texts; the classes may be in any order.
        batch_size: Texts computed at once.
        progress: Shows each batch, and how many texts were left out.

    Returns:
        The scores.

    Raises:
        ServableNotFoundError: If there is no version.
        ServableUnavailableError: If the version cannot be loaded.
        InvalidInputError: If every text is empty, a label is not one of the version's, or the
            version has no signature `text`.
    """
    predictor = model if isinstance(model, SavedModelPredictor) else SavedModelPredictor(model)
    texts = corpus.drop_empty()
    empty = len(corpus) - len(texts)
    if empty:
        progress.say(f"Left out: {empty:,} empty texts.")
    seen = _texts_seen(predictor.version_dir, texts)
    scores = predict_corpus(predictor, texts, batch_size=batch_size, progress=progress)
    return VersionEvaluation(scores, empty, seen, predictor.explain)


def _texts_seen(version_dir: Path, corpus: Corpus) -> int | None:
    return count_texts_seen(version_dir, corpus.texts) if len(corpus) else None
