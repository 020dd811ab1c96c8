"""Promotes a version: moves a version label to it, unless it is worse than the version before."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lstm_sentiment.checks import share
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.version_label import accepts_label
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.rollout.control import Changed, ModelsControl
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.training.evaluation.intervals import check_confidence
from lstm_sentiment.version_folder import find_versions
from lstm_sentiment.versions.comparison import (
    ComparedVersion,
    Comparison,
    compare_versions,
    p_text,
    score_in_turn,
    summarize_version,
)
from lstm_sentiment.versions.labelled_answers import LabelledAnswers
from lstm_sentiment.versions.texts_seen import count_texts_seen

ScoreVersions = Callable[..., list[LabelledAnswers]]
"""Scores versions as `score_in_turn` does."""

MAX_LOSS = 0.01
"""Default of the allowed loss of accuracy or macro-F1 that is not significant, from 0 to 1."""


@dataclass(frozen=True)
class Promotion:
    """The outcome of a promotion.

    Attributes:
        label: The version label.
        version: The version to promote.
        against: The version that it was compared with; `None` for none.
        comparison: The comparison of `against` with `version`; `None` without `against`, if the
            label was there already, or if a version was trained on the texts.
        scores: The scores of the version, if it was compared with none.
        objections: Reasons against the promotion.
        is_forced: True if the version was promoted despite objections.
        changed: The change; `None` if it was refused, or for a dry run.
        notes: Remarks, a line each.
    """

    label: str
    version: int
    against: int | None = None
    comparison: Comparison | None = None
    scores: ComparedVersion | None = None
    objections: tuple[str, ...] = ()
    is_forced: bool = False
    changed: Changed | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """True if there are objections and the promotion is not forced."""
        return bool(self.objections) and not self.is_forced

    def summary(self) -> str:
        """Returns the outcome and its reasons in one line."""
        reasons = "; ".join(self.objections)
        if self.is_refused:
            return f"refused to point label {self.label} to version {self.version}: {reasons}"
        done = (
            f"label {self.label} would point to version {self.version}"
            if self.changed is None
            else self.changed.summary
        )
        return f"{done}; forced, although {reasons}" if self.is_forced else done

    def to_dict(self) -> dict[str, Any]:
        """Returns the promotion as `models promote --json` prints it."""
        comparison, scores, changed = self.comparison, self.scores, self.changed
        return {
            "label": self.label,
            "version": self.version,
            "against": self.against,
            "promoted": changed is not None and not changed.to_do,
            "refused": self.is_refused,
            "forced": self.is_forced,
            "objections": list(self.objections),
            "summary": self.summary(),
            "undo": None if changed is None or not changed.undo else list(changed.undo),
            "to_do": None if changed is None or not changed.to_do else list(changed.to_do),
            "comparison": None if comparison is None else comparison.to_dict(),
            "scores": None if scores is None else scores.to_dict(),
        }


@accepts_label
def promote(
    control: ModelsControl,
    version_label: str,
    version: int,
    corpus: Corpus,
    *,
    against: int | None = None,
    model_dir: str | os.PathLike[str] | None = None,
    max_loss: float = MAX_LOSS,
    confidence: float = 0.95,
    seed: int = 0,
    force: bool = False,
    dry_run: bool = False,
    batch_size: int = 128,
    progress: Progress = SILENT,
    score: ScoreVersions = score_in_turn,
) -> Promotion:
    """Moves a label to a version, unless that is worse than the version that the label has now.

    A version is worse if significantly fewer texts are classified correctly (McNemar's exact test),
    or if its accuracy or macro-F1 is lower by more than `max_loss`, significantly or not. A version
    is also refused, before anything is scored, if either version was trained on some of the texts;
    with `force`, the versions are scored all the same. A new label has no version to compare with:
    the version is scored and the label set.

    Args:
        control: The model, and its server.
        version_label: The label to move, new or not.
        version: The version to promote.
        corpus: Labelled texts that neither version was trained on.
        against: The version to compare with; `None` for the label's version.
        model_dir: The folder of versions; `None` for the model's base path.
        max_loss: Allowed loss of accuracy or macro-F1 if it is not significant, from 0 to 1.
        confidence: 1 - p-value below which a difference is significant.
        seed: As `compare_versions` takes it.
        force: Moves the label despite objections.
        dry_run: Moves nothing.
        batch_size: Texts computed at once.
        progress: Shows each batch.
        score: Scores the versions on the texts, such as on another machine.

    Raises:
        InvalidInputError: If an argument breaks a rule, the base path is not on this machine, the
            versions have different classes, the version cannot be served, or the label was moved
            by another meanwhile.
        ServableNotFoundError: If a version has no folder.
        LstmSentimentError: As `ModelsControl.label`, which leaves the file as it was.
    """
    check_confidence(confidence)
    check_rules(version, against, max_loss)
    current = control.labels().get(version_label)
    if current == version:
        changed = _already(control, version_label, version, dry_run)
        return Promotion(version_label, version, changed=changed, notes=changed.notes)
    notes = control.check_label(version_label, version)
    other = current if against is None else against
    versions = [version] if other is None else [other, version]
    folders = find_versions(_here(control) if model_dir is None else Path(model_dir), versions)
    # Before the scores, which take minutes: digests are compared at once.
    seen = _trained_on(folders, versions, corpus.texts)
    if seen and not force:
        return Promotion(version_label, version, other, objections=seen, notes=notes)
    scores = score(folders, corpus, batch_size=batch_size, progress=progress)
    promotion = Promotion(version_label, version, other, objections=seen)
    judged = _judge(promotion, scores, max_loss, confidence, seed)
    moved = None
    if not dry_run and (force or not judged.objections):
        _check_unmoved(control, version_label, current)
        moved = control.label(version_label, version)
    return replace(
        judged,
        is_forced=force and bool(judged.objections),
        changed=moved,
        notes=(*judged.notes, *(notes if moved is None else moved.notes)),
    )


def check_rules(version: int, against: int | None, max_loss: float) -> None:
    """Checks arguments of `promote` before anything is read.

    Raises:
        InvalidInputError: If `max_loss` is not from 0 to 1, or both versions are the same.
    """
    share(max_loss=max_loss)
    if against == version:
        raise InvalidInputError(
            f"`against` must be another version than the one to promote. Received: {version} twice."
        )


def _judge(
    promotion: Promotion,
    scores: Sequence[LabelledAnswers],
    max_loss: float,
    confidence: float,
    seed: int,
) -> Promotion:
    """Returns the promotion with scores, and the objections by a comparison."""
    if len(scores) == 1:
        alone = summarize_version(scores[0], confidence=confidence, seed=seed)
        note = f"label {promotion.label} is new: version {promotion.version} was compared with none"
        return replace(promotion, scores=alone, notes=(note,))
    comparison = compare_versions(*scores, confidence=confidence, seed=seed)
    objections = (*promotion.objections, *_objections(comparison, max_loss))
    return replace(promotion, comparison=comparison, objections=objections)


def _objections(comparison: Comparison, max_loss: float) -> list[str]:
    """Returns the reasons why the second version must not replace the first."""
    first, second = comparison.first, comparison.second
    if comparison.better is first:
        return [comparison.verdict()]
    lost = {
        "accuracy": -comparison.accuracy_difference.value,
        "macro-F1": -comparison.macro_f1_difference.value,
    }
    # Sums in another order differ in the last bits.
    too_much = [
        f"{100 * loss:.1f} points {name}" for name, loss in lost.items() if loss > max_loss + 1e-12
    ]
    if not too_much:
        return []
    return [
        f"{second.name} loses {' and '.join(too_much)} against {first.name}, more than "
        f"max_loss = {max_loss:g} allows (it may be chance: McNemar p "
        f"{p_text(comparison.p_value)})"
    ]


def _trained_on(
    folders: Sequence[Path], versions: Sequence[int], texts: Sequence[str]
) -> tuple[str, ...]:
    """Returns an objection for each version that was trained on some of the texts."""
    counts = [count_texts_seen(folder, texts) for folder in folders]
    return tuple(
        f"{count:,} of the {len(texts):,} texts were used to train version {version}"
        for version, count in zip(versions, counts, strict=True)
        if count
    )


def _here(control: ModelsControl) -> Path:
    """Returns the base path, unless it is a folder in a container."""
    if not control.base_path.is_dir():
        raise InvalidInputError(
            "`--model` must name the folder of versions where the base path is not on this "
            f"machine. Received: none, and base path {control.base_path}."
        )
    return control.base_path


def _already(control: ModelsControl, label: str, version: int, dry_run: bool) -> Changed:
    if dry_run:
        return Changed(f"label {label} points to version {version} already")
    return control.label(label, version)


def _check_unmoved(control: ModelsControl, label: str, version: int | None) -> None:
    now = control.labels().get(label)
    if now != version:
        raise InvalidInputError(
            f"label {label} must not be moved while versions are compared. Received: it points to "
            f"{'no version' if now is None else f'version {now}'} now."
        )
