"""What each figure of a report says: its plot, how to read it, and its numbers as a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_sentiment.report.analysis.corpus_facts import character_counts
from lstm_sentiment.report.analysis.slices import (
    ConfidenceBin,
    Slice,
    confidence_bins,
    quantile_slices,
    score_bins,
)
from lstm_sentiment.report.analysis.version_evaluation import VersionEvaluation
from lstm_sentiment.report.figures.drawing import Plot
from lstm_sentiment.report.figures.plots import (
    plot_class_scores,
    plot_confusion,
    plot_curves,
    plot_reliability,
    plot_score_histogram,
    plot_slices,
)
from lstm_sentiment.report.wording import (
    percent,
    percent_interval,
    percent_range,
    short_names,
    whole_range,
)

SHOWN_CLASSES = 30
"""More classes than these would make pictures that nobody can read."""

_NARROW_NAMES, _WIDE_NAMES = 14, 22


@dataclass(frozen=True)
class Panel:
    """A figure.

    Attributes:
        plot: What is drawn.
        caption: How to read it.
        alternative: What it says, for those who do not see it.
        head: Names of the columns of its table.
        rows: Of its table; the first of each names it.
        classes: Ids of the classes that it names, in order.
    """

    plot: Plot
    caption: str
    alternative: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    classes: Sequence[int] = ()

    @property
    def is_wide(self) -> bool:
        """Whether it takes a line of its own."""
        return self.plot.is_wide

    def names(self, label_names: Sequence[str]) -> tuple[str, ...]:
        """The classes that it names, short enough for it.

        Args:
            label_names: All classes in id order.
        """
        names = short_names(label_names, _WIDE_NAMES if self.is_wide else _NARROW_NAMES)
        return tuple(names[label] for label in self.classes)


def shown_classes(evaluated: VersionEvaluation) -> list[int]:
    """Ids of the classes that are drawn: all, or those with most texts; ascending."""
    supports = [scores.support for scores in evaluated.evaluation.classes]
    order = sorted(range(len(supports)), key=lambda label: -supports[label])
    return sorted(order[:SHOWN_CLASSES])


def confusion_panel(evaluated: VersionEvaluation) -> Panel:
    """How many texts of each class were given which."""
    shown = shown_classes(evaluated)
    names = evaluated.scores.corpus.label_names
    counts = np.array(evaluated.evaluation.confusion_matrix)
    matrix = counts[np.ix_(shown, shown)]
    return Panel(
        plot_confusion(matrix, counts[shown].sum(axis=1)),
        "Rows are the labels that texts have, columns those given to them. Blue is right, orange "
        "wrong; the stronger the colour, the larger the share of the row.",
        f"Confusion matrix of {len(shown)} classes: {evaluated.right:,} of "
        f"{evaluated.facts.texts:,} texts lie on its diagonal.",
        ("Labelled", *(f"given {names[label]}" for label in shown)),
        [
            (names[label], *(f"{number:,}" for number in row))
            for label, row in zip(shown, matrix.tolist(), strict=True)
        ],
        shown,
    )


def class_panel(evaluated: VersionEvaluation) -> Panel:
    """Precision, recall and F1 of each class."""
    shown = shown_classes(evaluated)
    classes = [evaluated.evaluation.classes[label] for label in shown]
    least = min((scores for scores in classes if scores.support), key=lambda scores: scores.f1)
    return Panel(
        plot_class_scores(classes),
        "Precision: of the texts given a label, the share that has it. Recall: of the texts that "
        "have it, the share given it. F1 is the harmonic mean of the two.",
        f"Scores of {len(shown)} classes. The lowest F1 is {least.f1:.3f}, of {least.label}.",
        ("Class", "Precision", "Recall", "F1", "Texts"),
        [
            (
                scores.label,
                f"{scores.precision:.3f}",
                f"{scores.recall:.3f}",
                f"{scores.f1:.3f}",
                f"{scores.support:,}",
            )
            for scores in classes
        ],
        shown,
    )


def reliability_panel(evaluated: VersionEvaluation) -> Panel:
    """Whether stated probabilities mean what they say."""
    bins = confidence_bins(evaluated.scores.confidences, evaluated.scores.is_right)
    error = evaluated.evaluation.calibration_error or 0.0
    return Panel(
        plot_reliability(bins),
        "Of the texts whose label was given with 80%, 80% should turn out right: dots on the "
        "dashed line. Below it the version is too sure of itself. Larger dots are more texts; "
        "lines are 95% intervals.",
        f"Reliability diagram. The calibration error, the mean distance from the dashed line, is "
        f"{error:.3f}.",
        ("Probability", "Texts", "Mean stated", "Share right"),
        _bin_rows(bins, lambda one: (percent(one.stated), percent(one.accuracy))),
    )


def histogram_panel(evaluated: VersionEvaluation) -> Panel:
    """How sure the version was, and how sure where it was wrong."""
    scores = evaluated.scores
    bins = score_bins(scores.confidences, scores.is_right, len(scores.corpus.label_names))
    wrong = scores.confidences[~scores.is_right]
    of_wrong = ""
    if len(wrong):
        of_wrong = f" Wrong labels were given with {percent(float(wrong.mean()))} on average."
    return Panel(
        plot_score_histogram(bins),
        "Orange far to the right: mistakes that a threshold would not have caught.",
        f"Histogram of the probabilities of the labels given.{of_wrong}",
        ("Probability", "Texts", "Right", "Wrong"),
        _bin_rows(bins, lambda one: (f"{one.right:,}", f"{one.texts - one.right:,}")),
    )


def _bin_rows(
    bins: Sequence[ConfidenceBin], columns: Callable[[ConfidenceBin], tuple[str, ...]]
) -> list[tuple[str, ...]]:
    return [
        (f"{one.low:.0%}–{one.high:.0%}", f"{one.texts:,}", *columns(one))
        for one in bins
        if one.texts
    ]


def length_panel(evaluated: VersionEvaluation) -> Panel:
    """Accuracy by length, in tokens where the version tells them."""
    scores = evaluated.scores
    sizes, unit = scores.sizes, "characters"
    lengths = character_counts(scores.corpus.texts)
    if sizes is not None:
        unit, lengths = "tokens", sizes.tokens
    slices = quantile_slices(lengths, scores.is_right)
    return _slice_panel("accuracy_by_length", "text length", slices, unit, whole_range)


def oov_panel(evaluated: VersionEvaluation) -> Panel | None:
    """Accuracy by the share of tokens that the vocabulary lacks; `None` where it is not known."""
    sizes = evaluated.scores.sizes
    if sizes is None:
        return None
    slices = quantile_slices(sizes.oov_rates, evaluated.scores.is_right, apart=0.0)
    return _slice_panel("accuracy_by_oov", "OOV rate", slices, "unknown tokens, %", percent_range)


def _slice_panel(
    name: str, by: str, slices: Sequence[Slice], axis: str, written: Callable[[Slice], str]
) -> Panel:
    title = f"Accuracy by {by}"
    worst = min(slices, key=lambda one: one.accuracy.value)
    return Panel(
        plot_slices(name, title, slices, axis, written),
        "Slices of about as many texts each, with 95% intervals: where two overlap, the "
        "difference may be chance.",
        f"{title} in {len(slices)} slices. Lowest: {percent(worst.accuracy.value)} at {axis} "
        f"{written(worst)}.",
        (axis.capitalize(), "Texts", "Right", "Accuracy", "95% interval"),
        [
            (
                written(one),
                f"{one.texts:,}",
                f"{one.right:,}",
                percent(one.accuracy.value),
                percent_interval(one.accuracy),
            )
            for one in slices
        ],
    )


def curve_panels(history: Mapping[str, Sequence[float]]) -> list[Panel]:
    """How loss and accuracy went while the version was trained.

    Args:
        history: For each score its value in each epoch; one that is lacking has no panel.
    """
    panels = []
    for of, caption in (
        ("loss", "A dev loss that rises while that of training falls: it learns by heart."),
        ("accuracy", "On the texts trained on, and on those of dev, which decided when to stop."),
    ):
        if of not in history or f"val_{of}" not in history:
            continue
        train, dev = history[of], history[f"val_{of}"]
        write = percent if of == "accuracy" else "{:.4f}".format
        best = max(dev) if of == "accuracy" else min(dev)
        panels.append(
            Panel(
                plot_curves(f"learning_curve_{of}", f"{of.capitalize()} by epoch", history, of),
                caption,
                f"{of.capitalize()} over {len(dev)} epochs. Best on dev: {write(best)} in epoch "
                f"{list(dev).index(best) + 1}.",
                ("Epoch", "Training", "Dev"),
                [
                    (str(epoch), write(one), write(other))
                    for epoch, (one, other) in enumerate(zip(train, dev, strict=True), start=1)
                ],
            )
        )
    return panels
