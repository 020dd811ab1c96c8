"""Builds the figures of a report: plot, caption, description, and the numbers as a table."""

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
from lstm_sentiment.report.figures.drawing import Plot, draw_png, draw_svg
from lstm_sentiment.report.figures.fonts import PlotFonts
from lstm_sentiment.report.figures.plots import (
    plot_class_scores,
    plot_confusion,
    plot_curves,
    plot_reliability,
    plot_score_histogram,
    plot_slices,
)
from lstm_sentiment.report.language import Wording
from lstm_sentiment.report.wording import (
    percent,
    percent_interval,
    percent_range,
    short_names,
    whole_range,
)

SHOWN_CLASSES = 30
"""Maximum number of classes in a figure; with more of them it could not be read."""

_NARROW_NAMES, _WIDE_NAMES = 14, 22


@dataclass(frozen=True)
class Panel:
    """A figure.

    Attributes:
        plot: The plot.
        caption: How to read the plot.
        alternative: The description for readers who do not see the plot.
        head: Column names of the table.
        rows: Rows of the table; the first cell names the row.
        classes: Ids of the classes whose names the plot shows, in order.
    """

    plot: Plot
    caption: str
    alternative: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    classes: Sequence[int] = ()

    @property
    def is_wide(self) -> bool:
        """True if the figure needs a row of the page for itself."""
        return self.plot.is_wide

    def names(self, label_names: Sequence[str]) -> tuple[str, ...]:
        """Returns the class names in the plot, shortened to fit.

        Args:
            label_names: All classes in id order.
        """
        names = short_names(label_names, _WIDE_NAMES if self.is_wide else _NARROW_NAMES)
        return tuple(names[label] for label in self.classes)

    def svg(self, label_names: Sequence[str], fonts: PlotFonts) -> str:
        """Draws the plot for the page; `fonts` measure the widths of words."""
        return draw_svg(self.plot, self.names(label_names), fonts, self.alternative)

    def png(self, label_names: Sequence[str], fonts: PlotFonts) -> bytes:
        """Draws the plot for a file of its own."""
        return draw_png(self.plot, self.png_names(label_names, fonts), fonts)

    def png_names(self, label_names: Sequence[str], fonts: PlotFonts) -> tuple[str, ...]:
        """Returns the class names in the PNG, with a number for a name that no font can draw.

        Args:
            label_names: All classes in id order.
            fonts: The fonts of the PNG.
        """
        return tuple(
            name if fonts.draw(name) else f"#{label}"
            for label, name in zip(self.classes, self.names(label_names), strict=True)
        )


def shown_classes(evaluated: VersionEvaluation) -> list[int]:
    """Returns the ids of the classes to draw, ascending: the `SHOWN_CLASSES` most frequent ones."""
    supports = [scores.support for scores in evaluated.evaluation.classes]
    order = sorted(range(len(supports)), key=lambda label: -supports[label])
    return sorted(order[:SHOWN_CLASSES])


def confusion_panel(w: Wording, evaluated: VersionEvaluation) -> Panel:
    """Builds the figure of the confusion matrix."""
    shown = shown_classes(evaluated)
    names = w.labels(evaluated.scores.corpus.label_names)
    counts = np.array(evaluated.evaluation.confusion_matrix)
    matrix = counts[np.ix_(shown, shown)]
    return Panel(
        plot_confusion(w, matrix, counts[shown].sum(axis=1)),
        w(
            "Each row is a true label, each column a predicted one. Blue cells are correct, orange "
            "ones wrong; the stronger the colour, the larger the share of the row."
        ),
        w(
            "Confusion matrix of {classes}: {right:,} of {texts} lie on the diagonal.",
            classes=w.counted(len(shown), "class"),
            right=evaluated.right,
            texts=w.counted(evaluated.facts.texts, "text"),
        ),
        (w("True label"), *(w("predicted {name}", name=names[label]) for label in shown)),
        [
            (names[label], *(f"{number:,}" for number in row))
            for label, row in zip(shown, matrix.tolist(), strict=True)
        ],
        shown,
    )


def class_panel(w: Wording, evaluated: VersionEvaluation) -> Panel:
    """Builds the figure of precision, recall and F1 of each class."""
    shown = shown_classes(evaluated)
    classes = [evaluated.evaluation.classes[label] for label in shown]
    least = min((scores for scores in classes if scores.support), key=lambda scores: scores.f1)
    return Panel(
        plot_class_scores(w, classes),
        w(
            "Precision: of the texts predicted as a class, the share that belongs to it. Recall: "
            "of the texts of a class, the share that was found. F1 is their harmonic mean."
        ),
        w(
            "Scores of {classes}. The lowest F1 is {f1:.3f}, for {name}.",
            classes=w.counted(len(shown), "class"),
            f1=least.f1,
            name=w.label(least.label),
        ),
        (w("Class"), w("Precision"), w("Recall"), "F1", w("Texts")),
        [
            (
                w.label(scores.label),
                f"{scores.precision:.3f}",
                f"{scores.recall:.3f}",
                f"{scores.f1:.3f}",
                f"{scores.support:,}",
            )
            for scores in classes
        ],
        shown,
    )


def reliability_panel(w: Wording, evaluated: VersionEvaluation) -> Panel:
    """Builds the reliability diagram."""
    bins = confidence_bins(evaluated.scores.confidences, evaluated.scores.is_right)
    error = evaluated.evaluation.calibration_error or 0.0
    return Panel(
        plot_reliability(w, bins),
        w(
            "Of the texts predicted with a probability of 80%, 80% should be correct; then the "
            "dots lie on the dashed line. Dots below the line show probabilities that are too "
            "high. Larger dots stand for more texts; bars are 95% intervals."
        ),
        w(
            "Reliability diagram. The calibration error, the mean distance from the dashed line, "
            "is {error:.3f}.",
            error=error,
        ),
        (w("Probability"), w("Texts"), w("Mean probability"), w("Accuracy")),
        _bin_rows(bins, lambda one: (percent(one.stated), percent(one.accuracy))),
    )


def histogram_panel(w: Wording, evaluated: VersionEvaluation) -> Panel:
    """Builds the histogram of the predicted labels' probabilities."""
    scores = evaluated.scores
    bins = score_bins(scores.confidences, scores.is_right, len(scores.corpus.label_names))
    wrong = scores.confidences[~scores.is_right]
    alternative = w("Histogram of the predicted labels' probabilities.")
    if len(wrong):
        mean = percent(float(wrong.mean()))
        alternative += w(" Wrong predictions have {mean} on average.", mean=mean)
    return Panel(
        plot_score_histogram(w, bins),
        w("Orange bars on the far right are mistakes that a confidence threshold would not catch."),
        alternative,
        (w("Probability"), w("Texts"), w("Correct"), w("Wrong")),
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


def length_panel(w: Wording, evaluated: VersionEvaluation) -> Panel:
    """Builds the figure of accuracy by length in tokens, or in characters without token counts."""
    scores = evaluated.scores
    sizes, unit = scores.sizes, w("Characters")
    lengths = character_counts(scores.corpus.texts)
    if sizes is not None:
        unit, lengths = w("Tokens"), sizes.tokens
    slices = quantile_slices(lengths, scores.is_right)
    title = w("Accuracy by text length")
    return _slice_panel(w, "accuracy_by_length", title, slices, unit, whole_range)


def oov_panel(w: Wording, evaluated: VersionEvaluation) -> Panel | None:
    """Builds the figure of accuracy by OOV rate; `None` if the version counts no OOV tokens."""
    sizes = evaluated.scores.sizes
    if sizes is None:
        return None
    slices = quantile_slices(sizes.oov_rates, evaluated.scores.is_right, apart=0.0)
    title, axis = w("Accuracy by share of unknown tokens"), w("Unknown tokens, %")
    return _slice_panel(w, "accuracy_by_oov", title, slices, axis, percent_range)


def _slice_panel(
    w: Wording,
    name: str,
    title: str,
    slices: Sequence[Slice],
    axis: str,
    written: Callable[[Slice], str],
) -> Panel:
    worst = min(slices, key=lambda one: one.accuracy.value)
    return Panel(
        plot_slices(w, name, title, slices, axis, written),
        w(
            "Each slice has about the same number of texts. Bars are 95% intervals: if two "
            "overlap, the difference may be due to chance."
        ),
        w(
            "{title} in {count} slices. Lowest: {lowest}, at {axis} {range}.",
            title=title,
            count=len(slices),
            lowest=percent(worst.accuracy.value),
            axis=axis,
            range=written(worst),
        ),
        (axis, w("Texts"), w("Correct"), w("Accuracy"), w("95% interval")),
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


def curve_panels(w: Wording, history: Mapping[str, Sequence[float]]) -> list[Panel]:
    """Builds the learning curves of loss and accuracy.

    Args:
        w: The language.
        history: The values of each score by epoch; a score without values gets no figure.
    """
    panels = []
    for of, title, caption in (
        (
            "loss",
            w("Loss by epoch"),
            w("If the dev loss rises while the training loss falls, the model is overfitting."),
        ),
        (
            "accuracy",
            w("Accuracy by epoch"),
            w(
                "Accuracy on the training set and on the dev set, the texts that decided when "
                "training stopped."
            ),
        ),
    ):
        if of not in history or f"val_{of}" not in history:
            continue
        train, dev = history[of], history[f"val_{of}"]
        write = percent if of == "accuracy" else "{:.4f}".format
        best = max(dev) if of == "accuracy" else min(dev)
        panels.append(
            Panel(
                plot_curves(w, f"learning_curve_{of}", title, history, of),
                caption,
                w(
                    "{title}, {epochs} epochs. Best on the dev set: {best} in epoch {epoch}.",
                    title=title,
                    epochs=len(dev),
                    best=write(best),
                    epoch=list(dev).index(best) + 1,
                ),
                (w("Epoch"), w("training").capitalize(), w("Dev")),
                [
                    (str(epoch), write(one), write(other))
                    for epoch, (one, other) in enumerate(zip(train, dev, strict=True), start=1)
                ],
            )
        )
    return panels
