"""Compares two versions on labelled texts, with intervals and a significance test."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Advance, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import distinct
from lstm_sentiment.text.corpus.label_names import known_names
from lstm_sentiment.training.evaluation.intervals import (
    Estimate,
    check_confidence,
    estimate_accuracy,
)
from lstm_sentiment.version_folder import version_number
from lstm_sentiment.versions.labelled_answers import (
    LabelledAnswers,
    predict_corpus,
    with_label_names,
)
from lstm_sentiment.versions.predictor import SavedModelPredictor
from lstm_sentiment.versions.significance import (
    estimate_accuracy_difference,
    estimate_macro_f1,
    estimate_macro_f1_difference,
    mcnemar_p_value,
)
from lstm_sentiment.versions.texts_seen import count_texts_seen


@dataclass(frozen=True)
class ComparedVersion:
    """Scores of one version.

    Attributes:
        version_dir: The version's folder.
        version: Its number; `None` if the folder's name is not a number.
        right: Number of correctly classified texts.
        accuracy: Their share.
        macro_f1: Mean of the classes' F1.
        class_f1: F1 of each class, by name.
        texts_seen: Number of the texts that the version was trained on; `None` if unknown.
    """

    version_dir: Path
    version: int | None
    right: int
    accuracy: Estimate
    macro_f1: Estimate
    class_f1: dict[str, float]
    texts_seen: int | None

    @property
    def name(self) -> str:
        """`version 3`, or the folder if the version has no number."""
        return f"version {self.version}" if self.version is not None else str(self.version_dir)

    def to_dict(self) -> dict[str, Any]:
        """Returns the scores for JSON."""
        return {**asdict(self), "version_dir": str(self.version_dir)}


@dataclass(frozen=True)
class Answer:
    """A version's prediction for one text.

    Attributes:
        label: The predicted label.
        probability: Its probability.
    """

    label: str
    probability: float


@dataclass(frozen=True)
class Disagreement:
    """A text with different predictions from two versions.

    Attributes:
        index: Position among the texts, from 0.
        text: The text.
        label: The true label.
        first: Prediction of the first version.
        second: Prediction of the second version.
    """

    index: int
    text: str
    label: str
    first: Answer
    second: Answer


@dataclass(frozen=True)
class Comparison:
    """Scores of two versions on the same labelled texts.

    Attributes:
        first: The baseline, such as the version in service.
        second: The candidate, such as its successor.
        label_names: The classes in the first version's order.
        texts: Number of texts.
        repeated_texts: Number of texts that repeat an earlier one; they make the intervals too
            narrow.
        confidence: Confidence level of the intervals; a difference is significant if `p_value` is
            below 1 - `confidence`.
        accuracy_difference: Accuracy of the second minus that of the first.
        macro_f1_difference: Macro-F1 of the second minus that of the first.
        both_right: Texts that both classify correctly.
        only_first_right: Texts that only the first classifies correctly.
        only_second_right: Texts that only the second classifies correctly.
        both_wrong: Texts that neither classifies correctly.
        p_value: Of McNemar's exact test.
        disagreements: Texts with different predictions, the most confident first.
    """

    first: ComparedVersion
    second: ComparedVersion
    label_names: tuple[str, ...]
    texts: int
    repeated_texts: int
    confidence: float
    accuracy_difference: Estimate
    macro_f1_difference: Estimate
    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    p_value: float
    disagreements: tuple[Disagreement, ...]

    @property
    def is_significant(self) -> bool:
        """True if the versions' numbers of correct texts differ by more than chance."""
        return self.p_value < 1 - self.confidence

    @property
    def better(self) -> ComparedVersion | None:
        """The version that is significantly more accurate; `None` if neither is."""
        if not self.is_significant:
            return None
        return self.second if self.accuracy_difference.value > 0 else self.first

    @cached_property
    def seen_by(self) -> tuple[ComparedVersion, ...]:
        """The versions that were trained on some of the texts, so that the comparison is unfair."""
        return tuple(version for version in (self.first, self.second) if version.texts_seen)

    def verdict(self) -> str:
        """Returns a sentence that names the better version, if there is one."""
        if not self.disagreements:
            return f"both versions predict the same labels for all {self.texts:,} texts"
        change = self.accuracy_difference
        better = self.better
        if better is not None:
            change = change if better is self.second else -change
            said = f"{better.name} is better:"
        else:
            said = f"no significant difference on {self.texts:,} texts: {self.second.name} has"
        return (
            f"{said} {points(change.value)} points accuracy ({self.confidence * 100:g} % interval "
            f"{points(change.low)} to {points(change.high)}), McNemar p {p_text(self.p_value)}"
        )

    def warnings(self) -> list[str]:
        """Returns the reasons to distrust the comparison, a sentence each."""
        said = [
            f"{version.texts_seen:,} of the {self.texts:,} texts were used to train "
            f"{version.name}: the comparison is unfair"
            for version in self.seen_by
        ]
        unknown = [v.name for v in (self.first, self.second) if v.texts_seen is None]
        if unknown:
            said.append(f"the training texts of {' and '.join(unknown)} are unknown")
        if self.repeated_texts:
            said.append(
                f"{self.repeated_texts:,} of the {self.texts:,} texts are duplicates: the "
                "intervals are too narrow"
            )
        return said

    def to_dict(self) -> dict[str, Any]:
        """Returns the comparison as `models compare --json` prints it."""
        return {
            **asdict(self),
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "better": None if self.better is None else self.better.version,
            "is_fair": not self.seen_by,
            "verdict": self.verdict(),
            "warnings": self.warnings(),
        }


def compare_versions(
    first: LabelledAnswers, second: LabelledAnswers, *, confidence: float = 0.95, seed: int = 0
) -> Comparison:
    """Compares the predictions of two versions for the same texts.

    Args:
        first: Predictions of the baseline, such as the version in service.
        second: Predictions of the candidate. Its classes may be in another order.
        confidence: Confidence level of the intervals, above 0 and below 1; a difference is
            significant if McNemar's p-value is below 1 - `confidence`.
        seed: Seed of the bootstrap.

    Raises:
        InvalidInputError: If an argument breaks a rule, or classes or texts are not the same.
    """
    check_confidence(confidence)
    names = first.corpus.label_names
    _check_labels(first, second.version_dir, second.corpus.label_names)
    if with_label_names(second.corpus, names) != first.corpus:
        raise InvalidInputError(
            "Versions must be compared on the same texts and labels. "
            f"Received: {len(first.corpus):,} texts and {len(second.corpus):,} others."
        )
    # Maps the second version's label ids to those of the first.
    known = known_names(second.corpus.label_names, names)
    moved = np.array([names.index(known[name]) for name in second.corpus.label_names])
    labels, given = first.labels, (first.predicted, moved[second.predicted])
    right = Counter(zip(first.is_right.tolist(), second.is_right.tolist(), strict=True))
    counts = (right[True, True], right[True, False], right[False, True], right[False, False])
    return Comparison(
        first=summarize_version(first, confidence=confidence, seed=seed),
        second=summarize_version(second, confidence=confidence, seed=seed),
        label_names=names,
        texts=len(labels),
        repeated_texts=len(labels) - len(distinct(first.corpus.exact_digests)),
        confidence=confidence,
        accuracy_difference=estimate_accuracy_difference(*counts, confidence=confidence),
        macro_f1_difference=estimate_macro_f1_difference(
            labels, *given, confidence=confidence, seed=seed
        ),
        both_right=counts[0],
        only_first_right=counts[1],
        only_second_right=counts[2],
        both_wrong=counts[3],
        p_value=mcnemar_p_value(counts[1], counts[2]),
        disagreements=tuple(_disagreements(first, second, given[0] != given[1])),
    )


def score_in_turn(
    version_dirs: Sequence[Path],
    corpus: Corpus,
    *,
    batch_size: int = 128,
    progress: Progress = SILENT,
    load: Callable[[Path], SavedModelPredictor] = SavedModelPredictor,
) -> list[LabelledAnswers]:
    """Predicts the same labelled texts with several versions, one in memory at a time.

    Args:
        version_dirs: The versions' folders.
        corpus: The labelled texts.
        batch_size: Texts computed at once.
        progress: Shows each batch, under the version's name.
        load: Loads a version from its folder.

    Raises:
        InvalidInputError: As `predict_corpus`, or if the versions have different classes.
        ServableNotFoundError: If a folder is not a version.
        ServableUnavailableError: If a version cannot be loaded.
    """
    scored: list[LabelledAnswers] = []
    for version_dir in version_dirs:
        predictor = load(version_dir)
        if scored:  # before time is spent on predicting
            _check_labels(scored[0], version_dir, predictor.label_names)
        shown = _Renamed(progress, f"Scoring {_short_name(version_dir)}")
        scored.append(predict_corpus(predictor, corpus, batch_size=batch_size, progress=shown))
        del predictor  # frees its memory before the next version is loaded
    return scored


def summarize_version(
    scores: LabelledAnswers, *, confidence: float = 0.95, seed: int = 0
) -> ComparedVersion:
    """Computes the scores of one version, as `compare_versions` does for two."""
    evaluation, right = scores.evaluation(), int(scores.is_right.sum())
    return ComparedVersion(
        scores.version_dir,
        scores.version,
        right,
        estimate_accuracy(right, len(scores.labels), confidence=confidence),
        estimate_macro_f1(scores.labels, scores.predicted, confidence=confidence, seed=seed),
        {scored.label: scored.f1 for scored in evaluation.classes},
        count_texts_seen(scores.version_dir, scores.corpus.texts),
    )


def points(share: float) -> str:
    """Formats a difference of shares in percentage points, with its sign; `0.0` has none."""
    rounded = round(100 * share, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def p_text(p_value: float) -> str:
    """Formats a p-value with `=`, or with `<` if it is tiny."""
    return "< 0.0001" if p_value < 0.0001 else f"= {p_value:.2g}"


def _disagreements(
    first: LabelledAnswers, second: LabelledAnswers, differ: Any
) -> Iterator[Disagreement]:
    indices = np.flatnonzero(differ)
    sureness = first.confidences[indices] + second.confidences[indices]
    corpus = first.corpus
    for index in indices[np.argsort(-sureness, kind="stable")].tolist():
        yield Disagreement(
            index,
            corpus.texts[index],
            corpus.label_names[corpus.labels[index]],
            _answer(first, index),
            _answer(second, index),
        )


def _answer(scores: LabelledAnswers, index: int) -> Answer:
    label = scores.corpus.label_names[scores.predicted[index]]
    return Answer(label, float(scores.confidences[index]))


def _check_labels(first: LabelledAnswers, version_dir: Path, label_names: tuple[str, ...]) -> None:
    known = first.corpus.label_names
    if {*known} != {*known_names(label_names, known).values()} or len(known) != len(label_names):
        raise InvalidInputError(
            "Versions to compare must know the same labels. Received: "
            f"{_short_name(first.version_dir)}: {', '.join(known)}; "
            f"{_short_name(version_dir)}: {', '.join(label_names)}."
        )


def _short_name(version_dir: Path) -> str:
    number = version_number(version_dir)
    return f"version {number}" if number is not None else version_dir.name


@dataclass(frozen=True)
class _Renamed:
    """A progress display whose steps have another name."""

    progress: Progress
    name: str

    def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
        return self.progress.step(self.name, total)

    def say(self, message: str) -> None:
        self.progress.say(message)
