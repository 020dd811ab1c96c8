"""Draws each plot of a report from its numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.report.analysis.slices import ConfidenceBin, Slice
from lstm_sentiment.report.figures.drawing import Palette, Plot
from lstm_sentiment.report.language import Wording
from lstm_sentiment.training.evaluation.intervals import estimate_accuracy
from lstm_sentiment.training.evaluation.metrics import ClassScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_NARROW = (3.8, 2.9)
_WIDE = 8.5
_FEW_CLASSES = 6
# Above this opacity, ink on the darkest cell could not be read.
_DARKEST = 0.55
_LEAST_NUMBER_SIZE = 5.0
# Characters of a tick label from which six labels need a smaller font.
_CROWDED = 12


def plot_curves(
    w: Wording, name: str, title: str, history: Mapping[str, Sequence[float]], of: str
) -> Plot:
    """Plots a score by epoch, on the training set and on the dev set.

    Args:
        w: The language.
        name: Name of the plot.
        title: Title of the plot.
        history: The values of each score by epoch.
        of: Name of the score in `history`; `val_` before it is the dev set's.
    """

    def draw(figure: "Figure", palette: Palette, _: tuple[str, ...]) -> None:
        axes = figure.subplots()
        for key, label, colour, dashes in (
            (of, w("training"), palette.muted, (4, 2)),
            (f"val_{of}", w("dev"), palette.first, (1, 0)),
        ):
            values = history[key]
            epochs = range(1, len(values) + 1)
            axes.plot(
                epochs, values, color=colour, dashes=dashes, marker="o", markersize=4, label=label
            )
        axes.set_xlabel(w("epoch"))
        _whole_numbers(axes.xaxis)
        axes.grid(axis="x", visible=False)
        if of == "accuracy":
            _percent(axes, "y")
        _legend(axes, palette)

    return Plot(name, title, _NARROW, draw)


def plot_confusion(w: Wording, matrix: NDArray[np.int64], totals: NDArray[np.int64]) -> Plot:
    """Plots a confusion matrix.

    Args:
        w: The language.
        matrix: Number of texts by true class (outer) and predicted class (inner).
        totals: Number of texts of each true class; more than in `matrix` if classes are left out.
    """
    classes = len(matrix)
    few = classes <= _FEW_CLASSES
    size = (_NARROW[0], 3.2) if few else (_WIDE, max(4.5, 2.2 + 0.24 * classes))

    def draw(figure: "Figure", palette: Palette, names: tuple[str, ...]) -> None:
        axes = figure.subplots()
        shares = (matrix / np.maximum(1, totals)[:, np.newaxis]).tolist()
        counts = matrix.tolist()
        number_size = max(_LEAST_NUMBER_SIZE, min(10.0, 90 / classes if few else 150 / classes))
        for true, given in np.ndindex(classes, classes):
            _cell(axes, palette, (true, given), counts[true][given], shares[true][given])
            if few or counts[true][given]:
                share = f"\n{shares[true][given]:.0%}" if few else ""
                axes.text(
                    given,
                    true,
                    f"{counts[true][given]:,}{share}",
                    ha="center",
                    va="center",
                    fontsize=number_size,
                    color=palette.ink,
                )
        axes.set(xlim=(-0.5, classes - 0.5), ylim=(classes - 0.5, -0.5))
        axes.set_yticks(range(classes), names)
        if few and max(map(len, names), default=0) * classes <= 30:
            axes.set_xticks(range(classes), names)
        else:
            axes.set_xticks(
                range(classes), names, rotation=90, rotation_mode="anchor", ha="right", va="center"
            )
        axes.set(xlabel=w("predicted label"), ylabel=w("true label"))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    return Plot("confusion_matrix", w("Confusion matrix"), size, draw)


def _cell(axes: "Axes", palette: Palette, place: tuple[int, int], texts: int, share: float) -> None:
    from matplotlib.patches import Rectangle

    true, given = place
    colour = palette.first if true == given else palette.second
    alpha = 0.04 + (_DARKEST - 0.04) * share if texts else 0.04
    corner = (given - 0.47, true - 0.47)
    axes.add_patch(Rectangle(corner, 0.94, 0.94, facecolor=colour, alpha=alpha, linewidth=0))


def plot_class_scores(w: Wording, classes: Sequence[ClassScores]) -> Plot:
    """Plots F1 of each class as a bar, with marks for precision and recall."""
    few = len(classes) <= _FEW_CLASSES
    size = (_NARROW[0], 3.2) if few else (_WIDE, 1.2 + 0.3 * len(classes))

    def draw(figure: "Figure", palette: Palette, names: tuple[str, ...]) -> None:
        axes = figure.subplots()
        places = np.arange(len(classes))
        f1 = [scores.f1 for scores in classes]
        axes.barh(places, f1, height=0.5, color=palette.first, alpha=0.35, label="F1")
        style: dict[str, Any] = {"linestyle": "none", "clip_on": False}
        # A ring around a dot: both stay visible where the two are equal.
        precision = [scores.precision for scores in classes]
        ring: dict[str, Any] = {
            "marker": "o",
            "markersize": 9,
            "fillstyle": "none",
            "markeredgewidth": 1.8,
        }
        axes.plot(precision, places, color=palette.first, label=w("precision"), **ring, **style)
        recall = [scores.recall for scores in classes]
        dot: dict[str, Any] = {"marker": "D", "markersize": 4}
        axes.plot(recall, places, color=palette.second, label=w("recall"), **dot, **style)
        axes.set_yticks(places, names)
        axes.set_ylim(len(classes) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.grid(axis="y", visible=False)
        _legend(axes, palette)

    return Plot("class_scores", w("F1, precision and recall of each class"), size, draw)


def plot_reliability(w: Wording, bins: Sequence[ConfidenceBin]) -> Plot:
    """Plots a reliability diagram: accuracy by stated probability."""

    def draw(figure: "Figure", palette: Palette, _: tuple[str, ...]) -> None:
        axes = figure.subplots()
        full = [one for one in bins if one.texts]
        style: dict[str, Any] = {"linewidth": 1, "dashes": (3, 3)}
        axes.plot([0, 1], [0, 1], color=palette.muted, label=w("perfect"), **style)
        most = max((one.texts for one in full), default=1)
        stated, right = [one.stated for one in full], [one.accuracy for one in full]
        shares = [estimate_accuracy(one.right, one.texts) for one in full]
        low = [share.value - share.low for share in shares]
        high = [share.high - share.value for share in shares]
        axes.errorbar(
            stated,
            right,
            yerr=[low, high],
            fmt="none",
            ecolor=palette.first,
            alpha=0.45,
            elinewidth=1.2,
        )
        sizes = [16 + 110 * one.texts / most for one in full]
        axes.scatter(stated, right, s=sizes, color=palette.first, alpha=0.85, linewidth=0, zorder=3)
        axes.plot(stated, right, color=palette.first, linewidth=1.2, label=w("measured"))
        start = min([one.low for one in full], default=0.0)
        axes.set(xlim=(start - 0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set(xlabel=w("predicted probability"), ylabel=w("accuracy"))
        _percent(axes, "x")
        _percent(axes, "y")
        _legend(axes, palette)

    return Plot("reliability", w("Reliability"), _NARROW, draw)


def plot_score_histogram(w: Wording, bins: Sequence[ConfidenceBin]) -> Plot:
    """Plots a histogram of the predicted labels' probabilities, correct and wrong ones stacked."""

    def draw(figure: "Figure", palette: Palette, _: tuple[str, ...]) -> None:
        axes = figure.subplots()
        lows = [one.low for one in bins]
        width = (bins[0].high - bins[0].low) * 0.9
        wrong = [one.texts - one.right for one in bins]
        right = [one.right for one in bins]
        style: dict[str, Any] = {"width": width, "align": "edge", "linewidth": 0}
        axes.bar(
            lows, right, bottom=wrong, color=palette.first, alpha=0.6, label=w("correct"), **style
        )
        axes.bar(lows, wrong, color=palette.second, label=w("wrong"), **style)
        axes.set(xlabel=w("probability of the predicted label"), ylabel=w("texts"))
        axes.grid(axis="x", visible=False)
        _whole_numbers(axes.yaxis)
        _percent(axes, "x")
        _legend(axes, palette)

    return Plot("score_histogram", w("Histogram of probabilities"), _NARROW, draw)


def plot_slices(
    w: Wording,
    name: str,
    title: str,
    slices: Sequence[Slice],
    axis: str,
    written: Callable[[Slice], str],
) -> Plot:
    """Plots the accuracy of each slice with its interval.

    Args:
        w: The language.
        name: Name of the plot.
        title: Title of the plot.
        slices: The slices in ascending order.
        axis: The quantity that the slices divide, as the axis names it.
        written: Formats the range of a slice.
    """

    def draw(figure: "Figure", palette: Palette, _: tuple[str, ...]) -> None:
        axes = figure.subplots()
        places = np.arange(len(slices))
        values = np.array([one.accuracy.value for one in slices])
        low = values - [one.accuracy.low for one in slices]
        high = np.array([one.accuracy.high for one in slices]) - values
        axes.errorbar(
            places,
            values,
            yerr=[low, high],
            fmt="o",
            color=palette.first,
            ecolor=palette.first,
            elinewidth=3,
            alpha=0.9,
            markersize=7,
        )
        ranges = [f"{written(one)}\n{one.texts:,}" for one in slices]
        crowded = max(map(len, ranges)) > _CROWDED
        axes.set_xticks(places, ranges, fontsize=6.5 if crowded else 8)
        axes.set_xlim(-0.5, len(slices) - 0.5)
        axes.set_xlabel(w("{axis} (below: number of texts)", axis=axis))
        lowest, highest = float((values - low).min()), float((values + high).max())
        axes.set_ylim(max(-0.01, lowest - 0.05), min(1.01, highest + 0.05))
        axes.grid(axis="x", visible=False)
        _percent(axes, "y")

    return Plot(name, title, _NARROW, draw)


def _percent(axes: "Axes", axis: str) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    chosen = axes.xaxis if axis == "x" else axes.yaxis
    chosen.set_major_formatter(PercentFormatter(1, decimals=0))
    # Labels have no decimals, so ticks must be at whole percents.
    chosen.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _whole_numbers(axis: "Axis") -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def _legend(axes: "Axes", palette: Palette) -> None:
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, labelcolor=palette.ink,
        borderaxespad=0.2, handlelength=1.6, columnspacing=1.4,
    )  # fmt: skip
