"""Metrics of a classifier on labelled texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.notebook_html import table_html
from lstm_sentiment.training.evaluation.calibration import expected_calibration_error
from lstm_sentiment.training.evaluation.intervals import Estimate, estimate_accuracy
from lstm_sentiment.version_folder import probabilities_of

_LARGEST_MATRIX = 20
"""Classes above which a notebook shows no confusion matrix."""


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class, each from 0 to 1, and 0 where a score is undefined.

    Attributes:
        label: Name of the class.
        precision: Share of correct answers among the texts predicted to have the label.
        recall: Share of correct answers among the texts that have the label.
        f1: Harmonic mean of precision and recall.
        support: Number of texts that have the label.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """Scores on one set of labelled texts, each share from 0 to 1.

    Attributes:
        accuracy: Share of correct answers.
        macro_f1: Mean of the classes' F1.
        classes: Scores of each class, in id order.
        confusion_matrix: Number of texts by true class (outer) and predicted class (inner).
        oov_rate: Share of unknown tokens; `None` where only labels were compared.
        calibration_error: Expected calibration error; `None` where only labels were compared.
        calibration_error_before: The same error without the temperature.
    """

    accuracy: float
    macro_f1: float
    classes: tuple[ClassScores, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    oov_rate: float | None = None
    calibration_error: float | None = None
    calibration_error_before: float | None = None

    @property
    def texts(self) -> int:
        """Number of texts that were scored."""
        return sum(map(sum, self.confusion_matrix))

    @property
    def accuracy_interval(self) -> Estimate:
        """The accuracy with its 95 % confidence interval: see `estimate_accuracy`."""
        right = sum(row[i] for i, row in enumerate(self.confusion_matrix))
        return estimate_accuracy(right, self.texts)

    def summary(self) -> dict[str, float]:
        """Returns accuracy, macro-F1, OOV rate and calibration errors by name, for JSON."""
        names = (
            "accuracy",
            "macro_f1",
            "oov_rate",
            "calibration_error",
            "calibration_error_before",
        )
        scores = {name: getattr(self, name) for name in names}
        return {name: value for name, value in scores.items() if value is not None}

    def _repr_html_(self) -> str:
        """Returns the scores, those of each class and the confusion matrix, for a notebook."""
        interval, names = self.accuracy_interval, [scores.label for scores in self.classes]
        whole = [
            ("texts", f"{self.texts:,}"),
            ("accuracy", f"{self.accuracy:.1%} ({interval.low:.1%} to {interval.high:.1%})"),
            ("macro-F1", f"{self.macro_f1:.1%}"),
        ]
        if self.calibration_error is not None:
            whole.append(("calibration error", f"{self.calibration_error:.3f}"))
        if self.oov_rate is not None:
            whole.append(("unknown tokens", f"{self.oov_rate:.1%}"))
        classes = [
            (c.label, f"{c.precision:.1%}", f"{c.recall:.1%}", f"{c.f1:.1%}", f"{c.support:,}")
            for c in self.classes
        ]
        shown = table_html(("score", "value (95 % interval)"), whole)
        shown += table_html(("class", "precision", "recall", "F1", "texts"), classes)
        if len(names) > _LARGEST_MATRIX:
            return shown
        answers = [
            (name, *(f"{count:,}" for count in row))
            for name, row in zip(names, self.confusion_matrix, strict=True)
        ]
        return shown + table_html(("label / predicted", *names), answers, "Confusion matrix")


def evaluate_predictions(
    labels: Sequence[int], predicted: Sequence[int], label_names: Sequence[str]
) -> Evaluation:
    """Compares predicted labels with true labels.

    Args:
        labels: True label ids.
        predicted: Predicted label ids, one for each of `labels`.
        label_names: The classes in id order.

    Returns:
        The scores. A class without texts and predictions does not count in `macro_f1`.

    Raises:
        InvalidInputError: If there is no text, or the two lengths differ.
    """
    if len(labels) == 0 or len(labels) != len(predicted):
        raise InvalidInputError(
            "There must be as many predictions as labels, and at least one. "
            f"Received: {len(labels)} labels, {len(predicted)} predictions."
        )
    size = len(label_names)
    matrix = np.zeros((size, size), dtype=np.int64)
    np.add.at(matrix, (np.asarray(labels), np.asarray(predicted)), 1)
    right, has, given = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    classes = tuple(
        ClassScores(
            label=name,
            precision=_ratio(right[i], given[i]),
            recall=_ratio(right[i], has[i]),
            f1=_ratio(2 * right[i], has[i] + given[i]),
            support=int(has[i]),
        )
        for i, name in enumerate(label_names)
    )
    counted = [scores.f1 for i, scores in enumerate(classes) if has[i] + given[i]]
    return Evaluation(
        accuracy=_ratio(right.sum(), matrix.sum()),
        macro_f1=float(np.mean(counted)),
        classes=classes,
        confusion_matrix=tuple(tuple(int(n) for n in row) for row in matrix),
    )


def evaluate_logits(
    labels: Sequence[int],
    logits: NDArray[np.float32],
    label_names: Sequence[str],
    *,
    temperature: float = 1.0,
) -> Evaluation:
    """Compares predicted logits with true labels.

    Args:
        labels: True label ids.
        logits: Float `(texts, classes)`.
        label_names: The classes in id order.
        temperature: Divisor of the logits before the softmax.

    Returns:
        The scores, with the calibration error before and after the temperature.

    Raises:
        InvalidInputError: As `evaluate_predictions`.
    """
    scores = evaluate_predictions(labels, logits.argmax(axis=1).tolist(), label_names)
    return replace(
        scores,
        calibration_error=expected_calibration_error(probabilities_of(logits, temperature), labels),
        calibration_error_before=expected_calibration_error(probabilities_of(logits), labels),
    )


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
